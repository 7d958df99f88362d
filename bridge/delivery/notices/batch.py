"""When a batch is done: everything that was in the queue is answered, checked and handed over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from bridge.core.errors import NotDelivered
from bridge.core.events import Event, EventKind, Listener
from bridge.core.states import UNDER_WAY, Move, State, sources
from bridge.delivery.notices.base import Notice, Notifier, batch_done
from bridge.store import query
from bridge.store.query import Filter
from bridge.store.store import Store

#: Something is still to be done for a job in one of these; for one that is broken only its owner can.
_OPEN = (UNDER_WAY | sources(Move.CHECK)) - {State.BROKEN}


@dataclass(kw_only=True)
class BatchNotices:
    """The notices of one watcher: one each time that the queue runs empty, for all that it checked since the last."""

    store: Store
    queue: str
    notifiers: Sequence[Notifier]
    notify: Listener
    _seen: dict[str, None] = field(default_factory=dict)

    def look(self, checked: Collection[str], left: Callable[[list[str]], list[str]]) -> bool:
        """After a round: whether a notice was sent. `checked`: jobs; `left`: those of some that a way out has yet to take."""
        if not self.notifiers:
            return False
        self._seen |= dict.fromkeys(checked)
        if not self._seen or self._still_open() or left(list(self._seen)):
            return False
        wanted = Filter(ids=list(self._seen), original=True)
        lines = self.store.look(lambda reader: query.lines(reader, wanted, self.store.clock.now()))
        self._seen.clear()
        send_to_all(
            self.notifiers,
            batch_done(self.queue, {line.id: line.verdict or line.state.value for line in lines}),
            self.notify,
        )
        return True

    def _still_open(self) -> bool:
        counts = self.store.look(lambda reader: query.counts(reader, self.store.clock.now(), original=True))
        return any(counts[state] for state in _OPEN)


def send_to_all(notifiers: Sequence[Notifier], notice: Notice, notify: Listener) -> None:
    """Tell it on every way; one that fails is said, and is no failure of the jobs."""
    for notifier in notifiers:
        try:
            notifier.tell(notice)
        except NotDelivered as error:
            notify(Event(kind=EventKind.BLOCKED, message=f"no notice by {notifier.name}: {error}"))
