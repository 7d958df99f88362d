"""When to try again: a value that answers it. Pure; the number of tries and any randomness come in."""

from __future__ import annotations

from dataclasses import dataclass

#: More doublings make no pause longer, and floats end at 2 ** 1023.
_MOST_STEPS = 64


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Pauses that grow by a factor, up to the longest."""

    first_s: float
    longest_s: float
    factor: float = 2.0

    def pause_s(self, tries: int, *, jitter: float = 1.0) -> float:
        """Seconds to wait after so many failed tries (from 1). `jitter`: stretches the pause; drawn by who waits."""
        return min(self.longest_s, self.first_s * self.factor ** min(tries - 1, _MOST_STEPS)) * jitter
