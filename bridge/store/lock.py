"""One writer at a time on this machine: a lock file in the local state folder, never in the synced one.

The operating system lets go of the lock when the process that holds it dies, however it dies. A note beside it says who
holds it, and whoever waits stands in a line (see turn.py).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import JournalError, LockHeld
from bridge.core.events import Event, EventKind, Listener
from bridge.store.turn import Turn, anybody_waits

#: Between two tries; most holders need a few milliseconds.
_POLL_S = 0.01
#: Between two looks of who is far behind in the line.
_LONGEST_POLL_S = 0.25


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
        self._line = path.with_suffix(".line")
        self._notify = notify
        self._now = now
        self._patience_s = patience_s
        self._quiet_s = min(quiet_s, patience_s)
        #: How often this process has taken it; held again inside of itself counts once.
        self.taken = 0

    @contextmanager
    def held(self, purpose: str) -> Iterator[None]:
        """Hold the lock. Raises LockHeld, which says who holds it, when patience is over."""
        if not self._taken_at_once():
            with Turn(self._line) as turn:
                self._wait(turn)
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

    def _taken_at_once(self) -> bool:
        """Take the lock if it is free and nobody waits for it, or if it is held by this thread already."""
        if self._lock.lock_counter == 0 and anybody_waits(self._line):
            return False
        with suppress(Timeout):
            self._lock.acquire(timeout=0)
            return True
        return False

    def _wait(self, turn: Turn) -> None:
        """Take the lock when it is this one's turn. Raises LockHeld."""
        began, waited, told = self._now(), 0.0, False
        while True:
            ahead = turn.ahead()
            left = (self._patience_s if told else self._quiet_s) - waited
            pause = min(left, _POLL_S * ahead, _LONGEST_POLL_S) if ahead else left
            try:
                self._pass_time(pause, next_one=not ahead)
            except Timeout:
                waited += pause
            else:
                return
            if waited >= self._patience_s:
                raise LockHeld(self._who(), self._now() - began)
            if waited >= self._quiet_s and not told:
                told = True
                message = f"waiting for the queue's lock, held by {self._who()}"
                self._notify(Event(kind=EventKind.WAITING, message=message))

    def _pass_time(self, seconds: float, *, next_one: bool) -> None:
        """Try for the lock so long, or only wait. Raises Timeout without it."""
        if next_one:
            self._lock.acquire(timeout=max(0.0, seconds), poll_interval=_POLL_S)
            return
        time.sleep(max(0.0, seconds))
        raise Timeout(self._lock.lock_file)

    def _who(self) -> str:
        try:
            note = json.loads(self._holder.read_text())
            return f"process {note['pid']} ({note['purpose']})"
        except (OSError, ValueError, KeyError):
            return "another process"
