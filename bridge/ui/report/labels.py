"""How a report says things: outcomes, lengths of time, numbers."""

from __future__ import annotations

from collections.abc import Mapping

#: {outcome of a job: how the page says it}, in the order of charts: what is good first, what needs a look in the middle. Verdicts
#: and states have the words of the command line, so that what a person reads here can be typed there.
OUTCOMES: Mapping[str, str] = {
    **{
        name: name
        for name in (
            "clean", "unchecked", "no_code", "incomplete", "errors", "failed", "broken", "succeeded", "truncated",
        )
    },
    "round": "repair round",
    **{name: name for name in ("running", "queued", "cancelled", "delivered", "checked", "archived")},
}  # fmt: skip

#: Outcomes that somebody should look at.
TROUBLE = ("errors", "failed", "incomplete", "broken")


def css(outcome: str) -> str:
    """The style sheet's class for an outcome; one that is unknown gets that for others, never its own name."""
    return f"o-{outcome}" if outcome in OUTCOMES else "o-other"


def span(seconds: float | None) -> str:
    """A length of time, short."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h".replace(".0 h", " h")


def number(value: int | None) -> str:
    """A count, with a thin space between thousands."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


def size(count: int) -> str:
    """A number of bytes."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1000))} kB"
