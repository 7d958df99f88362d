"""The screen of `bridge top` as text: facts and a size go in, lines come out. Pure.

Everything that a worker, a model or a caller named goes through `bridge.core.text`: nothing of it can move the cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group
from rich.text import Text

from bridge.api.status import Overview, WorkerLine
from bridge.core import text
from bridge.core.job import State
from bridge.core.text import counted
from bridge.ui.top.model import Shown, TopScreen

HELP = "q quit · s state · c caller · a all · r retry failed · x cancel queued"
#: Narrower than this, what stands side by side stands below each other.
_TWO_COLUMNS = 70

_STYLES = {
    State.QUEUED: "bright_black", State.RUNNING: "cyan", State.SUCCEEDED: "blue", State.TRUNCATED: "yellow",
    State.FAILED: "red", State.BROKEN: "red", State.CANCELLED: "bright_black", State.CHECKED: "green",
    State.DELIVERED: "green", State.ARCHIVED: "bright_black",
}  # fmt: skip
_VERDICTS = {"clean": "green", "errors": "red", "incomplete": "yellow", "unchecked": "cyan", "no_code": "magenta"}


def draw(screen: TopScreen, *, width: int, height: int | None, now: datetime) -> Group:
    """The whole screen in exactly `height` lines of at most `width` columns; None: in as many lines as it takes."""
    top = _head(screen, now)
    foot = [_said(screen), Text(HELP, style="dim")] if height is not None else []
    room = None if height is None else max(0, height - len(top) - len(foot))
    middle = _middle(screen, screen.overview, width, room, now) if screen.overview else [Text("looking …", style="dim")]
    if room is not None:
        middle = (middle + [Text()] * room)[:room]
    lines = [*top, *middle, *foot][:height]
    if lines and screen.asking and height is not None and height < len(top) + len(foot):
        lines[-1] = foot[0]  # the question stands however low the screen is
    for line in lines:
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
    return Group(*lines)


def _head(screen: TopScreen, now: datetime) -> list[Text]:
    overview, shown = screen.overview, screen.shown
    name = overview.status.path.replace("\\", "/").rsplit("/", 1)[-1] if overview else "queue"
    title = Text.assemble(
        (text.line(name, 40), "bold"), "  ", (_filter(shown), "reverse" if shown != Shown() else "dim")
    )
    title.append(f"  {now:%H:%M:%S} UTC", style="dim")
    if screen.trouble:
        return [title, Text(f"cannot be read just now: {screen.trouble}", style="bold red"), Text()]
    return [title, _summary(overview) if overview else Text(), Text()]


def _filter(shown: Shown) -> str:
    parts = [f"state {shown.state.value}"] if shown.state else []
    parts += [f"caller {text.line(shown.caller, 30)}"] if shown.caller else []
    return ", ".join(parts) or "all jobs"


def _summary(overview: Overview) -> Text:
    status = overview.status
    idle = f" ({status.idle} idle)" if status.idle else ""
    parts = [
        f"{sum(overview.counts.values()):,} jobs",
        f"{counted(status.workers, 'worker')}{idle}" + (f", {counted(status.lanes, 'lane')}" if status.lanes else ""),
    ]
    if overview.tokens_per_s is not None:
        parts.append(f"{overview.tokens_per_s:.1f} tokens/s")
    if status.eta_s is not None:
        parts.append(f"{short(status.eta_s)} left" if status.workers else "nobody works")
    if status.oldest_queued_s is not None:
        parts.append(f"oldest {short(status.oldest_queued_s)}")
    if status.doubted:
        parts.append(f"{len(status.doubted)} suspect deletions")
    return Text(" · ".join(parts))


def _middle(screen: TopScreen, overview: Overview, width: int, room: int | None, now: datetime) -> list[Text]:
    two = width >= _TWO_COLUMNS
    side = (width - 2) // 2 if two else width
    states, workers = _states(overview, screen.shown.state, side), _workers(overview, now)
    if screen.shown.state is not None:
        below, beside = _jobs(overview, screen.shown.state, now), None
    else:
        below, beside = _handed_over(overview, now), _trouble(overview, now)
    if not two:
        lines = [*states, Text(), *workers, Text(), *below]
        return lines if beside is None else [*lines, Text(), *beside]
    upper = max(len(states), len(workers))
    if room is not None:
        upper = min(upper, max(3, room - min(room // 2, 1 + max(len(below), len(beside or ())))))
    lines = _columns(_first(states, upper), _first(workers, upper), side)
    return [*lines, Text(), *(below if beside is None else _columns(below, beside, side))]


def _states(overview: Overview, chosen: State | None, side: int) -> list[Text]:
    lines = [_heading("JOBS")]
    known = [(state, count) for state, count in overview.counts.items() if count or state is chosen]
    most = max((count for _, count in known), default=0)
    for state, count in known:
        room = max(1, side - 21)
        filled = max(1, round(room * count / most)) if count else 0
        mark = "▸" if state is chosen else " "
        lines.append(Text.assemble(f"{mark}{state.value:<10}{count:>7,} ", ("█" * filled, _STYLES[state])))
    return lines if known else [*lines, Text(" none", style="dim")]


def _workers(overview: Overview, now: datetime) -> list[Text]:
    lines = [_heading("WORKERS")]
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


def _jobs(overview: Overview, state: State, now: datetime) -> list[Text]:
    lines = [_heading(f"NEWEST {state.value.upper()}")]
    why = {failure.job: failure.error for failure in overview.failures}
    for job in overview.jobs:
        age = short((now - job.created_at).total_seconds()) if job.created_at else ""
        facts = [text.line(fact, 40) for fact in (job.caller, job.lang, job.model, job.key) if fact]
        lines.append(Text.assemble(f" {job.id} {age:>7}  ", " · ".join(facts)))
        if job.verdict:
            lines[-1].append(f"  {text.line(job.verdict, 12)}", style=_VERDICTS.get(job.verdict, ""))
        if job.id in why:
            lines[-1].append(f"  {text.line(why[job.id], 200)}", style="red")
    return lines if overview.jobs else [*lines, Text(" none", style="dim")]


def _handed_over(overview: Overview, now: datetime) -> list[Text]:
    lines = [_heading("HANDED OVER")]
    for done in overview.handed_over:
        verdict = done.verdict or "failed"
        lines.append(
            Text.assemble(
                f" …{done.job[-6:]} ", (f"{text.line(verdict, 10):<10}", _VERDICTS.get(verdict, "red")),
                f" {short((now - done.at).total_seconds())} ago", (f" {text.line(done.to, 20)}", "dim"),
            )
        )  # fmt: skip
    return lines if overview.handed_over else [*lines, Text(" nothing yet", style="dim")]


def _trouble(overview: Overview, now: datetime) -> list[Text]:
    lines = [_heading("TROUBLE", f"{len(overview.failed):,} failed" if overview.failed else "")]
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


def _said(screen: TopScreen) -> Text:
    if screen.asking:
        return Text(f"{screen.asking.question} y: yes, any other key: no", style="bold reverse")
    return Text(screen.said, style="bold")


def _heading(name: str, more: str = "") -> Text:
    return Text.assemble((name, "bold"), (f"  {more}" if more else "", "dim"))


def _columns(left: Sequence[Text], right: Sequence[Text], side: int) -> list[Text]:
    lines = []
    for n in range(max(len(left), len(right))):
        line = left[n].copy() if n < len(left) else Text()
        line.truncate(side, overflow="ellipsis", pad=True)
        lines.append(Text.assemble(line, "  ", right[n] if n < len(right) else Text()))
    return lines


def _first(lines: list[Text], count: int) -> list[Text]:
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
