"""A queue in a folder and its copy on Drive, side by side: found, or made. Imported only by `bridge sync`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core import files
from bridge.core.errors import DriveFileGone, NotAQueue, QueueNotFound, QueueUnreadable
from bridge.core.events import Event, EventKind, Listener
from bridge.transports.base import Stamp
from bridge.wiring.delivery import local_file_events
from bridge.wiring.drive import closing_on_error, colab_link, queue_id_of, signed_in, site_of
from bridge.wiring.queue import open_queue
from bridge.wiring.settings import DriveAddress, FoundQueue, drive_address
from bridge.wiring.site import Opened, open_site

if TYPE_CHECKING:
    from bridge.sync.loop import Sync
    from bridge.transports.drive.calls import Calls, DriveFile

#: What the folder is called that a queue on Drive gets for itself.
FOLDER_TITLE = "Qwen Bridge"


@dataclass(frozen=True, kw_only=True)
class Both:
    """The two sides of a sync."""

    local: Opened
    remote: Opened

    def close(self) -> None:
        """Let go of both journals."""
        self.local.close()
        self.remote.close()

    @property
    def file_id(self) -> str:
        """Of the first notebook on Drive."""
        return self.remote.shown.removeprefix("drive:")


def open_both(queue: str | None, to: str | None, *, listener: Listener) -> Both:
    """The local queue that is meant, and its copy on Drive.

    Args:
        queue: the local queue; None: found as ever.
        to: address on Drive of the copy, or of the folder to make it in; None: `drive` in bridge.toml, the place where it
            was last, or wherever a file has its queue_id.
        listener: is told what happens.

    Raises:
        DriveError, QueueError, ConfigError: as they say.
    """
    local = open_queue(queue, listener=listener)
    try:
        local.file("`bridge sync`")
        calls = signed_in()
        wanted = to or local.settings.drive
        with closing_on_error(calls):
            file = _copy_of(local, calls, drive_address(wanted) if wanted else None, listener)
            site = site_of(calls, file, local.store.journal.queue_id, local.store.clock, stem=local.store.names.stem)
            found = FoundQueue(place=DriveAddress(id=file.id), source=wanted or "its queue_id", settings=local.settings)
            state = local.home.parent.parent
            remote = open_site(site, found, state=state, clock=local.store.clock, listener=listener)
    except BaseException:
        local.close()
        raise
    return Both(local=local, remote=remote)


def open_sync(both: Both, *, shrink: Callable[[str], list[str]], poll_s: float, listener: Listener) -> Sync:
    """A sync of both sides, ready to run. `shrink`: archives what is finished of a notebook, and gives the ids."""
    from bridge.sync.loop import Sync
    from bridge.transports.drive.calls import NONE
    from bridge.transports.drive.folder import DriveFolder

    folder, journal = both.remote.store.transport, both.remote.store.journal
    assert isinstance(folder, DriveFolder)  # narrows the type
    patience, folder.calls.patience = folder.calls.patience, NONE

    def known(name: str) -> Stamp | None:
        seen = journal.seen(f"{folder.location}/{name}")
        return seen.stamp if seen else None

    return Sync(
        local=both.local.store,
        remote=both.remote.store,
        fetch_ahead=lambda: folder.fetch_ahead(known, patience),
        shrink=shrink,
        file_events=local_file_events(both.local),
        notify=listener,
        now_s=time.monotonic,
        poll_s=poll_s,
    )


def _copy_of(local: Opened, calls: Calls, address: DriveAddress | None, listener: Listener) -> DriveFile:
    """The first notebook of the copy on Drive; made if there is none."""
    from bridge.transports.drive import find
    from bridge.transports.drive.calls import FOLDER_TYPE

    queue_id = local.store.journal.queue_id
    memo = local.home / "drive" / "copy.json"
    folder: str | None = None
    title = local.file("`bridge sync`").name
    if address is not None:
        try:
            if address.name:
                folder, title = address.id, address.name
                file = find.by_name(calls, address.id, address.name, queue_id_of)
            else:
                place = calls.get(address.id)
                folder = place.id if place.type == FOLDER_TYPE else None
                file = find.by_id(calls, address.id, queue_id_of)
        except QueueNotFound:
            pass
        else:
            return _checked(calls, file, queue_id)
    else:
        copies = find.by_queue_id(calls, queue_id)
        remembered = _remembered(memo)
        if remembered and remembered not in {file.id for file in copies}:
            try:
                copies.append(calls.get(remembered))
            except DriveFileGone:
                remembered = None
        copies = [file for file in copies if not file.trashed]
        if copies:  # every machine takes the oldest; it folds the others in
            first = min(copies, key=lambda file: (file.created, file.id))
            _remember(memo, first.id)
            return first
    return _made(local, calls, memo, title=title, folder=folder, listener=listener)


def _checked(calls: Calls, file: DriveFile, queue_id: str) -> DriveFile:
    theirs = queue_id_of(calls.download(file))
    if theirs != queue_id:
        raise NotAQueue(
            f"{file.title} on Drive is another queue ({theirs}); this one is {queue_id}: give another place"
        )
    return file


def _made(local: Opened, calls: Calls, memo: Path, *, title: str, folder: str | None, listener: Listener) -> DriveFile:
    """A new file on Drive. The id is on disk before it is used: whatever happens in between, it is made once."""
    from bridge.core.errors import DriveUnreachable
    from bridge.transports.drive.calls import FOLDER_TYPE, NOTEBOOK_TYPE
    from bridge.transports.drive.catalog import FIRST, QUEUE, ROLE
    from bridge.transports.drive.refusals import Taken

    store = local.store
    read = store.transport.read(store.names.part(1))
    if read is None:
        raise QueueUnreadable(f"{local.shown} has vanished: `bridge rebuild --notebooks` writes it again")
    queue_id = store.journal.queue_id
    if folder is None:
        marks = {QUEUE: queue_id, ROLE: "folder"}
        folder = calls.create(
            calls.new_id(), FOLDER_TITLE, parent=None, type_=FOLDER_TYPE, properties=marks, data=None
        ).id
    file_id = _remembered(memo, pending=True) or calls.new_id()
    _remember(memo, file_id, pending=True)
    marks = {QUEUE: queue_id, ROLE: FIRST}
    try:
        made = calls.create(file_id, title, parent=folder, type_=NOTEBOOK_TYPE, properties=marks, data=read[0])
    except Taken:
        made = calls.get(file_id)
    except DriveUnreachable:
        try:
            made = calls.get(file_id)  # it may have been made all the same
        except DriveFileGone:
            raise DriveUnreachable("the queue could not be put on Drive: run `bridge sync` again") from None
    _remember(memo, made.id)
    listener(Event(kind=EventKind.PUBLISHED, message=f"{title} is on Drive now: {colab_link(made.id)}"))
    return made


def _remembered(memo: Path, *, pending: bool = False) -> str | None:
    try:
        value = json.loads(memo.read_text(encoding="utf-8"))
        return str(value["id"]) if bool(value["pending"]) == pending else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(memo: Path, file_id: str, *, pending: bool = False) -> None:
    memo.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(memo, json.dumps({"id": file_id, "pending": pending}).encode(), mode=0o600)
