"""The watcher: takes in what others wrote, checks what is finished, hands it over, archives it. For as long as it runs.

One at a time per queue on this machine; the operating system frees its lock when it dies. Without any, whoever waits for a
job does the same work for it (see waiting.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import JournalError, LockHeld, QueueError
from bridge.core.events import Event, EventKind, Listener
from bridge.delivery.dispatch import Dispatch
from bridge.delivery.notices import BatchNotices
from bridge.delivery.review import Reviewer
from bridge.delivery.waiting import TICK_S
from bridge.store.store import Store
from bridge.transports.file_events import FileEvents


@dataclass(kw_only=True)
class Watcher:
    """One watcher. `ask_to_stop` from any thread or a signal handler."""

    store: Store
    reviewer: Reviewer
    dispatch: Dispatch
    file_events: FileEvents
    notify: Listener
    now_s: Callable[[], float]
    #: Moves jobs that were handed over so long ago to the archive.
    archive: Callable[[timedelta], list[str]]
    #: Held by whoever checks on this machine.
    review_lock: Path
    notices: BatchNotices
    poll_s: float = 5.0
    archive_after: timedelta | None = timedelta(hours=1)  #: None: never
    checked: int = 0
    handed_over: int = 0
    _stop: bool = field(default=False)

    def ask_to_stop(self) -> None:
        """End after the present round."""
        self._stop = True

    def once(self) -> bool:
        """One round; gives whether anything was done."""
        self.store.publish()
        settled = self.reviewer.settle()
        handed = self.dispatch.send_due()
        self.checked += len(settled)
        self.handed_over += len(handed)
        self.notices.look(settled, self.dispatch.left)
        archived = self.archive(self.archive_after) if self.archive_after is not None else []
        return bool(settled or handed or archived)

    def run(self) -> None:
        """Round after round, at once when something changes, every `poll_s` otherwise, until asked to stop.

        Raises:
            LockHeld: another watcher runs on this queue.
        """
        lock = FileLock(self.review_lock)
        try:
            lock.acquire(timeout=5)
        except Timeout:
            raise LockHeld("another watcher", 5) from None
        self.file_events.start()
        trouble: str | None = None
        try:
            while not self._stop:
                try:
                    busy = self.once()
                    trouble = None
                except JournalError:
                    raise
                except QueueError as error:  # a folder that vanished, a file that is half-written: it comes back
                    busy = False
                    if trouble != str(error):
                        trouble = str(error)
                        self.notify(Event(kind=EventKind.BLOCKED, message=str(error)))
                if not busy:
                    self._rest()
        finally:
            self.file_events.stop()
            lock.release()

    def _rest(self) -> None:
        """Until something may have changed, here or in another process's journal entries."""
        until = self.now_s() + self.poll_s
        version = self.store.version()
        while not self._stop and self.now_s() < until and not self.file_events.wait(TICK_S):
            if self.store.version() != version:
                return
