"""Waiting for jobs: woken by file events and by other processes' writes to the journal, reviewing answers meanwhile.

If a watcher runs, it does the checking and this only waits. If none does, whoever waits reviews its own jobs, and holds the
review lock no longer than for one pass: so every caller's own rules count for its jobs, two callers of one job do not check
it at the same time, and a watcher can begin at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import JournalError, QueueError
from bridge.delivery.review import Reviewer
from bridge.store.store import Store
from bridge.transports.file_events import FileEvents

#: Between two looks at the journal's version number, which costs microseconds.
TICK_S = 0.05


@dataclass(kw_only=True)
class Waiter:
    """One wait. `reviewer` None: answers are taken as they come."""

    store: Store
    reviewer: Reviewer | None
    file_events: FileEvents
    review_lock: Path
    now_s: Callable[[], float]
    poll_s: float = 2.0
    _lagging: object = field(default=None)

    def until(
        self,
        ready: Callable[[], bool],
        *,
        wanted: Collection[str],
        timeout_s: float | None,
        give_up: Callable[[], bool] = lambda: False,
        not_yet: Callable[[], None] = lambda: None,
    ) -> bool:
        """Wait until `ready` says so; False if time is over, or `give_up` says so.

        Args:
            ready: is asked again whenever something may have changed.
            wanted: the jobs to review, if nobody else does.
            timeout_s: None: no limit.
            give_up: is asked a few times a second.
            not_yet: is called after each look that found not all ready.
        """
        deadline = self.now_s() + timeout_s if timeout_s is not None else None
        self.file_events.start()
        try:
            look_at, poll_at = 0.0, 0.0
            version = -1
            unsettled = True
            while True:
                now = self.now_s()
                looked = now >= look_at
                if looked:
                    polled = now >= poll_at
                    poll_at = now + self.poll_s if polled else poll_at
                    look_at = poll_at
                    self._take_in(publish=polled)
                current = self.store.version()
                changed = looked or current != version
                version = current
                if changed or unsettled:
                    unsettled = not self._settle(wanted)
                    if ready():
                        return True
                if looked:
                    not_yet()
                if give_up() or (deadline is not None and self.now_s() >= deadline):
                    return False
                left = TICK_S if deadline is None else min(TICK_S, max(0.0, deadline - self.now_s()))
                if self.file_events.wait(left):
                    look_at = 0.0
        finally:
            self.file_events.stop()

    def _take_in(self, *, publish: bool) -> None:
        """Take in what came. What is still missing from the notebooks at the next poll, nobody else puts back: do it."""
        try:
            self.store.read(lambda _: None)
            if publish and self.reviewer is not None:
                lagging = self.store.lagging()
                if lagging and lagging == self._lagging:
                    self.store.publish()
                self._lagging = lagging
        except JournalError:
            raise
        except QueueError:
            return  # a file that is half-written, a folder that is away or read-only: look again

    def _settle(self, wanted: Collection[str]) -> bool:
        """Review the answers that are due; False if another process is doing that."""
        if self.reviewer is None:
            return True
        lock = FileLock(self.review_lock)
        with suppress(Timeout), lock.acquire(timeout=0):
            try:
                self.reviewer.settle(wanted)
            except JournalError:
                raise
            except QueueError:
                return True  # a round of repair cannot be published now: at the next look
            return True
        return False
