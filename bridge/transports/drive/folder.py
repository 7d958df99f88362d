"""A queue's files on Drive, as a transport with real compare-and-swap.

Writing: look (`files.get`), compare with what the write was meant to replace, PUT with `If-Match`, look again and compare
checksums. 412 means look again: the content changed, or only something else about the file did; the same etag once more
means that Drive lags behind itself, which passes. After an answer that never came, only a look tells whether the write
happened (facts on Drive, section 2).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5, sha256

from bridge.core.errors import (
    DriveDenied,
    DriveFileGone,
    DriveUnreachable,
    QueueChanged,
    QueueUnreadable,
    QueueUnsettled,
    TooLarge,
)
from bridge.core.retry import Backoff
from bridge.transports.base import Entry, Staged, Stamp
from bridge.transports.drive.calls import NOTEBOOK_TYPE, Calls, DriveFile, Patience
from bridge.transports.drive.catalog import ARCHIVE, ASIDE, QUEUE, ROLE
from bridge.transports.drive.directory import Directory
from bridge.transports.drive.file_ids import FileIds
from bridge.transports.drive.refusals import Changed, Taken

#: Drive documents simple uploads up to this size; whether `If-Match` counts for resumable ones is unknown (facts, section 2).
MOST_BYTES = 5_000_000
_PAUSES = Backoff(first_s=0.25, longest_s=8.0)
_TRIES = 8
#: Under a lock that others wait for.
_TRIES_IN_HASTE = 3


def stamp_of(file: DriveFile) -> Stamp:
    """A file's content as a stamp: another revision or checksum is another stamp, other metadata are not."""
    return Stamp(size=file.size, mtime_ns=_number(file.md5), inode=_number(file.id), ctime_ns=_number(file.revision))


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:7], "big")


@dataclass(kw_only=True)
class DriveFolder:
    """The transport over Drive. `pause`: waits so many seconds."""

    directory: Directory
    pause: Callable[[float], None]
    _ahead: dict[str, tuple[str, bytes]] = field(default_factory=dict)  #: file id → md5 and content, fetched early

    def __post_init__(self) -> None:
        """Claims share the directory."""
        self._claims = FileIds(directory=self.directory, back_off=self._back_off)

    @property
    def calls(self) -> Calls:
        """To Drive."""
        return self.directory.calls

    @property
    def location(self) -> str:
        """`drive:` and the id of part 1."""
        return f"drive:{self.directory.anchor}"

    # ---- looking

    def entries(self, folder: str = "", *, suffix: str = ".ipynb", fresh: bool = False) -> list[Entry]:
        """See Transport. Archives, of which there may be many, are not looked at one by one: the list of changes tells."""
        found = []
        for name in self.directory.names(at_once=fresh):
            if name.rpartition("/")[0] == folder and name.endswith(suffix):
                known = self.directory.known(name)
                stamp = stamp_of(known) if folder == ARCHIVE and known and known.md5 else self.stat(name)
                if stamp is not None:
                    found.append(Entry(name=name, stamp=stamp))
        return found

    def stat(self, name: str) -> Stamp | None:
        """See Transport."""
        file = self.directory.described(name)
        return stamp_of(file) if file else None

    def read(self, name: str) -> tuple[bytes, Stamp] | None:
        """See Transport. What arrives is compared with Drive's checksum."""
        file = self.directory.described(name)
        before = None
        for attempt in range(_TRIES):
            if file is None:
                return None
            checksum, data = self._ahead.pop(file.id, ("", b""))
            if checksum != file.md5:
                data = self.calls.download(file)
            if _md5(data) == file.md5:
                return data, stamp_of(file)
            before, file = file.revision, self.directory.look(name)
            if file is not None and file.revision == before:
                self._back_off(attempt)  # not somebody else's write: the bytes were damaged on their way
        if file is not None and file.revision != before:
            raise QueueUnsettled(f"{name} on Drive changes all the time: try again in a moment")
        raise QueueUnreadable(f"what arrives of {name} is not what Drive has, by its checksum: try again later")

    def fetch_ahead(self, known: Callable[[str], Stamp | None], patience: Patience) -> None:
        """Look at every notebook and fetch what is not as known: for a caller who then reads under a lock, in haste."""
        haste, self.calls.patience = self.calls.patience, patience
        try:
            for entry in self.entries():
                if known(entry.name) != entry.stamp:
                    read = self.read(entry.name)
                    file = self.directory.known(entry.name)
                    if read is not None and file is not None:
                        self._ahead[file.id] = (file.md5, read[0])
        finally:
            self.calls.patience = haste

    # ---- writing

    def stage(self, name: str, data: bytes, *, unless_changed: Stamp | None) -> Staged:
        """See Transport. Raises TooLarge, and DriveDenied for a file that this sign-in may only read."""
        if len(data) > MOST_BYTES:
            raise TooLarge(name, len(data), MOST_BYTES)
        file = self.directory.known(name)
        if file is not None and not file.editable:
            raise DriveDenied(f"{name} is read-only for this sign-in: ask its owner for edit access")
        return _DriveDraft(folder=self, name=name, data=data, expected=unless_changed)

    def remove(self, name: str) -> None:
        """See Transport."""
        file = self.directory.known(name)
        if file is not None:
            self.calls.delete(file)
            self.directory.forget(file)

    def set_aside(self, name: str, folder: str) -> str:
        """See Transport."""
        file = self.directory.known(name)
        if file is None:
            raise DriveFileGone(f"{name} is no longer on Drive")
        own = name.rpartition("/")[2]
        aside = f"{folder}/{own}"
        if self.directory.known(aside) is not None:
            aside = f"{folder}/{file.id[-8:]}-{own}"
        moved = self.calls.move(file, into=self.directory.subfolder(folder), properties=self.directory.marks(aside))
        self.directory.forget(file)
        self.directory.learn(aside, moved)
        return aside

    def adopt(self, name: str, copy: str) -> None:
        """See Transport. It is agreed on in part 1 first, so that every machine adopts the same file."""
        file = self.directory.known(copy)
        if file is None:
            return
        agreed = self._claims.claim(name, file.id)
        if agreed == file.id:
            self.directory.rename(copy, name)
        else:
            self.directory.learn(name, self.calls.get(agreed))

    def close(self) -> None:
        """See Transport."""
        self.calls.connections.close()

    def replace(self, name: str, data: bytes, expected: Stamp) -> Stamp:
        """Write over a file that is as expected. Raises QueueChanged; see the module."""
        known = self.directory.known(name)
        if known is None:
            raise QueueChanged(f"{name} is no longer on Drive")
        ours, etag, wrote = _md5(data), "", False
        trouble: DriveUnreachable | None = None
        for attempt in range(self._tries()):
            try:
                now = self.directory.whole(self.calls.get(known.id), name)
            except DriveFileGone:
                if known.id == self.directory.anchor:
                    raise
                self.directory.forget(known)
                raise QueueChanged(f"{name} is no longer on Drive") from None
            if stamp_of(now) != expected:
                self.directory.learn(name, now)
                if wrote and now.md5 == ours:
                    return stamp_of(now)  # the write that was never answered
                raise QueueChanged(f"{name} was written by somebody else")
            if now.etag == etag:
                self._back_off(attempt)
            etag = now.etag
            try:
                now = self._marked(name, now)
                wrote = True
                after = self.calls.put(now, data)
            except Changed:
                wrote = trouble is not None
                continue
            except DriveUnreachable as error:
                trouble = error
                continue
            seen = self.calls.get(known.id)
            self.directory.learn(name, seen)
            if seen.md5 == ours:
                return stamp_of(seen)
            if after.md5 == ours:
                return stamp_of(after)  # somebody wrote after us, and will be taken in
            expected = stamp_of(after)  # damaged on its way: once more, if nobody else wrote since
        raise trouble or DriveUnreachable(f"Drive keeps refusing to write {name}, whose etag it has just given")

    def create(self, name: str, data: bytes) -> Stamp:
        """Make a file, once, whatever happens in between. Raises QueueChanged if somebody else made it first."""
        folder = name.rpartition("/")[0]
        parent = self.directory.subfolder(folder) if folder else self.directory.home()
        trouble: Exception | None = None
        for attempt in range(self._tries()):
            file_id = self._claims.id_for(name)
            try:
                made = self._insert(file_id, parent, name, data)
            except Taken:
                made = self.calls.get(file_id)
                try:
                    self.directory.whole(made, name)
                except DriveFileGone:
                    self._claims.give_up(name)
                    continue
                self.directory.learn(name, made)
                if made.md5 != _md5(data):
                    self._claims.settle(name)
                    raise QueueChanged(f"{name} was made by somebody else") from None
            except DriveUnreachable as error:
                trouble = error
                self._back_off(attempt)
                continue
            self.directory.learn(name, made)
            self._claims.settle(name)
            return stamp_of(made)
        raise trouble or DriveUnreachable(f"{name} cannot be made on Drive")

    # ---- inside

    def _insert(self, file_id: str, parent: str | None, name: str, data: bytes) -> DriveFile:
        title = name.rpartition("/")[2]
        type_ = NOTEBOOK_TYPE if name.endswith(".ipynb") else "application/json"
        marks = self.directory.marks(name)
        try:
            return self.calls.create(file_id, title, parent=parent, type_=type_, properties=marks, data=data)
        except DriveFileGone:  # with the scope drive.file a person's own folder is not to be seen
            return self.calls.create(file_id, title, parent=None, type_=type_, properties=marks, data=data)

    def _marked(self, name: str, file: DriveFile) -> DriveFile:
        """The file, with our properties: one that a person uploaded has none. Raises Changed."""
        marks = self.directory.marks(name)
        told = file.properties.get(ROLE, "")
        if file.properties.get(QUEUE) == marks[QUEUE] and told and not told.startswith(ASIDE):
            return file
        self.calls.describe(file, properties=marks)
        now = self.calls.get(file.id)
        if stamp_of(now) != stamp_of(file):
            raise Changed(name)  # its new etag is no leave to write over what came in between
        return now

    def _tries(self) -> int:
        return _TRIES if self.calls.patience.attempts > 1 else _TRIES_IN_HASTE

    def _back_off(self, attempt: int) -> None:
        jitter = random.uniform(0.5, 1.5)  # noqa: S311  # spreads retries, hides nothing
        self.pause(_PAUSES.pause_s(attempt + 1, jitter=jitter))


@dataclass(frozen=True, kw_only=True)
class _DriveDraft:
    folder: DriveFolder
    name: str
    data: bytes
    expected: Stamp | None

    def commit(self) -> Stamp:
        if self.expected is None:
            return self.folder.create(self.name, self.data)
        return self.folder.replace(self.name, self.data, self.expected)

    def discard(self) -> None:
        """Nothing lies anywhere yet."""


def _md5(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()
