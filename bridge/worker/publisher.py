"""Bringing the notebooks up to date, in batches; what is in the way is told once, and tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.core.errors import QueueError
from bridge.core.events import EventKind
from bridge.store import query
from bridge.store.store import Store


@dataclass(kw_only=True)
class Publisher:
    """One worker's way from the journal to the notebooks. Seconds are of a clock that only goes forward."""

    store: Store
    tell: Callable[[EventKind, str], None]
    now_s: Callable[[], float]
    publish_s: float  #: at most one write in this time
    done: Callable[[], int]  #: jobs that this worker has brought to an end so far
    pending: int = 0  #: changes that are in the journal only
    due: float = 0.0
    trouble: str | None = None
    waiting: int = 0  #: jobs without an answer, as of the last publishing
    publishes: int = 0
    _done_then: int = 0  #: of `done`, when `waiting` was counted

    def publish(self) -> bool:
        """Take in what others wrote, and write; False if that cannot be done at the moment."""
        try:
            self.store.publish()
            self._done_then = self.done()
            self.waiting = self.store.look(query.count_waiting)
        except QueueError as error:
            self.blocked(error)
            self.due = self.now_s() + self.publish_s
            return False
        if self.trouble:
            self.trouble = None
            self.tell(EventKind.PUBLISHED, "the queue can be written again")
        self.publishes += 1
        self.pending = 0
        self.due = self.now_s() + self.publish_s
        return True

    def left(self) -> int:
        """Jobs without an answer now: as counted last, less those that ended since."""
        return max(0, self.waiting - (self.done() - self._done_then))

    def blocked(self, error: QueueError) -> None:
        """Something is in the way; said once, until it is over: a dying mount has a new message for every call."""
        if self.trouble is None:
            self.tell(EventKind.BLOCKED, f"the queue cannot be written, which is tried again: {error}")
        self.trouble = str(error)
