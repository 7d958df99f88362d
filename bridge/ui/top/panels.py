"""The parts of the screen of `bridge top`, each as lines that are as long as they want to be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from bridge.api.status import Overview, WorkerLine
from bridge.core import text
from bridge.core.job import State

STYLES = {
    State.QUEUED: "bright_black", State.RUNNING: "cyan", State.SUCCEEDED: "blue", State.TRUNCATED: "yellow",
    State.FAILED: "red", State.BROKEN: "red", State.CANCELLED: "bright_black", State.CHECKED: "green",
    State.DELIVERED: "green", State.ARCHIVED: "bright_black",
}  # fmt: skip
VERDICTS = {"clean": "green", "errors": "red", "incomplete": "yellow", "unchecked": "cyan", "no_code": "magenta"}


def states(overview: Overview, chosen: State | None, side: int) -> list[Text]:
    """Jobs by state, as bars; `side`: columns that there are."""
    lines = [heading("JOBS")]
    known = [(state, count) for state, count in overview.counts.items() if count or state is chosen]
    most = max((count for _, count in known), default=0)
    for state, count in known:
        room = max(1, side - 21)
        filled = max(1, round(room * count / most)) if count else 0
        mark = "▸" if state is chosen else " "
        lines.append(Text.assemble(f"{mark}{state.value:<10}{count:>7,} ", ("█" * filled, STYLES[state])))
    return lines if known else [*lines, Text(" none", style="dim")]


def workers(overview: Overview, now: datetime) -> list[Text]:
    """Who works, and on what."""
    lines = [heading("WORKERS")]
    for worker in overview.workers:
        lines.append(_worker(worker))
        if worker.outage:
            lines.append(Text(f"  engine: {text.line(worker.outage, 200)}", style="red"))
        since = (now - overview.at).total_seconds()
        for running in worker.running:
            spent = f" {short(running.seconds + since)}" if running.seconds is not None else ""
            lines.append(Text(f"  {text.line(running.job, 26)}{spent}", style="cyan"))
    return lines if overview.workers else [*lines, Text(" none alive", style="dim")]


def _worker(worker: WorkerLine) -> Text:
    state = "idle" if worker.idle else f"{len(worker.running)}/{worker.lanes}" if worker.beat_s is not None else "busy"
    waiting = worker.held - len(worker.running)
    held = f" +{waiting}" if waiting > 0 else ""
    beat = f" ♥{short(worker.beat_s)}" if worker.beat_s is not None else " no heartbeat"
    model = f" {text.line(worker.model, 30)}" if worker.model else ""
    return Text.assemble(text.line(worker.name, 20), (f" {state}{held}", "bold"), (beat, "dim"), model)


def jobs(overview: Overview, state: State, now: datetime) -> list[Text]:
    """The newest jobs of a state, with their errors."""
    lines = [heading(f"NEWEST {state.value.upper()}")]
    why = {failure.job: failure.error for failure in overview.failures}
    for job in overview.jobs:
        age = short((now - job.created_at).total_seconds()) if job.created_at else ""
        facts = [text.line(fact, 40) for fact in (job.caller, job.lang, job.model, job.key) if fact]
        lines.append(Text.assemble(f" {job.id} {age:>7}  ", " · ".join(facts)))
        if job.verdict:
            lines[-1].append(f"  {text.line(job.verdict, 12)}", style=VERDICTS.get(job.verdict, ""))
        if job.id in why:
            lines[-1].append(f"  {text.line(why[job.id], 200)}", style="red")
    return lines if overview.jobs else [*lines, Text(" none", style="dim")]


def handed_over(overview: Overview, now: datetime) -> list[Text]:
    """Which results were lately handed over, and to whom."""
    lines = [heading("HANDED OVER")]
    for done in overview.handed_over:
        verdict = done.verdict or "failed"
        lines.append(
            Text.assemble(
                f" …{done.job[-6:]} ", (f"{text.line(verdict, 10):<10}", VERDICTS.get(verdict, "red")),
                f" {short((now - done.at).total_seconds())} ago", (f" {text.line(done.to, 20)}", "dim"),
            )
        )  # fmt: skip
    return lines if overview.handed_over else [*lines, Text(" nothing yet", style="dim")]


def trouble(overview: Overview, now: datetime) -> list[Text]:
    """Failures, refusals and broken cells."""
    lines = [heading("TROUBLE", f"{len(overview.failed):,} failed" if overview.failed else "")]
    lines += [
        Text(f" {text.line(job, 26)}: {text.line(why, 200)}", style="yellow") for job, why in overview.status.problems
    ]
    for refusal in overview.refusals:
        lines.append(
            Text(
                f" …{refusal.job[-6:]} {text.line(refusal.channel, 20)}: {text.line(refusal.error, 200)}",
                style="yellow",
            )
        )
    for failure in overview.failures:
        when = f"{short((now - failure.at).total_seconds())} ago: " if failure.at else ""
        lines.append(Text.assemble(f" …{failure.job[-6:]} ", (f"{when}{text.line(failure.error, 200)}", "red")))
    return lines if len(lines) > 1 else [*lines, Text(" none", style="dim")]


def heading(name: str, more: str = "") -> Text:
    """A heading, with something quiet beside it."""
    return Text.assemble((name, "bold"), (f"  {more}" if more else "", "dim"))


def first(lines: list[Text], count: int) -> list[Text]:
    """The first of some lines, the last of them saying how many more there are."""
    if len(lines) <= count:
        return lines
    return [*lines[: count - 1], Text(f"  … {len(lines) - count + 1} more", style="dim")]


def short(seconds: float) -> str:
    """A length of time in few columns: `45s`, `12min`, `3h`, `2d`."""
    left = max(0.0, seconds)
    for size, name in ((172_800, "d"), (5_400, "h"), (90, "min")):
        if left >= size:
            return f"{left / {'d': 86_400, 'h': 3_600, 'min': 60}[name]:.0f}{name}"
    return f"{left:.0f}s"


def columns(left: Sequence[Text], right: Sequence[Text], side: int) -> list[Text]:
    """Lines beside each other; the left ones get `side` columns."""
    lines = []
    for n in range(max(len(left), len(right))):
        line = left[n].copy() if n < len(left) else Text()
        line.truncate(side, overflow="ellipsis", pad=True)
        lines.append(Text.assemble(line, "  ", right[n] if n < len(right) else Text()))
    return lines
