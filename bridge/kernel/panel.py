"""The live panel below the set-up cell: every job with its state, lane, speed and time left. Text only; threads do not touch it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .grammar import JobForm
from .lanes import CellTask
from .progress import spell_duration

#: Jobs that are listed; of more, those that run, failed or are next.
LISTED = 24
#: Seconds between two updates.
PANEL_EVERY_S = 1.0
_UNSAFE = re.compile(r"[^\w .,:;()/'+*=-]")


class Panel:
    """Shows how a run stands; nowhere, until somebody says where."""

    def __init__(self, clock: Callable[[], float], *, in_colab: bool = False) -> None:
        self._clock = clock
        self._in_colab = in_colab
        self._shown_s: float | None = None
        self._text = ""
        self.show: Callable[[str], None] | None = None

    def update(self, head: str, tasks: Sequence[CellTask], waiting: Sequence[CellTask]) -> None:
        """Show the tasks of a run, at most once a second; at once when nothing is left. To be called from the main thread."""
        if self.show is None or not tasks:
            return
        over = all(task.over for task in tasks)
        now = self._clock()
        if not over and self._shown_s is not None and now - self._shown_s < PANEL_EVERY_S:
            return
        text = panel_text(head, tasks, waiting, now_s=now, in_colab=self._in_colab)
        if text != self._text:
            self._shown_s, self._text = now, text
            self.show(text)


def panel_text(
    head: str, tasks: Sequence[CellTask], waiting: Sequence[CellTask], *, now_s: float, in_colab: bool = False
) -> str:
    """Markdown in which nothing that a prompt says is more than plain text."""
    done = [task.pieces for task in tasks if task.result is not None and not task.failed and task.pieces]
    usual = sum(done) / len(done) if done else None
    places = {id(task): place for place, task in enumerate(waiting, 1)}
    listed = _listed(tasks, places)
    lines = [_line(task, places.get(id(task)), len(waiting), usual, now_s) for task in listed]
    if len(listed) < len(tasks):
        lines.append(f"and {len(tasks) - len(listed)} more")
    parts = [f"**{_end(tasks, in_colab=in_colab)}**" if all(task.over for task in tasks) else head]
    return "\n".join([*parts, "", "```text", *lines, "```"])


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _listed(tasks: Sequence[CellTask], places: dict[int, int]) -> list[CellTask]:
    if len(tasks) <= LISTED:
        return sorted(tasks, key=lambda task: task.cell.index)

    def rank(task: CellTask) -> tuple[int, int]:
        if task.failed or not task.over:
            return (0, places.get(id(task), 0))
        return (1, -task.cell.index)

    return sorted(sorted(tasks, key=rank)[:LISTED], key=lambda task: task.cell.index)


def _line(task: CellTask, place: int | None, waiting: int, usual: float | None, now_s: float) -> str:
    words = next((line for line in task.cell.body.splitlines() if line.strip()), "")
    said = "a conversation" if task.cell.header.form is not JobForm.PROMPT else _UNSAFE.sub(" ", words)[:48]
    return f"{_state(task, place, waiting):<24} {_facts(task, usual, now_s):<44} {said}".rstrip()


def _state(task: CellTask, place: int | None, waiting: int) -> str:
    if task.result is not None:
        return "failed" if task.failed else "answered"
    if task.stopped:
        return "stopped"
    return f"queued, {ordinal(place)} of {waiting}" if place else "answering"


def _facts(task: CellTask, usual: float | None, now_s: float) -> str:
    if task.began_s is None:
        return ""
    took_s = max(1e-3, (now_s if task.ended_s is None else task.ended_s) - task.began_s)
    speed = task.pieces / took_s
    facts = [f"lane {task.lane}", spell_duration(took_s)]
    if task.pieces:
        facts.append(f"{speed:.0f} tokens/s")
        if usual is not None and not task.over and usual > task.pieces:
            facts.append(f"about {spell_duration((usual - task.pieces) / speed)} left")
    return ", ".join(facts)


def _end(tasks: Sequence[CellTask], *, in_colab: bool) -> str:
    answered = sum(task.result is not None and not task.failed for task in tasks)
    failed = [task for task in tasks if task.failed]
    stopped = sum(task.stopped for task in tasks)
    words = [f"{answered} answered"]
    if failed:
        anchor = "scrollTo" if in_colab else "cell-id"
        words.append(f"{len(failed)} failed ([here](#{anchor}={failed[0].cell.job}))")
    if stopped:
        words.append(f"{stopped} stopped")
    return f"{', '.join(words)}. {'Run all again to go on.' if stopped else 'Now save.'}"
