"""When an engine is down: how long to leave it alone. Pure; time comes in."""

from __future__ import annotations

from dataclasses import dataclass

#: Seconds before the first look whether the engine is back, and the longest pause between two.
FIRST_S = 2.0
LONGEST_S = 60.0


@dataclass(kw_only=True)
class Breaker:
    """Closed: requests go. Open: none go, until a look says that the engine is back.

    Failures in a row count until a request is answered: an engine that looks well and takes nothing is left alone longer
    each time.
    """

    is_open: bool = False  #: the engine is taken to be down
    failures: int = 0
    retry_at: float = 0.0

    def fail(self, now: float) -> float:
        """The engine did not answer; gives the seconds until the next look. Pauses double up to `LONGEST_S`."""
        if now >= self.retry_at:  # many lanes fail at once: that is one failure
            self.failures += 1
            self.is_open = True
            self.retry_at = now + min(LONGEST_S, FIRST_S * 2 ** (self.failures - 1))
        return max(0.0, self.retry_at - now)

    def look_due(self, now: float) -> bool:
        """Whether it is time to look."""
        return self.is_open and now >= self.retry_at

    def close(self) -> None:
        """It looks well."""
        self.is_open = False
        self.retry_at = 0.0

    def succeed(self) -> None:
        """It answered a request."""
        self.close()
        self.failures = 0
