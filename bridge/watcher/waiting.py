"""Waiting for jobs: woken by file events and by other processes' writes to the journal, working at the desk meanwhile.

If a watcher runs, it does the checking and this only waits. If none does, whoever waits first takes its place at the desk
(a lock that the operating system frees); the others wait for that one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.errors import QueueUnreadable
from bridge.notebook.store import Store
from bridge.watcher.desk import Desk
from bridge.watcher.hints import Hints

#: Between two looks at the journal's version number, which costs microseconds.
TICK_S = 0.05


@dataclass(kw_only=True)
class Waiting:
    """One wait. `desk` None: take answers as they come."""

    store: Store
    desk: Desk | None
    hints: Hints
    desk_lock: Path
    now_s: Callable[[], float]
    poll_s: float = 2.0

    def until(self, ready: Callable[[], bool], *, timeout_s: float | None) -> bool:
        """Wait until `ready` says so; False if time is over. The desk's lock is given back at the end."""
        deadline = self.now_s() + timeout_s if timeout_s is not None else None
        lock = FileLock(self.desk_lock)
        self.hints.start()
        try:
            look_at = 0.0
            version = -1
            while True:
                now = self.now_s()
                hinted = now >= look_at
                if hinted:
                    look_at = now + self.poll_s
                    self._take_in(lock)
                current = self.store.note(self.store.journal.version, "looking")
                if hinted or current != version:
                    version = current
                    if ready():
                        return True
                if deadline is not None and self.now_s() >= deadline:
                    return False
                left = TICK_S if deadline is None else min(TICK_S, max(0.0, deadline - self.now_s()))
                if self.hints.wait(left):
                    look_at = 0.0
        finally:
            self.hints.stop()
            lock.release()

    def _take_in(self, lock: FileLock) -> None:
        with suppress(QueueUnreadable):  # a file that is half-written, a folder that is away: it comes back
            self.store.read(lambda: None)
            if self.desk is not None and self._at_desk(lock):
                self.desk.settle()

    @staticmethod
    def _at_desk(lock: FileLock) -> bool:
        if lock.is_locked:
            return True
        with suppress(Timeout):
            lock.acquire(timeout=0)
        return bool(lock.is_locked)
