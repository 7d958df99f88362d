"""A place in the line before a lock, so that whoever waits longest gets it next.

A lock file alone goes to whoever happens to ask at the right moment; with two hundred processes at once, one may ask in vain
for a minute. Here each of them puts a ticket into a folder, a file that it holds locked, and asks for the lock only when no
older ticket is left. The ticket of a process that died is not locked any more, and whoever is next removes it.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout


def anybody_waits(line: Path) -> bool:
    """Whether there is a ticket in the folder."""
    try:
        with os.scandir(line) as tickets:
            return next(tickets, None) is not None
    except OSError:
        return False


class Turn:
    """One ticket, as long as it is entered. Where none can be written, its owner is always next."""

    def __init__(self, line: Path) -> None:
        """`line`: the folder of the tickets; made when needed."""
        self._line = line
        self._ticket: Path | None = None
        self._lock: FileLock | None = None

    def __enter__(self) -> Self:
        """Take a ticket."""
        with suppress(OSError):
            self._line.mkdir(mode=0o700, exist_ok=True)
            self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the ticket back."""
        if self._ticket is not None and self._lock is not None:
            with suppress(OSError):
                self._ticket.unlink(missing_ok=True)
            self._lock.release()

    def ahead(self) -> int:
        """How many wait before this one; of those that died, the oldest are counted out."""
        if self._ticket is None:
            return 0
        try:
            names = sorted(os.listdir(self._line))  # noqa: PTH208  # names are what is wanted
            if self._ticket.name not in names:  # somebody took it for a dead one's before it was locked
                self._draw()
                return len(names)
        except OSError:
            return 0
        before = names[: names.index(self._ticket.name)]
        while before and self._is_dead(before[0]):
            before.pop(0)
        return len(before)

    def _draw(self) -> None:
        # The clock that all processes of the machine share; after a start of the machine all older tickets are dead.
        ticket = self._line / f"{time.monotonic_ns():020}-{secrets.token_hex(4)}"
        lock = FileLock(ticket, mode=0o600, thread_local=False)
        with suppress(Timeout):
            lock.acquire(timeout=0)
            self._ticket, self._lock = ticket, lock

    def _is_dead(self, name: str) -> bool:
        """Whether nobody holds that ticket; then it is gone."""
        lock = FileLock(self._line / name, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError:
            return True
        with suppress(OSError):
            (self._line / name).unlink(missing_ok=True)
        lock.release()
        return True
