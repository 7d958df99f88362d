"""The store: files, revisions, changes. No HTTP in here; every public method is atomic.

From outside, as another client would (tests): `put`, `get`, `titled`, `folder`, `trash`, `untrash`, `delete`, `move`,
`rename`, `touch`, `allow`, `give`. What was put from outside belongs to `PERSON` and may be written by every account,
until `allow` says otherwise.

What Google does and facts do not tell, chosen here: properties in an update are merged by key, and one without a value is
removed; a content change raises `version` by three, any other by one (seen: 3 to 6 for one replace).
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.drive.lag import Lag
from tests.support.drive.stored import Revision, Stored
from tests.support.drive.values import EVERYBODY, FOLDER, PERSON, Clock, not_found

KEPT_REVISIONS = 100  #: older ones that are not pinned are purged (facts 2)


class Files:
    """All that a Drive holds."""

    def __init__(self, clock: Clock | None = None, seed: int = 0) -> None:
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.listing: Lag[tuple[str, Stored | None]] = Lag(self.clock.peek)  #: set .requests or .seconds: lists lag
        self.feed: Lag[str] = Lag(self.clock.peek)  #: the same for changes.list
        self.commits = 0  #: changes of any file, ever
        self._ids = random.Random(seed)  #: ids come from here: the same seed, the same ids
        self._files: dict[str, Stored] = {}
        self._listed: dict[str, Stored] = {}
        self._generated: dict[str, str] = {}  #: ids given out by generateIds: account
        self._changes: dict[str, int] = {}  #: file id to its newest change
        self._last_change = 100

    # ---- from outside ---------------------------------------------------------------------------------------------

    def put(
        self,
        title: str = "",
        content: bytes = b"",
        *,
        file_id: str = "",
        parent: str = "",
        mime_type: str = "application/octet-stream",
        owner: str = PERSON,
        client: str = "",
        by: str = "",
    ) -> str:
        """The id of a new file, or of `file_id` with new content (and title, if given)."""
        with self.lock:
            if file_id:
                with self.changing(file_id, by=by or owner) as file:
                    file.title = title or file.title
                    self.write(file, content, by=by or owner)
                return file_id
            file = self.make(title, mime_type, owner, parent)
            file.roles = {EVERYBODY: "writer"}
            file.clients = {client} if client else set()
            self.write(file, content, by=by or owner)
            self.commit(file)
            return file.id

    def folder(self, title: str, *, parent: str = "", owner: str = PERSON, client: str = "") -> str:
        """The id of a new folder."""
        with self.lock:
            file = self.make(title, FOLDER, owner, parent)
            file.roles = {EVERYBODY: "writer"}
            file.clients = {client} if client else set()
            self.commit(file)
            return file.id

    def get(self, file_id: str) -> Stored:
        """A copy. Raises Refusal (404)."""
        with self.lock:
            return self.one(file_id).copy()

    def titled(self, title: str) -> list[Stored]:
        """Copies of all with this title, trashed ones too, the oldest first."""
        with self.lock:
            return [f.copy() for f in self._files.values() if f.title == title]

    def trash(self, file_id: str) -> None:
        """As its owner would."""
        with self.changing(file_id) as file:
            file.trashed = True

    def untrash(self, file_id: str) -> None:
        with self.changing(file_id) as file:
            file.trashed = False

    def delete(self, file_id: str) -> None:
        """For good, with everything inside a folder."""
        with self.lock:
            self.one(file_id)
            for child in [f.id for f in self._files.values() if file_id in f.parents]:
                self.delete(child)
            del self._files[file_id]
            self._seen_soon(file_id, None)

    def move(self, file_id: str, parent: str) -> None:
        with self.changing(file_id) as file:
            file.parents = [parent]

    def rename(self, file_id: str, title: str) -> None:
        with self.changing(file_id) as file:
            file.title = title

    def touch(self, file_id: str) -> None:
        """Something about the file changes that nobody can see: `version` and etag move, content and date stay."""
        with self.changing(file_id, keep_date=True):
            pass

    def allow(self, file_id: str, role: str, account: str = EVERYBODY) -> None:
        """`none` (answered 404), `reader` (403 for changes) or `writer`, for one account or all but the owner."""
        with self.changing(file_id, keep_date=True) as file:
            file.roles[account] = role

    def give(self, file_id: str, owner: str) -> None:
        """A new owner; the old one stays a writer."""
        with self.changing(file_id, keep_date=True) as file:
            file.roles[file.owner] = "writer"
            file.owner = owner

    # ---- for the API; hold `lock` ---------------------------------------------------------------------------------

    def one(self, file_id: str) -> Stored:
        """The file itself. Raises Refusal (404)."""
        if file_id not in self._files:
            raise not_found(file_id)
        return self._files[file_id]

    def has(self, file_id: str) -> bool:
        return file_id in self._files

    def new_id(self) -> str:
        """33 characters, as Drive's ids."""
        return "1" + "".join(
            self._ids.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=32)
        )

    def generate_id(self, account: str) -> str:
        file_id = self.new_id()
        self._generated[file_id] = account
        return file_id

    def was_generated(self, file_id: str) -> bool:
        return file_id in self._generated

    def root(self, account: str) -> str:
        """The id of an account's root folder, which is made at first use."""
        root = "0A" + hashlib.sha256(account.encode()).hexdigest()[:14] + "PVA"
        if root not in self._files:
            now = self.clock.now()
            self._files[root] = Stored(
                id=root, title="My Drive", mime_type=FOLDER, owner=account, created=now, modified=now, by=account,
                version=1, clients=set(),
            )  # fmt: skip
        return root

    def make(self, title: str, mime_type: str, owner: str, parent: str = "", file_id: str = "") -> Stored:
        """A new file, not yet committed."""
        now = self.clock.now()
        return Stored(
            id=file_id or self.new_id(),
            title=title or "Untitled",
            mime_type=mime_type,
            owner=owner,
            created=now,
            modified=now,
            parents=[parent or self.root(owner)],
            by=owner,
        )

    def write(self, file: Stored, content: bytes, *, by: str, replace_head: bool = False, pinned: bool = False) -> None:
        """New content. `replace_head`: newRevision=false, the head revision is replaced and gets a new id all the same."""
        rev = Revision(
            id="0B" + self.new_id()[:30],
            content=content,
            modified=self.clock.now(),
            mime_type=file.mime_type,
            by=by,
            pinned=pinned,
        )
        if replace_head and file.revisions:
            file.revisions.pop()
        file.revisions.append(rev)
        loose = [r for r in file.revisions[:-1] if not r.pinned]
        for old in loose[: max(0, len(file.revisions) - KEPT_REVISIONS)]:
            file.revisions.remove(old)
        file.version += 2

    @contextmanager
    def changing(self, file_id: str, *, by: str = "", keep_date: bool = False) -> Iterator[Stored]:
        """The file, to be changed and committed; an error in the block changes nothing."""
        with self.lock:
            draft = self.one(file_id).copy()
            yield draft
            if not keep_date:
                draft.modified = self.clock.now()
            draft.by = by or draft.by
            self.commit(draft)

    def commit(self, file: Stored) -> None:
        file.version += 1
        self._files[file.id] = file
        self._seen_soon(file.id, file.copy())

    def is_trashed(self, file: Stored) -> bool:
        """Itself, or because a folder above it is."""
        return file.trashed or any(p in self._files and self.is_trashed(self._files[p]) for p in file.parents)

    def _seen_soon(self, file_id: str, file: Stored | None) -> None:
        self.commits += 1
        self.listing.add((file_id, file))
        self.feed.add(file_id)
        self._show(self.listing.due())
        self._number(self.feed.due())

    def bytes_of(self, owner: str) -> int:
        """What an account's files hold, all revisions."""
        return sum(len(r.content) for f in self._files.values() if f.owner == owner for r in f.revisions)

    # ---- listings -------------------------------------------------------------------------------------------------

    def listed(self, wanted: Callable[[Stored], bool]) -> list[Stored]:
        """What a listing shows now, the newest first (Google states no order)."""
        self._show(self.listing.look())
        return sorted((f for f in self._listed.values() if wanted(f)), key=lambda f: f.modified, reverse=True)

    def _show(self, due: list[tuple[str, Stored | None]]) -> None:
        for file_id, file in due:
            if file is None:
                self._listed.pop(file_id, None)
            else:
                self._listed[file_id] = file

    def changes(self, since: int) -> list[tuple[int, str]]:
        """Changes from the number `since` on, one for each file: its newest. Counts as a look."""
        self._number(self.feed.look())
        return sorted((n, f) for f, n in self._changes.items() if n >= since)

    @property
    def last_change(self) -> int:
        """The newest that was shown or may be: what still lags gets a higher number when it is shown."""
        return self._last_change

    def _number(self, due: list[str]) -> None:
        for file_id in due:
            self._last_change += 1
            self._changes[file_id] = self._last_change

    # ---- staying alive --------------------------------------------------------------------------------------------

    def state(self) -> dict[str, object]:
        """All of it, to be pickled; what lists do not show yet becomes visible."""
        with self.lock:
            return {
                "files": dict(self._files),
                "generated": dict(self._generated),
                "changes": dict(self._changes),
                "last_change": self._last_change,
                "commits": self.commits,
                "ids": self._ids.getstate(),
            }

    def restore(self, state: dict[str, object]) -> None:
        with self.lock:
            self._files, self._generated = dict(state["files"]), dict(state["generated"])  # type: ignore[call-overload]
            self._changes, self._last_change = dict(state["changes"]), state["last_change"]  # type: ignore[call-overload,assignment]
            self.commits = state["commits"]  # type: ignore[assignment]
            self._ids.setstate(state["ids"])  # type: ignore[arg-type]
            self._listed = {k: f.copy() for k, f in self._files.items() if f.parents}
