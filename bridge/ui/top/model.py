"""What `bridge top` shows and what a key does to it: a value, and a function from it and an event to the next one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.api.status import Overview
from bridge.core import text
from bridge.core.job import State

#: States that the key `s` goes through; the first shows all.
STATES: tuple[State | None, ...] = (None, *State)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Which jobs are shown, and which of them in full."""

    state: State | None = None
    caller: str | None = None
    job: str | None = None  #: that a wide screen tells more of; None: the first of the list


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A change that waits for yes or no."""

    verb: str  #: retry, cancel
    jobs: tuple[str, ...]

    @property
    def question(self) -> str:
        """What the person is asked."""
        what = f"{len(self.jobs):,} {'failed' if self.verb == 'retry' else 'queued'} job{'s' * (len(self.jobs) != 1)}"
        return f"Put {what} back into the queue?" if self.verb == "retry" else f"Cancel {what}?"


@dataclass(frozen=True, kw_only=True)
class TopScreen:
    """All that the screen depends on, beside its size and the time."""

    shown: Shown = Shown()
    overview: Overview | None = None  #: the last that could be read
    seen: Shown | None = None  #: what that one shows; behind `shown` for a moment when a filter has changed
    trouble: str | None = None  #: why the queue could not be read just now; None: it could
    asking: Asking | None = None
    said: str = ""  #: what the last key came to
    over: bool = False


# ---- events


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A key: a character, `escape`, `up` or `down`."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The queue was looked at."""

    shown: Shown
    overview: Overview


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """It could not be."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """A change is done, or was refused, or something happened in the queue."""

    message: str


class Ended:
    """Somebody asked the program to end."""


Event = Pressed | Looked | Unreadable | Told | Ended

# ---- what is to be done outside


@dataclass(frozen=True, kw_only=True)
class Look:
    """Look at the queue now."""

    shown: Shown


@dataclass(frozen=True, kw_only=True)
class ChangeJobs:
    """Retry or cancel these jobs, as far as they are still failed or queued."""

    asking: Asking
    shown: Shown


Order = Look | ChangeJobs


def update(screen: TopScreen, event: Event) -> tuple[TopScreen, Order | None]:
    """The next screen, and what is to be done outside, if anything."""
    match event:
        case Looked(shown=shown, overview=overview):
            # A look that was under way when the filter changed says nothing about what is shown now.
            return (
                (replace(screen, overview=overview, seen=shown, trouble=None), None)
                if shown == screen.shown
                else (screen, None)
            )
        case Unreadable(why=why):
            return replace(screen, trouble=text.line(why, 300)), None
        case Told(message=message):
            return replace(screen, said=text.line(message, 300)), None
        case Ended():
            return replace(screen, over=True), None
        case Pressed(key=key):
            return _answered(screen, screen.asking, key) if screen.asking else _pressed(replace(screen, said=""), key)


def _answered(screen: TopScreen, asking: Asking, key: str) -> tuple[TopScreen, Order | None]:
    """Only `y` is a yes; any other key takes the question back."""
    calm = replace(screen, asking=None)
    if key in ("y", "Y"):
        return replace(calm, said="…"), ChangeJobs(asking=asking, shown=screen.shown)
    return replace(calm, said="nothing was changed"), None


def _pressed(screen: TopScreen, key: str) -> tuple[TopScreen, Order | None]:
    match key:
        case "q" | "Q":
            return replace(screen, over=True), None
        case "s" | "S":
            return _filtered(screen, replace(screen.shown, state=_next_state(screen, back=key == "S"), job=None))
        case "c" | "C":
            return _filtered(screen, replace(screen.shown, caller=_next_caller(screen, back=key == "C"), job=None))
        case "a" | "escape":
            return _filtered(screen, Shown())
        case "j" | "k" | "up" | "down":
            return _filtered(screen, replace(screen.shown, job=_next_job(screen, back=key in ("k", "up"))))
        case "r" | "x" if screen.overview is not None and screen.seen == screen.shown:
            return _ask(screen, screen.overview, "retry" if key == "r" else "cancel"), None
        case _:
            return screen, None


def _ask(screen: TopScreen, overview: Overview, verb: str) -> TopScreen:
    jobs = overview.failed if verb == "retry" else overview.queued
    if not jobs:
        return replace(screen, said=f"nothing to {verb}: no {'failed' if verb == 'retry' else 'queued'} job is shown")
    return replace(screen, asking=Asking(verb=verb, jobs=jobs))


def _filtered(screen: TopScreen, shown: Shown) -> tuple[TopScreen, Order | None]:
    if shown == screen.shown:
        return screen, None
    return replace(screen, shown=shown), Look(shown=shown)


def _next_state(screen: TopScreen, *, back: bool) -> State | None:
    """The next state that has jobs."""
    counts = screen.overview.counts if screen.overview else {}
    known = [state for state in STATES if state is None or counts.get(state) or state is screen.shown.state]
    return known[(known.index(screen.shown.state) + (-1 if back else 1)) % len(known)]


def _next_job(screen: TopScreen, *, back: bool) -> str | None:
    """The next job of the list; at its ends the same."""
    listed = [line.id for line in screen.overview.jobs] if screen.overview else []
    if not listed:
        return None
    at = listed.index(screen.shown.job) if screen.shown.job in listed else 0
    return listed[min(max(at + (-1 if back else 1), 0), len(listed) - 1)]


def _next_caller(screen: TopScreen, *, back: bool) -> str | None:
    names = screen.overview.callers if screen.overview else ()
    known = [None, *sorted({*names, *([screen.shown.caller] if screen.shown.caller else [])})]
    return known[(known.index(screen.shown.caller) + (-1 if back else 1)) % len(known)]
