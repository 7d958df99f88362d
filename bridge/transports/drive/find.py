"""Which file on Drive a queue is: by its id, by folder and title, or by queue_id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import md5

from bridge.core.errors import DriveFileGone, NotAQueue, QueueNotFound, QueueUnreadable
from bridge.transports.drive.calls import FOLDER_TYPE, Calls, DriveFile
from bridge.transports.drive.catalog import FIRST, ROLE, of_queue, quoted

#: What tells the queue_id of a notebook's bytes, or raises NotAQueue or ValueError.
Identify = Callable[[bytes], str]
_TRIES = 6


def by_id(calls: Calls, file_id: str, identify: Identify) -> DriveFile:
    """A queue's first notebook, by its own id or by that of the folder that it alone lies in.

    Raises:
        DriveFileGone: no such file, or in the trash.
        QueueNotFound, NotAQueue: a folder without a queue, or with several.
    """
    file = calls.get(file_id)
    if file.trashed:
        raise DriveFileGone(f"{file.title} lies in Drive's trash: restore it there")
    if file.type != FOLDER_TYPE:
        return file
    found = calls.search(
        f"'{quoted(file_id)}' in parents and trashed = false"
    )  # `title contains` knows only beginnings
    firsts = [f for f in found if f.title.lower().endswith(".ipynb") and f.properties.get(ROLE, FIRST) == FIRST]
    return _only(calls, firsts, identify, f"the folder {file.title}", f"drive:{file_id}/NAME")


def by_name(calls: Calls, folder: str, name: str, identify: Identify) -> DriveFile:
    """A queue's first notebook, by folder and title. Copies of one queue under one title are one: the oldest of them.

    Raises:
        QueueNotFound, NotAQueue: none of that title, or several queues.
    """
    query = f"'{quoted(folder)}' in parents and title = '{quoted(name)}' and trashed = false"
    return _only(calls, calls.search(query), identify, f"{name} in the folder {folder}", "drive:FILE_ID")


def by_queue_id(calls: Calls, queue_id: str) -> list[DriveFile]:
    """The first notebooks of a queue, wherever they lie and whatever they are called, oldest first."""
    found = calls.search(f"{of_queue(queue_id)} and trashed = false")
    return [f for f in found if f.properties.get(ROLE) == FIRST and not f.trashed]


def content(calls: Calls, file: DriveFile) -> bytes:
    """What a file holds, as undamaged as its checksum says. Raises QueueUnreadable."""
    for _ in range(_TRIES):
        data = calls.download(file)
        if md5(data, usedforsecurity=False).hexdigest() == file.md5:
            return data
        file = calls.get(file.id)
    raise QueueUnreadable(f"what arrives of {file.title} is not what Drive has, by its checksum: try again later")


def _only(calls: Calls, found: Sequence[DriveFile], identify: Identify, where: str, better: str) -> DriveFile:
    queues: dict[str, DriveFile] = {}
    for file in found:
        try:
            queues.setdefault(identify(content(calls, file)), file)
        except (NotAQueue, ValueError):
            continue
    if not queues:
        raise QueueNotFound(f"there is no queue notebook at {where} on Drive: `bridge sync` puts one there")
    if len(queues) > 1:
        ids = ", ".join(f"drive:{file.id} (queue {queue_id})" for queue_id, file in queues.items())
        raise NotAQueue(f"{where} holds several queues, {ids}: name one as {better}")
    return next(iter(queues.values()))
