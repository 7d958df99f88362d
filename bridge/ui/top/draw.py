"""The screen of `bridge top` as text: facts and a size go in, lines come out. Pure.

Everything that a worker, a model or a caller named goes through `bridge.core.text`: nothing of it can move the cursor.
"""

from __future__ import annotations

from datetime import datetime

from rich.console import Group
from rich.text import Text

from bridge.api.status import Overview
from bridge.core import text
from bridge.core.text import counted
from bridge.ui.top import panels, wide
from bridge.ui.top.model import Shown, TopScreen

HELP = "q quit · s state · c caller · a all · r retry failed · x cancel queued"
#: Narrower than this, what stands side by side stands below each other.
_TWO_COLUMNS = 70


def draw(screen: TopScreen, *, width: int, height: int | None, now: datetime) -> Group:
    """The whole screen in exactly `height` lines of at most `width` columns; None: in as many lines as it takes."""
    top = _head(screen, now)
    help_line = f"{HELP} · ↑ ↓ job" if width >= wide.COLUMNS else HELP
    foot = [_said(screen), Text(help_line, style="dim")] if height is not None else []
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
        (text.line(name, 40), "bold"), "  ", (_filter(shown), "reverse" if shown.state or shown.caller else "dim")
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
        parts.append(f"{panels.short(status.eta_s)} left" if status.workers else "nobody works")
    if status.oldest_queued_s is not None:
        parts.append(f"oldest {panels.short(status.oldest_queued_s)}")
    if status.doubted:
        parts.append(f"{len(status.doubted)} suspect deletions")
    return Text(" · ".join(parts))


def _middle(screen: TopScreen, overview: Overview, width: int, room: int | None, now: datetime) -> list[Text]:
    if width >= wide.COLUMNS:
        return wide.middle(overview, screen.shown, width=width, room=room, now=now)
    two = width >= _TWO_COLUMNS
    side = (width - 2) // 2 if two else width
    states, workers = panels.states(overview, screen.shown.state, side), panels.workers(overview, now)
    if screen.shown.state is not None:
        below, beside = panels.jobs(overview, screen.shown.state, now), None
    else:
        below, beside = panels.handed_over(overview, now), panels.trouble(overview, now)
    if not two:
        lines = [*states, Text(), *workers, Text(), *below]
        return lines if beside is None else [*lines, Text(), *beside]
    upper = max(len(states), len(workers))
    if room is not None:
        upper = min(upper, max(3, room - min(room // 2, 1 + max(len(below), len(beside or ())))))
    lines = panels.columns(panels.first(states, upper), panels.first(workers, upper), side)
    return [*lines, Text(), *(below if beside is None else panels.columns(below, beside, side))]


def _said(screen: TopScreen) -> Text:
    if screen.asking:
        return Text(f"{screen.asking.question} y: yes, any other key: no", style="bold reverse")
    return Text(screen.said, style="bold")
