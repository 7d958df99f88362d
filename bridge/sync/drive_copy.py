"""A queue's copy on Drive: found, or made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.core import files
from bridge.core.errors import DriveFileGone, DriveUnreachable, NotAQueue, QueueNotFound, QueueUnreadable
from bridge.core.events import Event, EventKind
from bridge.store.store import Store
from bridge.transports.drive import find
from bridge.transports.drive.calls import FOLDER_TYPE, NOTEBOOK_TYPE, Calls, DriveFile
from bridge.transports.drive.catalog import FIRST, QUEUE, ROLE
from bridge.transports.drive.refusals import Taken

#: What the folder is called that a queue on Drive gets for itself.
FOLDER_TITLE = "Qwen Bridge"


@dataclass(frozen=True, kw_only=True)
class DriveCopy:
    """The copy of a local queue. `memo`: a file that remembers it, in the local state."""

    store: Store  #: of the local side
    calls: Calls
    title: str  #: of a copy that is made
    memo: Path
    identify: find.Identify
    link: Callable[[str], str]  #: what opens a file, by its id, in Colab

    def at(self, place_id: str, name: str | None) -> DriveFile:
        """The copy at a place: a file, a folder, or a name in a folder; made there if there is none. Raises DriveError, NotAQueue."""
        folder: str | None = place_id
        title = name or self.title
        try:
            if name:
                return self._checked(find.by_name(self.calls, place_id, name, self.identify))
            place = self.calls.get(place_id)
            folder = place.id if place.type == FOLDER_TYPE else None
            return self._checked(find.by_id(self.calls, place_id, self.identify))
        except QueueNotFound:
            return self._made(title, folder)

    def known(self) -> DriveFile:
        """The copy that has the queue's id, or that was made last; made in a folder of its own if there is none. Raises DriveError."""
        copies = find.by_queue_id(self.calls, self.store.journal.queue_id)
        remembered = self._remembered()
        if remembered and remembered not in {file.id for file in copies}:
            try:
                copies.append(self.calls.get(remembered))
            except DriveFileGone:
                remembered = None
        copies = [file for file in copies if not file.trashed]
        if not copies:
            return self._made(self.title, None)
        first = min(copies, key=lambda file: (file.created, file.id))  # so does every machine; it folds the others in
        self._remember(first.id)
        return first

    def _checked(self, file: DriveFile) -> DriveFile:
        ours, theirs = self.store.journal.queue_id, self.identify(find.content(self.calls, file))
        if theirs != ours:
            raise NotAQueue(
                f"{file.title} on Drive is another queue ({theirs}); this one is {ours}: give another place"
            )
        return file

    def _made(self, title: str, folder: str | None) -> DriveFile:
        """A new file on Drive. The id is on disk before it is used: whatever happens in between, it is made once."""
        calls, name = self.calls, self.store.names.part(1)
        read = self.store.transport.read(name)
        if read is None:
            raise QueueUnreadable(f"{name} has vanished: `bridge rebuild --notebooks` writes it again")
        marks = {QUEUE: self.store.journal.queue_id}
        if folder is None:
            folder = calls.create(
                calls.new_id(), FOLDER_TITLE, parent=None, type_=FOLDER_TYPE, properties={**marks, ROLE: "folder"}, data=None
            ).id  # fmt: skip
        file_id = self._remembered(pending=True) or calls.new_id()
        self._remember(file_id, pending=True)
        try:
            made = calls.create(
                file_id, title, parent=folder, type_=NOTEBOOK_TYPE, properties={**marks, ROLE: FIRST}, data=read[0]
            )
        except Taken:
            made = calls.get(file_id)
        except DriveUnreachable:
            try:
                made = calls.get(file_id)  # it may have been made all the same
            except DriveFileGone:
                raise DriveUnreachable("the queue could not be put on Drive: run `bridge sync` again") from None
        self._remember(made.id)
        message = f"{title} is on Drive now: {self.link(made.id)}"
        self.store.notify(Event(kind=EventKind.PUBLISHED, message=message))
        return made

    def _remembered(self, *, pending: bool = False) -> str | None:
        try:
            value = json.loads(self.memo.read_text(encoding="utf-8"))
            return str(value["id"]) if bool(value["pending"]) == pending else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, file_id: str, *, pending: bool = False) -> None:
        self.memo.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(self.memo, json.dumps({"id": file_id, "pending": pending}).encode(), mode=0o600)
