"""One writer at a time on this machine: a lock file in the local state folder, never in the synced one.

The operating system lets go of the lock when the process that holds it dies, however it dies. A note beside it says who holds it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import JournalError, LockHeld
from bridge.core.events import Event, EventKind, Listener

#: Between two tries; most holders need a few milliseconds.
_POLL_S = 0.01


class QueueLock:
    """The lock of one queue. Re-entrant within a process; waits up to `patience_s` (default 60 s)."""

    def __init__(
        self,
        path: Path,
        *,
        notify: Listener,
        now: Callable[[], float],
        patience_s: float = 60,
        quiet_s: float = 1,
    ) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"cannot make {path.parent}: {error.strerror}; set BRIDGE_STATE_DIR to a folder that you may write"
            ) from error
        self._lock = FileLock(path, mode=0o600)
        self._holder = path.with_suffix(".holder.json")
        self._notify = notify
        self._now = now
        self._patience_s = patience_s
        self._quiet_s = min(quiet_s, patience_s)
        #: How often this process has taken it; held again inside of itself counts once.
        self.taken = 0

    @contextmanager
    def held(self, purpose: str) -> Iterator[None]:
        """Hold the lock. Raises LockHeld, which says who holds it, when patience is over."""
        began = self._now()
        try:
            self._lock.acquire(timeout=self._quiet_s, poll_interval=_POLL_S)
        except Timeout:
            holder = self._who()
            self._notify(Event(kind=EventKind.WAITING, message=f"waiting for the queue's lock, held by {holder}"))
            try:
                self._lock.acquire(timeout=self._patience_s - self._quiet_s, poll_interval=_POLL_S)
            except Timeout:
                raise LockHeld(self._who(), self._now() - began) from None
        try:
            if self._lock.lock_counter == 1:
                self.taken += 1
                self._holder.write_text(json.dumps({"pid": os.getpid(), "program": sys.argv[:1], "purpose": purpose}))
            yield
        finally:
            if self._lock.lock_counter == 1:
                with suppress(OSError):
                    self._holder.unlink(missing_ok=True)
            self._lock.release()

    def _who(self) -> str:
        try:
            note = json.loads(self._holder.read_text())
            return f"process {note['pid']} ({note['purpose']})"
        except (OSError, ValueError, KeyError):
            return "another process"
