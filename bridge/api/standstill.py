"""Whether a wait is in vain: jobs stand in the queue, and nobody is there to answer them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.api.status import workers
from bridge.core.events import Event, EventKind
from bridge.core.states import State
from bridge.core.text import counted
from bridge.store import query
from bridge.store.journal_reader import JournalReader
from bridge.store.query import Filter
from bridge.wiring import Opened

#: Between two looks at heartbeats, in seconds: on Drive each look is several requests.
_LOOK_S, _LOOK_ON_DRIVE_S = 2.0, 60.0


@dataclass(kw_only=True)
class Standstill:
    """Says once, through the queue's listener, how many of these jobs and their rounds of repair nobody answers."""

    opened: Opened
    wanted: frozenset[str]
    now_s: Callable[[], float]
    _next_s: float = 0.0
    _begun: bool = False
    _told: str = ""

    def look(self) -> None:
        """To be called now and then while waiting."""
        now = self.now_s()
        begins, self._begun = not self._begun, True  # whoever began to work with us shows no sign of life yet
        if not begins and now < self._next_s:
            return
        self._next_s = now + (_LOOK_S if begins or self.opened.path is not None else _LOOK_ON_DRIVE_S)
        if begins:
            return
        message = self.opened.store.look(self._message)
        if message and message != self._told:
            self.opened.store.notify(Event(kind=EventKind.WAITING, message=message))
        self._told = message

    def _message(self, reader: JournalReader) -> str:
        now = self.opened.store.clock.now()
        lines = query.lines(reader, Filter(family=sorted(self.wanted), states=[State.QUEUED]), now)
        if not lines or workers(self.opened, reader, now):
            return ""
        rounds = sum(line.parent is not None for line in lines)
        jobs = len(lines) - rounds
        parts = [counted(jobs, "job")] if jobs else []
        parts += [counted(rounds, "repair")] if rounds else []
        them = "it" if len(lines) == 1 else "them"
        return (
            f"{' and '.join(parts)} queued, no worker alive: `bridge work` answers {them}, or Run all in the notebook"
        )
