"""Which files of a queue are on Drive, as lately described; what is remembered of that between commands.

The queue's own files are looked at by id. The folder is listed seldom, and the list of changes asked now and then, only to find
what others made: both lag by minutes (facts on Drive, section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from bridge.core.errors import DriveFileGone
from bridge.transports.drive.calls import FOLDER_TYPE, NOTEBOOK_TYPE, Calls, DriveFile
from bridge.transports.drive.catalog import (
    ARCHIVE,
    FIRST,
    QUEUE,
    ROLE,
    Catalog,
    Memo,
    Roles,
    claimed,
    of_queue,
    role_is_plain,
)

#: How often the folder is listed anew, in seconds: for what the list of changes never told.
LIST_EVERY_S = 600.0
#: Properties hold 124 bytes, key and value; a claim is a role, a colon and an id.
_LONGEST_ROLE = 70


@dataclass(kw_only=True)
class Directory:
    """The files of one queue by their names here.

    Args:
        calls: signed in.
        anchor: file id of part 1.
        queue_id: whose files these are.
        stem: how part 1 is called here, without `.ipynb`.
        path: file of the local state to remember ids in.
        now_s: seconds since the epoch.
        fresh_s: how long a description counts as fresh; a write always looks.
        changes_every_s: how often the list of changes is asked for copies that others made.
    """

    calls: Calls
    anchor: str
    queue_id: str
    stem: str
    path: Path
    now_s: Callable[[], float]
    fresh_s: float = 2.0
    changes_every_s: float = 60.0
    _looked_at: dict[str, float] = field(default_factory=dict)  #: file id → when

    def __post_init__(self) -> None:
        """Begin with what is remembered."""
        self.first = Roles(stem=self.stem).name(FIRST)
        self.memo = Memo.read(self.path)
        self._roles = Roles(stem=self.stem)
        self._catalog = Catalog(queue_id=self.queue_id, roles=self._roles, anchor=self.anchor)
        self._begun = False
        self._told_by = ""  # etag of part 1 whose claims were looked into

    def names(self, *, at_once: bool = False) -> list[str]:
        """All that there is. `at_once`: what others made a moment ago too, as far as Drive tells."""
        self._discover(at_once=at_once)
        return sorted(self._catalog.files)

    def known(self, name: str) -> DriveFile | None:
        """A file as last described; None if there is none of that name."""
        return self._catalog.files.get(name)

    def described(self, name: str) -> DriveFile | None:
        """A file as described lately; None if there is none. Raises DriveFileGone for part 1."""
        self._discover()
        known = self.known(name)
        if known is None or self.now_s() - self._looked_at.get(known.id, float("-inf")) <= self.fresh_s:
            return known
        return self.look(name)

    def look(self, name: str) -> DriveFile | None:
        """A file's description, fresh; None if it is gone. Raises DriveFileGone for part 1."""
        known = self._catalog.files[name]
        try:
            file = self.whole(self.calls.get(known.id), name)
        except DriveFileGone:
            if known.id == self.anchor:
                raise
            self.forget(known)
            return None
        self.learn(name, file)
        return file

    def whole(self, file: DriveFile, name: str) -> DriveFile:
        """The file. Raises DriveFileGone if it lies in the trash, or among second copies: writing there would go unnoticed."""
        if file.trashed:
            raise DriveFileGone(
                f"{name} lies in Drive's trash: restore it there, or, if it is to go, sync the queue to a new place"
            )
        if self._catalog.is_aside(file, self.role(name)):
            raise DriveFileGone(f"{name} was set aside by another machine: the part is made anew")
        return file

    def learn(self, name: str, file: DriveFile) -> None:
        """What a look told, or a write."""
        new = self.known(name) is None
        self._catalog.see(name, file)
        self._looked_at[file.id] = self.now_s()
        if file.id == self.anchor:
            new = self._learn_parts(file) or new
        if new:
            self.remember()

    def _learn_parts(self, first: DriveFile) -> bool:
        """What part 1 tells of the others, long before a list does; gives whether there is one that was not known.

        What is claimed and not made yet is no file: a look tells, and it is asked for again when part 1 has changed.
        """
        missing = {role: i for role, i in claimed(first).items() if self.known(self._roles.name(role)) is None}
        if not missing or first.etag == self._told_by:
            return False
        self._told_by = first.etag
        for role, file_id in missing.items():
            if role_is_plain(role) and not self._catalog.knows(file_id):
                self._catalog.see(self._roles.name(role), _unseen(file_id))
        return True

    def rename(self, name: str, new: str) -> None:
        """Know a file by another name from now on."""
        file = self._catalog.files[name]
        self._catalog.drop(file.id)
        self._catalog.see(new, file)
        self.remember()

    def forget(self, file: DriveFile) -> None:
        """A file is not there any more."""
        self._catalog.drop(file.id)
        self.remember()

    def marks(self, name: str) -> dict[str, str]:
        """The properties of the file of a name."""
        return {QUEUE: self.queue_id, ROLE: self.role(name)}

    def role(self, name: str) -> str:
        """The role of a name; one that is too long for a property is cut, with a digest."""
        role = self._roles.role(name)
        if len(role.encode()) <= _LONGEST_ROLE:
            return role
        folder, slash, own = role.rpartition("/")
        digest = sha256(own.encode()).hexdigest()[:12]
        return f"{folder}{slash}{digest}-{own.encode()[-40:].decode(errors='ignore')}"

    def home(self) -> str | None:
        """The id of the folder that part 1 lies in, if this sign-in may see it."""
        first = self.known(self.first) or self.calls.get(self.anchor)
        return first.parents[0] if first.parents else None

    def subfolder(self, folder: str) -> str:
        """The id of a folder beside part 1; made if there is none, or the one that was known is gone."""
        known = self._catalog.folders.get(folder)
        if known is not None and not self._is_there(known):
            self._catalog.forget_folder(known)
            known = None
        if known is None:  # another machine may have made it since
            now = self.now_s()
            self._take(self.calls.search(f"{of_queue(self.queue_id)} and trashed = false"), now)
            known = self._catalog.folders.get(folder)
        if known is None:
            made = self.calls.create(
                self.calls.new_id(), folder, parent=self.home(), type_=FOLDER_TYPE,
                properties={QUEUE: self.queue_id, ROLE: folder}, data=None,
            )  # fmt: skip
            known = self._catalog.folders[folder] = made.id
            self.remember()
        return known

    def _is_there(self, folder_id: str) -> bool:
        """Whether a folder is not in the trash: looked at as seldom as lists are."""
        now = self.now_s()
        if now - self._looked_at.get(folder_id, float("-inf")) < LIST_EVERY_S:
            return True
        self._looked_at[folder_id] = now
        try:
            return not self.calls.get(folder_id).trashed
        except DriveFileGone:
            return False

    def remember(self, memo: Memo | None = None) -> None:
        """Write down what is known, beside what else the memo says."""
        ids = {name: file.id for name, file in self._catalog.files.items()}
        self.memo = replace(memo or self.memo, ids=ids, folders=dict(self._catalog.folders))
        self.memo.write(self.path)

    # ---- finding

    def _discover(self, *, at_once: bool = False) -> None:
        """Know which files there are: from the memo, the list of changes (`at_once`: now), now and then the folder itself.

        A process asks for the changes when it begins: a command that looks once must not miss what came a moment ago.
        """
        now = self.now_s()
        if not self._begun:
            self._begin(now)
            at_once = True
        if now - self.memo.listed_at >= LIST_EVERY_S or not self.memo.token:
            token = self.memo.token or self.calls.changes_from_now()
            home = self.home()
            query = f"({of_queue(self.queue_id)} or '{home}' in parents)" if home else of_queue(self.queue_id)
            self._take(self.calls.search(f"{query} and trashed = false"), now)
            if archive := self._catalog.folders.get(ARCHIVE):  # what sync clients put there carries no mark
                self._take(self.calls.search(f"'{archive}' in parents and trashed = false"), now)
            self.remember(replace(self.memo, token=token, listed_at=now, changes_at=now))
        elif at_once or now - self.memo.changes_at >= self.changes_every_s:
            changed, token = self.calls.changes(self.memo.token)
            self._take([file for file in changed if self._is_news(file)], now)
            self.remember(replace(self.memo, token=token, changes_at=now))

    def _begin(self, now: float) -> None:
        if now - self.memo.listed_at < LIST_EVERY_S and self.memo.token:
            self._catalog.folders.update(self.memo.folders)
            for name, file_id in self.memo.ids.items():
                if file_id != self.anchor:
                    self._catalog.see(name, _unseen(file_id))
        self.learn(self.first, self.whole(self.calls.get(self.anchor), self.first))  # writes the memo: read it before
        self._begun = True

    def _is_news(self, file: DriveFile) -> bool:
        """Whether the list of changes tells it first: what is no archive is looked at anyway."""
        return not self._catalog.knows(file.id) or self._catalog.name_of(file.id).startswith(f"{ARCHIVE}/")

    def _take(self, files: list[DriveFile], now: float) -> None:
        self._catalog.take(files, home=self.home())
        for file in files:
            self._looked_at[file.id] = now


def _unseen(file_id: str) -> DriveFile:
    """A file of which only the id is remembered: it is looked at before it is used."""
    return DriveFile(
        id=file_id, title="", etag="", type=NOTEBOOK_TYPE, revision="", md5="", size=0, created="", editable=True,
        trashed=False, parents=(), properties={},
    )  # fmt: skip
