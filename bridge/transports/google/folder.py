"""A queue's files on Drive, as a transport with real compare-and-swap.

Writing: look (`files.get`), compare with what the write was meant to replace, PUT with `If-Match`, look again and compare
checksums. 412 means look again: the content changed, or only something else about the file did; the same etag once more
means that Drive lags behind itself, which passes. After an answer that never came, only a look tells whether the write
happened (facts on Drive, section 2).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import md5, sha256
from pathlib import Path

from bridge.errors import (
    DriveDenied,
    DriveFileGone,
    DriveUnreachable,
    QueueChanged,
    QueueUnreadable,
    QueueUnsettled,
    TooLarge,
)
from bridge.transports.base import Entry, Staged, Stamp
from bridge.transports.google.calls import FOLDER_TYPE, NOTEBOOK_TYPE, Calls, Changed, DriveFile, Patience, Taken
from bridge.transports.google.catalog import ARCHIVE, CLAIM, FIRST, QUEUE, ROLE, Catalog, Memo, Roles

#: Drive documents simple uploads up to this size; whether `If-Match` counts for resumable ones is unknown (facts, section 2).
MOST_BYTES = 5_000_000
_TRIES = 8
#: How often the folder is listed anew, in seconds: for what the list of changes never told.
_LIST_EVERY_S = 600.0


def stamp_of(file: DriveFile) -> Stamp:
    """A file's content as a stamp: another revision or checksum is another stamp, other metadata are not."""
    return Stamp(size=file.size, mtime_ns=_number(file.md5), inode=_number(file.id), ctime_ns=_number(file.revision))


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:7], "big")


@dataclass(kw_only=True)
class DriveFolder:
    """The transport over Drive.

    Args:
        calls: signed in.
        anchor: file id of part 1.
        queue_id: whose files these are.
        stem: how part 1 is called here, without `.ipynb`.
        memo: file of the local state to remember ids in.
        now_s: seconds since the epoch.
        pause: waits so many seconds.
        fresh_s: how long a description counts as fresh; a write always looks.
        changes_every_s: how often the list of changes is asked for copies that others made.
    """

    calls: Calls
    anchor: str
    queue_id: str
    stem: str
    memo: Path
    now_s: Callable[[], float]
    pause: Callable[[float], None]
    fresh_s: float = 2.0
    changes_every_s: float = 60.0
    _looked_at: dict[str, float] = field(default_factory=dict)  #: file id → when
    _ahead: dict[str, tuple[str, bytes]] = field(default_factory=dict)  #: file id → md5 and content, fetched early

    def __post_init__(self) -> None:
        """Begin with what is remembered."""
        self._roles = Roles(stem=self.stem)
        self._catalog = Catalog(queue_id=self.queue_id, roles=self._roles, anchor=self.anchor)
        self._memo = Memo.read(self.memo)
        self._found = False

    @property
    def location(self) -> str:
        """`drive:` and the id of part 1."""
        return f"drive:{self.anchor}"

    # ---- looking

    def entries(self, folder: str = "", *, suffix: str = ".ipynb", fresh: bool = False) -> list[Entry]:
        """See Transport. Archives, of which there may be many, are not looked at one by one: the list of changes tells."""
        self._discover(at_once=fresh)
        found = []
        for name in sorted(self._catalog.files):
            if name.rpartition("/")[0] == folder and name.endswith(suffix):
                known = self._catalog.files[name]
                file = known if folder == ARCHIVE and known.md5 else self._described(name)
                if file is not None:
                    found.append(Entry(name=name, stamp=stamp_of(file)))
        return found

    def stat(self, name: str) -> Stamp | None:
        """See Transport."""
        self._discover()
        file = self._described(name)
        return stamp_of(file) if file else None

    def read(self, name: str) -> tuple[bytes, Stamp] | None:
        """See Transport. What arrives is compared with Drive's checksum."""
        self._discover()
        file = self._described(name)
        for attempt in range(_TRIES):
            if file is None:
                return None
            checksum, data = self._ahead.pop(file.id, ("", b""))
            if checksum != file.md5:
                data = self.calls.download(file)
            if _md5(data) == file.md5:
                return data, stamp_of(file)
            before, file = file.revision, self._look(name)
            if file is not None and file.revision == before:
                self._back_off(attempt)  # not somebody else's write: the bytes were damaged on their way
        if file is not None and file.revision != before:
            raise QueueUnsettled(f"{name} on Drive changes all the time: try again in a moment")
        raise QueueUnreadable(f"what arrives of {name} is not what Drive has, by its checksum: try again later")

    def fetch_ahead(self, known: Callable[[str], Stamp | None], patience: Patience) -> None:
        """Look at every notebook and fetch what is not as known: for a caller who then reads under a lock."""
        calls, self.calls = self.calls, replace(self.calls, patience=patience)
        try:
            for entry in self.entries():
                if known(entry.name) != entry.stamp:
                    read = self.read(entry.name)
                    file = self._catalog.files.get(entry.name)
                    if read is not None and file is not None:
                        self._ahead[file.id] = (file.md5, read[0])
        finally:
            self.calls = calls

    # ---- writing

    def stage(self, name: str, data: bytes, *, unless_changed: Stamp | None) -> Staged:
        """See Transport. Raises TooLarge, and DriveDenied for a file that this sign-in may only read."""
        if len(data) > MOST_BYTES:
            raise TooLarge(name, len(data), MOST_BYTES)
        file = self._catalog.files.get(name)
        if file is not None and not file.editable:
            raise DriveDenied(f"{name} is read-only for this sign-in: ask its owner for edit access")
        return _Draft(folder=self, name=name, data=data, expected=unless_changed)

    def remove(self, name: str) -> None:
        """See Transport."""
        file = self._catalog.files.get(name)
        if file is not None:
            self.calls.delete(file)
            self._forget(file)

    def set_aside(self, name: str, folder: str) -> str:
        """See Transport."""
        file = self._catalog.files[name]
        own = name.rpartition("/")[2]
        aside = f"{folder}/{own}"
        if aside in self._catalog.files:
            aside = f"{folder}/{file.id[-8:]}-{own}"
        marks = {QUEUE: self.queue_id, ROLE: self._short(f"{folder}/{own}", file.id)}
        moved = self.calls.move(file, into=self._subfolder(folder), properties=marks)
        self._forget(file)
        self._learn(aside, moved)
        return aside

    def replace(self, name: str, data: bytes, expected: Stamp) -> Stamp:
        """Write over a file that is as expected. Raises QueueChanged; see the module."""
        known = self._catalog.files.get(name)
        if known is None:
            raise QueueChanged(f"{name} is no longer on Drive")
        ours, etag, wrote = _md5(data), "", False
        trouble: DriveUnreachable | None = None
        for attempt in range(_TRIES if self.calls.patience.attempts > 1 else 3):
            now = self._whole(self.calls.get(known.id), name)
            if stamp_of(now) != expected:
                self._learn(name, now)
                if wrote and now.md5 == ours:
                    return stamp_of(now)  # the write that was never answered
                raise QueueChanged(f"{name} was written by somebody else")
            if now.etag == etag:
                self._back_off(attempt)
            etag = now.etag
            try:
                if now.properties.get(QUEUE) != self.queue_id or ROLE not in now.properties:
                    now = self.calls.describe(now, properties=self._marks(name))
                    now = self.calls.get(now.id)
                wrote = True
                after = self.calls.put(now, data)
            except Changed:
                wrote = trouble is not None
                continue
            except DriveUnreachable as error:
                trouble = error
                continue
            seen = self.calls.get(known.id)
            self._learn(name, seen)
            if seen.md5 == ours:
                return stamp_of(seen)
            if after.md5 == ours:
                return stamp_of(after)  # somebody wrote after us, and will be taken in
            expected = stamp_of(seen)  # damaged on its way: once more
        raise trouble or DriveUnreachable(f"Drive keeps refusing to write {name}, whose etag it has just given")

    def create(self, name: str, data: bytes | None, *, type_: str = NOTEBOOK_TYPE) -> Stamp:
        """Make a file, once, whatever happens in between. Raises QueueChanged if somebody else made it first."""
        folder, _, own = name.rpartition("/")
        parent = self._subfolder(folder) if folder else self._home()
        trouble: DriveUnreachable | None = None
        for attempt in range(_TRIES if self.calls.patience.attempts > 1 else 3):
            file_id = self._claimed(name)
            try:
                made = self._insert(file_id, own, parent, type_, name, data)
            except Taken:
                made = self.calls.get(file_id)
                if made.trashed:
                    self._unclaim(name)
                    continue
                self._learn(name, made)
                if data is not None and made.md5 != _md5(data):
                    raise QueueChanged(f"{name} was made by somebody else") from None
            except DriveUnreachable as error:
                trouble = error
                self._back_off(attempt)
                continue
            self._learn(name, made)
            self._remember(pending={n: i for n, i in self._memo.pending.items() if n != name})
            return stamp_of(made)
        raise trouble or DriveUnreachable(f"{name} cannot be made on Drive")

    def close(self) -> None:
        """See Transport."""
        self.calls.connections.close()

    # ---- inside

    def _insert(
        self, file_id: str, title: str, parent: str | None, type_: str, name: str, data: bytes | None
    ) -> DriveFile:
        marks = self._marks(name)
        try:
            return self.calls.create(file_id, title, parent=parent, type_=type_, properties=marks, data=data)
        except DriveFileGone:  # with the scope drive.file a person's own folder is not to be seen
            return self.calls.create(file_id, title, parent=None, type_=type_, properties=marks, data=data)

    def _claimed(self, name: str) -> str:
        """The id under which a file is to be made: the same for everybody who is about to make it.

        Kept in a property of part 1, written with `If-Match`: two machines that open part 2 at the same time agree. Files
        that only one writer makes need no such agreement.
        """
        if name in self._memo.pending:
            return self._memo.pending[name]
        role = self._short(self._roles.role(name), name)
        if not role.startswith("*."):
            file_id = self.calls.new_id()
        else:
            file_id = ""
            for attempt in range(_TRIES):
                first = self.calls.get(self.anchor)
                claimed, _, their_id = first.properties.get(CLAIM, "").rpartition(":")
                if claimed == role:
                    file_id = their_id
                    break
                file_id = self.calls.new_id()
                try:
                    self.calls.describe(first, properties={CLAIM: f"{role}:{file_id}"})
                    break
                except Changed:
                    self._back_off(attempt)
            else:
                raise DriveUnreachable(f"{name} cannot be made: the queue on Drive is changed all the time")
        self._remember(pending={**self._memo.pending, name: file_id})
        return file_id

    def _unclaim(self, name: str) -> None:
        """What was made under the claimed id lies in the trash: let the next try claim another."""
        self._remember(pending={n: i for n, i in self._memo.pending.items() if n != name})
        first = self.calls.get(self.anchor)
        if first.properties.get(CLAIM):
            self.calls.describe(first, properties={CLAIM: "-:-"})

    def _marks(self, name: str) -> dict[str, str]:
        return {QUEUE: self.queue_id, ROLE: self._short(self._roles.role(name), name)}

    def _short(self, role: str, seed: str) -> str:
        """A role that fits into a property: a longer one is cut, with a digest."""
        if len(role.encode()) <= 80:
            return role
        folder, slash, own = role.rpartition("/")
        return f"{folder}{slash}{sha256(seed.encode()).hexdigest()[:16]}-{own.encode()[-40:].decode(errors='ignore')}"

    def _subfolder(self, folder: str) -> str:
        known = self._catalog.folders.get(folder)
        if known is None:
            self._take(self.calls.search(f"({self._marked()}) and trashed = false"), self._home())
            known = self._catalog.folders.get(folder)  # another machine has made it since
        if known is None:
            file_id = self.calls.new_id()
            marks = {QUEUE: self.queue_id, ROLE: folder}
            made = self.calls.create(
                file_id, folder, parent=self._home(), type_=FOLDER_TYPE, properties=marks, data=None
            )
            known = self._catalog.folders[folder] = made.id
            self._remember()
        return known

    def _marked(self) -> str:
        return f"properties has {{ key='{QUEUE}' and value='{self.queue_id}' and visibility='PUBLIC' }}"

    def _home(self) -> str | None:
        first = self._catalog.files.get(self._roles.name(FIRST)) or self.calls.get(self.anchor)
        return first.parents[0] if first.parents else None

    def _discover(self, *, at_once: bool = False) -> None:
        """Know which files there are: from the memo, the list of changes (`at_once`: now), now and then the folder itself."""
        now = self.now_s()
        if not self._found:
            self._found = True
            if now - self._memo.listed_at < _LIST_EVERY_S and self._memo.token:
                self._catalog.folders.update(self._memo.folders)
                for name, file_id in self._memo.ids.items():
                    if file_id != self.anchor:
                        self._recall(name, file_id)
            first = self._whole(self.calls.get(self.anchor), self._roles.name(FIRST))
            self._learn(self._roles.name(FIRST), first)  # writes the memo anew: what it held is in the catalog by now
        if now - self._memo.listed_at >= _LIST_EVERY_S or not self._memo.token:
            token = self._memo.token or self.calls.changes_from_now()
            home = self._home()
            query = f"({self._marked()} or '{home}' in parents)" if home else self._marked()
            self._take(self.calls.search(f"{query} and trashed = false"), home)
            if archive := self._catalog.folders.get(ARCHIVE):  # what sync clients put there carries no mark
                self._take(self.calls.search(f"'{archive}' in parents and trashed = false"), home)
            self._remember(token=token, listed_at=now, changes_at=now)
        elif (at_once or now - self._memo.changes_at >= self.changes_every_s) and self._memo.token:
            changed, token = self.calls.changes(self._memo.token)
            self._take([file for file in changed if self._is_news(file)], self._home())
            self._remember(token=token, changes_at=now)

    def _is_news(self, file: DriveFile) -> bool:
        """Whether the list of changes tells it first: what is not in an archive is looked at anyway."""
        return not self._catalog.knows(file.id) or self._catalog.name_of(file.id).startswith(f"{ARCHIVE}/")

    def _take(self, files: list[DriveFile], home: str | None) -> None:
        self._catalog.take(files, home=home)
        for file in files:
            self._looked_at[file.id] = self.now_s()

    def _recall(self, name: str, file_id: str) -> None:
        placeholder = DriveFile(
            id=file_id, title="", etag="", type=NOTEBOOK_TYPE, revision="", md5="", size=0, created="", editable=True,
            trashed=False, parents=(), properties={},
        )  # fmt: skip
        self._catalog.see(name, placeholder)  # looked at before it is used: it counts as never seen

    def _described(self, name: str) -> DriveFile | None:
        known = self._catalog.files.get(name)
        if known is None:
            return None
        if self.now_s() - self._looked_at.get(known.id, float("-inf")) <= self.fresh_s:
            return known
        return self._look(name)

    def _look(self, name: str) -> DriveFile | None:
        """A file's description, fresh; None if it is gone. Raises DriveFileGone for part 1."""
        known = self._catalog.files[name]
        try:
            file = self._whole(self.calls.get(known.id), name)
        except DriveFileGone:
            if known.id == self.anchor:
                raise
            self._forget(known)
            return None
        self._learn(name, file)
        return file

    def _whole(self, file: DriveFile, name: str) -> DriveFile:
        if file.trashed:
            raise DriveFileGone(
                f"{name} lies in Drive's trash: restore it there, or, if it is to go, sync the queue to a new place"
            )
        return file

    def _learn(self, name: str, file: DriveFile) -> None:
        new = name not in self._catalog.files
        self._catalog.see(name, file)
        self._looked_at[file.id] = self.now_s()
        if new:
            self._remember()

    def _forget(self, file: DriveFile) -> None:
        self._catalog.drop(file.id)
        self._remember()

    def _remember(
        self,
        *,
        token: str | None = None,
        listed_at: float | None = None,
        changes_at: float | None = None,
        pending: dict[str, str] | None = None,
    ) -> None:
        self._memo = Memo(
            ids={name: file.id for name, file in self._catalog.files.items()},
            folders=dict(self._catalog.folders),
            pending=self._memo.pending if pending is None else pending,
            token=token or self._memo.token,
            listed_at=self._memo.listed_at if listed_at is None else listed_at,
            changes_at=self._memo.changes_at if changes_at is None else changes_at,
        )
        self._memo.write(self.memo)

    def _back_off(self, attempt: int) -> None:
        self.pause(min(8.0, 0.25 * 2**attempt) * random.uniform(0.5, 1.5))  # noqa: S311  # spreads retries, hides nothing


@dataclass(frozen=True, kw_only=True)
class _Draft:
    folder: DriveFolder
    name: str
    data: bytes
    expected: Stamp | None

    def commit(self) -> Stamp:
        if self.expected is None:
            kind = NOTEBOOK_TYPE if self.name.endswith(".ipynb") else "application/json"
            return self.folder.create(self.name, self.data, type_=kind)
        return self.folder.replace(self.name, self.data, self.expected)

    def discard(self) -> None:
        """Nothing lies anywhere yet."""


def _md5(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()
