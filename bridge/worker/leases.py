"""Whose claim on a job still holds, as far as it can be seen from here.

Clocks of two machines may differ by an hour, so a foreign lease is not read against our clock: it holds for its own length
from when *we* first saw it, or from when we last saw its worker's heartbeat change. A worker of this machine that died is
known at once: the operating system freed its lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Leases:
    """What one worker has seen of other workers' leases. Seconds are of a monotonic clock."""

    length_s: float
    #: Is this worker of this machine known to be dead? False if it is alive or not of this machine.
    is_dead: Callable[[str], bool]
    _first_seen: dict[tuple[str, str, int], float] = field(default_factory=dict)
    _beats: dict[str, tuple[object, float]] = field(default_factory=dict)
    _dead: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def beat(self, worker: str, beat: object, now: float) -> None:
        """A heartbeat was read; it counts when it differs from the last one."""
        if self._beats.get(worker, (None, 0.0))[0] != beat:
            self._beats[worker] = (beat, now)

    def holds(self, job: str, worker: str, attempt: int, now: float) -> bool:
        """Whether a worker's claim keeps us off a job."""
        if self._died(worker, now):
            return False
        first = self._first_seen.setdefault((job, worker, attempt), now)
        last_sign = max(first, self._beats.get(worker, (None, first))[1])
        return now - last_sign < self.length_s

    def _died(self, worker: str, now: float) -> bool:
        """Asked once a moment for each worker, not for each of its jobs: looking costs a system call."""
        asked_at, dead = self._dead.get(worker, (None, False))
        if asked_at != now:
            dead = self.is_dead(worker)
            self._dead[worker] = (now, dead)
        return dead
