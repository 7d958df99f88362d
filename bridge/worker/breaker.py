"""When an engine is down: how long to leave it alone. Pure; time comes in."""

from __future__ import annotations

from dataclasses import dataclass

#: Seconds before the first look whether the engine is back, and the longest pause between two.
FIRST_S = 2.0
LONGEST_S = 60.0


@dataclass(kw_only=True)
class Breaker:
    """Closed: requests go. Open: none go, until a look says that the engine is back."""

    failures: int = 0
    retry_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the engine is taken to be down."""
        return self.failures > 0

    def fail(self, now: float) -> float:
        """The engine did not answer; gives the seconds until the next look. Pauses double up to `LONGEST_S`."""
        if now >= self.retry_at:  # many lanes fail at once: that is one failure
            self.failures += 1
            self.retry_at = now + min(LONGEST_S, FIRST_S * 2 ** (self.failures - 1))
        return max(0.0, self.retry_at - now)

    def look_due(self, now: float) -> bool:
        """Whether it is time to look."""
        return self.is_open and now >= self.retry_at

    def close(self) -> None:
        """It answers."""
        self.failures = 0
        self.retry_at = 0.0
