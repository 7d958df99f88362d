"""Whose claim on a job still holds, as far as it can be seen from here.

Clocks of two machines may differ by an hour, so a foreign lease is not read against our clock: it holds for its own length
from when *we* first saw it, or from when we last saw its worker's heartbeat change. A worker of this machine that died is
known at once: the operating system freed its lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

#: A worker whose heartbeat changed within so many seconds takes its share of the jobs; syncs may be minutes late.
ALIVE_S = 300.0


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

    def falls_to(self, job: str, me: str, now: float) -> bool:
        """Whether a job is this worker's to take first, of all workers that show signs of life.

        Machines see each other's claims late, so without this all would take the same jobs at the same time. Each job goes
        to the worker with the highest hash of both (rendezvous hashing, Thaler and Ravishankar 1998,
        https://doi.org/10.1109/90.663936): all agree without a word, and a worker that comes or goes moves only its share.
        """
        others = [worker for worker, (_, at) in self._beats.items() if worker != me and now - at < ALIVE_S]
        if not others:
            return True
        return all(_weight(job, me) >= _weight(job, other) for other in others)

    def _died(self, worker: str, now: float) -> bool:
        """Asked once a moment for each worker, not for each of its jobs: looking costs a system call."""
        asked_at, dead = self._dead.get(worker, (None, False))
        if asked_at != now:
            dead = self.is_dead(worker)
            self._dead[worker] = (now, dead)
        return dead


def _weight(job: str, worker: str) -> bytes:
    return blake2b(f"{worker} {job}".encode(), digest_size=8).digest()
