"""When an engine is down: how long to leave it alone. The decisions are pure; `Breaker` adds a clock and a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.core.retry import Backoff

#: From the first look whether the engine is back to the longest pause between two.
PAUSES = Backoff(first_s=2.0, longest_s=60.0)


@dataclass(frozen=True, kw_only=True)
class BreakerState:
    """Closed: requests go. Open: none go, until a look says that the engine is back.

    Failures in a row count until a request is answered: an engine that looks well and takes nothing is left alone longer
    each time. Moments are seconds of one clock that only goes forward.
    """

    is_open: bool = False  #: the engine is taken to be down
    failures: int = 0
    retry_at_s: float = 0.0

    def failed(self, now_s: float, *, pauses: Backoff, at_least_s: float = 0.0) -> BreakerState:
        """The engine did not answer, or asked to be left alone for `at_least_s`. Many failures at once are one."""
        after = self
        if now_s >= self.retry_at_s:
            failures = self.failures + 1
            after = BreakerState(is_open=True, failures=failures, retry_at_s=now_s + pauses.pause_s(failures))
        return replace(after, retry_at_s=max(after.retry_at_s, now_s + at_least_s))

    def looks_well(self) -> BreakerState:
        """Its health is fine; only an answer makes its failures forgotten."""
        return replace(self, is_open=False, retry_at_s=0.0)


class Breaker:
    """The breaker of one engine, for any number of threads."""

    def __init__(self, *, now_s: Callable[[], float], pauses: Backoff = PAUSES) -> None:
        self._now_s = now_s
        self._pauses = pauses
        self._lock = threading.Lock()
        self._state = BreakerState()

    @property
    def state(self) -> BreakerState:
        """As it is now."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether nothing should be sent now."""
        return self._state.is_open

    @property
    def retry_at_s(self) -> float:
        """When the next look is due."""
        return self._state.retry_at_s

    def fail(self, *, at_least_s: float = 0.0) -> float:
        """A request failed; gives the seconds until the next look."""
        with self._lock:
            now_s = self._now_s()
            self._state = self._state.failed(now_s, pauses=self._pauses, at_least_s=at_least_s)
            return max(0.0, self._state.retry_at_s - now_s)

    def look_due(self) -> bool:
        """Whether it is time to look."""
        state = self._state
        return state.is_open and self._now_s() >= state.retry_at_s

    def close(self) -> None:
        """Note that the engine works again."""
        with self._lock:
            self._state = self._state.looks_well()

    def succeed(self) -> None:
        """It answered a request."""
        with self._lock:
            self._state = BreakerState()
