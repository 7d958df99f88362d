"""A target that wants fewer requests is left alone until it said, or for a while that grows. Pure.

Apart from the breaker on purpose: a target that answers 429 is well, and one that is ill says nothing of when it is back.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.retry import Backoff

#: For targets that do not say how long.
PAUSES = Backoff(first_s=10.0, longest_s=300.0)
#: Nobody is believed to mean a longer pause: then one request asks again.
LONGEST_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Open, or closed until a moment; seconds of one clock that only goes forward."""

    closed_until_s: float = 0.0
    reason: str = ""  #: why it is closed, for people
    refusals: int = 0  #: in a row

    def left_s(self, now_s: float) -> float:
        """How long it stays closed."""
        return max(0.0, self.closed_until_s - now_s)

    def refused(self, now_s: float, *, wait_s: float | None, reason: str) -> Gate:
        """The target wants to be left alone; None: it does not say how long. What was said before holds if it is longer."""
        refusals = self.refusals + 1
        pause_s = PAUSES.pause_s(refusals) if wait_s is None else min(wait_s, LONGEST_S)
        return Gate(closed_until_s=max(self.closed_until_s, now_s + pause_s), reason=reason, refusals=refusals)

    def answered(self) -> Gate:
        """The target answered: it does not mean what it said before."""
        return Gate()
