"""A worker's signs of life: a lock that the operating system frees when it dies, and a heartbeat file beside the queue.

The lock tells processes of this machine at once; the heartbeat tells other machines, after the sync. The heartbeat is a
small file of its own, never a rewrite of the notebook.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import QueueError
from bridge.core.job import to_iso
from bridge.format import limits
from bridge.format.fields import FieldError, Fields, is_text
from bridge.transports.base import Transport

FOLDER = "workers"

#: A dead worker's lock file tells that its leases are void; no lease is as long as this.
_LOCKS_STAY_S = 7 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """What a heartbeat file says."""

    worker: str
    beat: int
    at: str
    engine: str
    model: str
    lanes: int
    running: tuple[str, ...]
    running_s: Mapping[str, float]  #: {job: seconds since it was begun}, as of `at`; empty: a version that does not say
    outage: str = ""  #: why its engine answers nothing; empty: it does


class WorkerHeartbeat:
    """The signs of life of one worker on this machine; `locks` is a folder in the local state."""

    def __init__(self, worker: str, *, locks: Path, transport: Transport) -> None:
        locks.mkdir(parents=True, exist_ok=True)
        self.worker = worker
        self._locks = locks
        self._transport = transport
        self._lock = FileLock(locks / f"{worker}.lock")
        self._beat = 0

    def begin(self) -> None:
        """Show up. Raises filelock.Timeout if a worker of this name is alive already."""
        self._lock.acquire(timeout=0)

    def end(self, *, clean: bool = True) -> None:
        """Leave: takes the heartbeat away and frees the lock. Not `clean`: claims are left, so it looks as if it had died."""
        with suppress(QueueError):
            self._transport.remove(self._name(self.worker))
        self._lock.release()
        if clean:
            with suppress(OSError):
                (self._locks / f"{self.worker}.lock").unlink(missing_ok=True)

    def tidy(self, now: datetime) -> None:
        """Take away what workers of this machine left that died: heartbeats, and locks after a week. Raises QueueError."""
        for entry in self._transport.entries(FOLDER, suffix=".json"):
            if self.is_dead(entry.name.removeprefix(f"{FOLDER}/").removesuffix(".json")):
                self._transport.remove(entry.name)
        for lock in self._locks.glob("*.lock"):
            self._tidy_lock(lock, now)

    def _tidy_lock(self, path: Path, now: datetime) -> None:
        """Delete a lock file that is old and free. Names of workers are never used again, so nobody waits for it."""
        with suppress(OSError, Timeout):
            # Before the lock is tried, which makes the file look new.
            if now.timestamp() - path.stat().st_mtime < _LOCKS_STAY_S:
                return
            with FileLock(path).acquire(timeout=0):
                path.unlink(missing_ok=True)

    def beat(self, facts: dict[str, object], now: datetime) -> None:
        """Write the heartbeat. Raises QueueError if the folder cannot be written at the moment."""
        self._beat += 1
        value = {"worker": self.worker, "beat": self._beat, "at": to_iso(now), **facts}
        name = self._name(self.worker)
        data = json.dumps(value, indent=1).encode()
        self._transport.stage(name, data, unless_changed=self._transport.stat(name)).commit()

    def is_dead(self, worker: str) -> bool:
        """Whether a worker that once ran on this machine has died: its lock file is there and free."""
        return worker != self.worker and has_died(worker, self._locks)

    @staticmethod
    def _name(worker: str) -> str:
        return f"{FOLDER}/{worker}.json"


def has_died(worker: str, locks: Path) -> bool:
    """Whether a worker that once ran on this machine has died; False if it is alive or not of this machine."""
    path = locks / f"{worker}.lock"
    if Path(worker).name != worker or not path.exists():
        return False
    probe = FileLock(path)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return False
    probe.release()
    return True


def read_heartbeats(transport: Transport, *, but: str = "") -> list[Heartbeat]:
    """The heartbeats that lie beside the queue, `but` that of one worker; damaged ones are left out."""
    beats = []
    for entry in transport.entries(FOLDER, suffix=".json"):
        if entry.name == f"{FOLDER}/{but}.json":
            continue
        read = transport.read(entry.name)
        try:
            beats.append(_read(json.loads(read[0]) if read else {}))
        except (ValueError, TypeError, RecursionError):  # FieldError is a ValueError
            continue
    return beats


def _read(value: object) -> Heartbeat:
    """Raises FieldError, TypeError: anybody can write into the folder."""
    if not isinstance(value, dict):
        raise TypeError("a heartbeat is an object")
    said = Fields(values=value, where="heartbeat.")
    worker, at, running = said.text("worker"), to_iso(said.when("at")), value.get("running") or []
    if not worker or not isinstance(running, list) or not all(map(is_text, running)):
        raise FieldError("worker or running is not what a heartbeat has")
    return Heartbeat(
        worker=worker,
        beat=said.count("beat"),
        at=at,
        engine=said.text("engine") or "",
        model=said.text("model") or "",
        lanes=said.count("lanes") or 1,
        running=tuple(running[: limits.ENTRIES]),
        running_s=said.amounts("running_s"),
        outage=(said.text("outage", limits.NOTE_CHARS) or "")[:500],
    )
