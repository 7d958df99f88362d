"""What becomes of second copies: which of two files of one part goes on, and where the other one goes.

Drive allows two files of one title. Then each side sees its own as the part and the other one as a second copy, and if both
set that aside, both parts are gone and both are made anew, for ever. So every file of a further part carries the mark that it
was born with, and every side decides alike: the older mark is the part. Nobody sets a file aside without seeing one that
outlives it; a file that may be the part to somebody is used, under whatever name it has here, before a new one is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.core.clock import Clock
from bridge.core.errors import QueueError
from bridge.core.events import Event, EventKind, Listener
from bridge.format import file_names, limits
from bridge.store.journal import Journal
from bridge.store.journal_reader import JournalReader
from bridge.store.rows import NotebookRow
from bridge.transports.base import Transport
from bridge.transports.conflict_copies import conflict_copy_maker, twin_of


@dataclass(frozen=True, kw_only=True)
class SecondCopy:
    """A second copy that was folded in."""

    name: str
    place: NotebookRow  #: the part that it is a copy of
    birth: str  #: the mark of the file that it was copied from, or its own

    @property
    def may_live(self) -> bool:
        """Whether it may be the part itself to somebody: a client gave it another name because of a file of the same title."""
        return self.place.number > 1 and twin_of(self.name) is not None

    def outlives(self, birth: str) -> bool:
        """Whether it is the part rather than a file with this mark. A file of an older version has none, and is older than all."""
        return self.may_live and self.birth < birth


@dataclass(frozen=True, kw_only=True)
class SecondCopies:
    """Those in one folder. Moves files, so nothing here runs before what they hold is on disk."""

    transport: Transport
    journal: Journal
    names: file_names.FileNames
    clock: Clock
    notify: Listener

    def stand_in(self, copies: Sequence[SecondCopy]) -> list[SecondCopy]:
        """Those whose part is gone take its place; gives the others. Moves nothing: to be called before a part is made anew."""
        left = []
        for copy in copies:
            if copy.may_live and self.transport.stat(copy.place.name) is None:
                self._adopt(copy)
            else:
                left.append(copy)
        return left

    def put_away(self, copies: Sequence[SecondCopy]) -> bool:
        """Move to forks/ what is not the part; gives whether a part is another file now, which has to be written."""
        changed = False
        for copy in copies:
            now = self.clock.now()
            if why := held_back(self.journal, now):
                self.notify(Event(kind=EventKind.BLOCKED, message=f"{copy.name} was folded in and stays: {why}"))
                continue
            if copy.outlives(self.journal.birth(self._path(copy.place.name))):
                changed = self._supplant(copy) or changed
            else:
                self._set_aside(copy.name)
        return changed

    def _supplant(self, copy: SecondCopy) -> bool:
        """Let an older file be the part, and move away the one that was."""
        if not self._set_aside(copy.place.name):
            return False
        with self.journal.transaction():
            self._adopt(copy)
            self.journal.see_birth(self._path(copy.place.name), copy.birth)
        return True

    def _adopt(self, copy: SecondCopy) -> None:
        self.transport.adopt(copy.place.name, copy.name)
        for name in (copy.place.name, copy.name):
            self.journal.forget_file(self._path(name))

    def _set_aside(self, name: str) -> bool:
        maker = conflict_copy_maker(name, self.names.stem)
        what = f"{name} ({maker} made it)" if maker else name
        try:
            message = f"{what} was folded in and moved to {self.transport.set_aside(name, file_names.FORKS)}"
        except QueueError as error:  # what was asked for is done; the next command tries again
            message, moved = f"{what} was folded in, but cannot be moved: {error}", False
        else:
            moved = True
            with self.journal.transaction():
                self.journal.forget_file(self._path(name))
                self.journal.count_copy(self.clock.now())
        self.notify(Event(kind=EventKind.CONFLICT_COPY, message=message))
        return moved

    def _path(self, name: str) -> str:
        return f"{self.transport.location}/{name}"


def held_back(reader: JournalReader, now: datetime) -> str | None:
    """Why no second copy is moved away for the moment; None: they are."""
    moments = reader.copies_since(now - timedelta(seconds=limits.COPIES_S))
    if len(moments) < limits.COPIES:
        return None
    until = moments[-limits.COPIES] + timedelta(seconds=limits.COPIES_S)
    return (
        f"{len(moments)} second copies were moved to {file_names.FORKS}/ within an hour, so two programs seem to undo each "
        f"other's work; none is moved before {until:%H:%M} UTC, and none is lost. Look who else writes to the queue's folder"
    )
