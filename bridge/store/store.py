"""The store: a queue's notebooks and its journal as one thing that loses nothing.

Every change goes the same way, under the queue's lock: take in what others wrote, decide, write the new notebooks to
disk under temporary names, commit the journal, make the notebooks visible. Whatever fails before the commit changes
nothing; whatever is killed after it is finished by the next command of anybody. A notebook that somebody wrote in between
is taken in and written again.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.core.clock import Clock
from bridge.core.errors import QueueChanged
from bridge.core.events import Listener
from bridge.core.job import job_id
from bridge.format import codec, file_names, json_bytes
from bridge.format.raw_cell import RawCell, native_id, stamp_of
from bridge.format.signatures import KeyRing
from bridge.store.archiver import Archiver, PartLimits
from bridge.store.ingest import Ingest
from bridge.store.ingest_version import Adopt, VersionIngest
from bridge.store.journal import Journal
from bridge.store.journal_reader import JournalReader
from bridge.store.lock import QueueLock
from bridge.store.peek import has_news
from bridge.store.rows import FileVersion, NotebookRow, content_hash
from bridge.store.second_copies import SecondCopies
from bridge.store.signed_results import SignedResults
from bridge.transports.base import Staged, Transport

T = TypeVar("T")

#: How often a notebook that somebody writes at the same time is taken in and written again.
_TRIES = 12


@dataclass(frozen=True, kw_only=True)
class _Write:
    place: NotebookRow
    staged: Staged
    hash: str
    birth: str


@dataclass(kw_only=True)
class Store:
    """One queue. Safe for several threads and, through its lock, for several processes."""

    transport: Transport
    journal: Journal
    lock: QueueLock
    names: file_names.FileNames
    clock: Clock
    notify: Listener
    limits: PartLimits = field(default_factory=PartLimits)
    #: How long a half-written notebook is waited for, in seconds.
    settle_s: float = 5.0
    #: How long a part that has vanished is waited for before it is written again, in seconds: on a mounted drive there is
    #: no file for a moment while another machine replaces it.
    vanished_s: float = 0.0
    randomness: Callable[[], int] = lambda: secrets.randbits(80)
    keys: KeyRing = field(
        default_factory=KeyRing
    )  #: of the queue on this machine: what results are signed and judged with

    def __post_init__(self) -> None:
        """Make what is shared between calls."""
        self._threads = threading.RLock()
        self._looking = threading.RLock()
        self._decider: int | None = None  #: the thread that holds the queue's lock
        self.archiver = Archiver(journal=self.journal, names=self.names, limits=self.limits)
        self.signed = SignedResults(
            journal=self.journal,
            keys=self.keys,
            notify=lambda event: self.notify(event),  # noqa: PLW0108  # the listener may be replaced later
        )
        self.version_ingest = VersionIngest(
            journal=self.journal,
            archiver=self.archiver,
            signed=self.signed,
            notify=lambda event: self.notify(event),  # noqa: PLW0108  # the listener may be replaced later
            look_into_archives=lambda: self.ingest.ingest_archives(fresh=True),  # made below
        )
        self.ingest = Ingest(
            transport=self.transport,
            journal=self.journal,
            version_ingest=self.version_ingest,
            names=self.names,
            clock=self.clock,
            notify=lambda event: self.notify(event),  # noqa: PLW0108  # the listener may be replaced later
            settle_s=self.settle_s,
            vanished_s=self.vanished_s,
        )
        self.second_copies = SecondCopies(
            transport=self.transport,
            journal=self.journal,
            names=self.names,
            clock=self.clock,
            notify=lambda event: self.notify(event),  # noqa: PLW0108  # the listener may be replaced later
        )

    def read(self, look: Callable[[JournalReader], T], purpose: str = "reading") -> T:
        """Take in what others wrote, if they did, then look.

        Writes no notebook, so it works on a read-only folder too. The queue's lock is taken only to take something in.
        """
        if not self._deciding:
            entries = self.transport.entries()
            with self._peek() as reader:
                told = has_news(reader, entries, self.transport.location, missing_is_news=not self.vanished_s)
                if not told and reader.judged_by == self.keys.tag:
                    return look(reader)
        with self.exclusive(purpose), self.journal.transaction():
            self.ingest.take_all(publish=False)
            return look(self.journal)

    def look(self, look: Callable[[JournalReader], T]) -> T:
        """Look at what the journal knows, as of one moment. Takes no lock, and nothing in."""
        if self._deciding:
            return look(self.journal)
        with self._peek() as reader:
            return look(reader)

    def change(self, decide: Callable[[], T], purpose: str) -> T:
        """Take in what others wrote, decide (which writes to the journal), and publish.

        Raises:
            QueueNotWritable, StorageFull, QueueUnreadable, NotAQueue: nothing was changed.
            QueueChanged: somebody writes the notebook all the time; the change is in the journal and will be published.
        """
        with self.exclusive(purpose):
            with self.journal.transaction():
                copies = self.second_copies.stand_in(self.ingest.take_all(publish=True))
                value = decide()
                writes = self._stage()
            self._commit(writes)
            if self.second_copies.put_away(copies):
                with self.journal.transaction():
                    writes = self._stage()
                self._commit(writes)
            return value

    def journal_only(self, decide: Callable[[], T], purpose: str) -> T:
        """Decide on what the journal knows, and write it there only: on disk at once, published by the next change."""
        with self.exclusive(purpose), self.journal.transaction():
            return decide()

    def version(self) -> int:
        """A number that changes when anybody has written to the journal. Takes no lock but this process's own."""
        with self._looking:
            return self.journal.peek().version()

    def lagging(self) -> list[tuple[int, int]]:
        """(place, rev) of the notebooks whose file does not show what the journal says."""
        found = self.look(lambda reader: reader.lagging(self.transport.location))
        return [(place.id, place.rev) for place in found]

    def publish(self) -> None:
        """Take in what others wrote, archives too, and bring every notebook up to date."""
        self.change(self.ingest.ingest_archives, "publishing")

    def new_part(self, number: int, notes: Sequence[RawCell]) -> NotebookRow:
        """A further part, which begins with these notes. To be called while deciding."""
        place = self.journal.add_place(kind="part", number=number, name=self.names.part(number))
        first = self.journal.take_dots(len(notes))
        writer = self.journal.writer
        cells = [
            codec.note_cell(raw, str(native_id(raw)), str(stamp_of(raw)["position"]), {writer: first + n}, 0)
            for n, raw in enumerate(notes)
        ]
        self.journal.put(place.id, cells, now=self.clock.now())
        return place

    def take_in_archives(self) -> None:
        """Take in what others wrote, archive notebooks too; writes no notebook."""
        with self.exclusive("looking into the archives"), self.journal.transaction():
            self.ingest.take_all(publish=False)
            self.ingest.ingest_archives()

    # ---- writing

    def _stage(self) -> list[_Write]:
        """Every notebook that lags, ready to be made visible."""
        writes: list[_Write] = []
        try:
            for place in self.journal.lagging(self.transport.location):
                write = self._stage_one(place)
                if write is not None:
                    writes.append(write)
        except BaseException:
            for write in writes:
                write.staged.discard()
            raise
        return writes

    def _stage_one(self, place: NotebookRow) -> _Write | None:
        name = place.name
        stamp = self.transport.stat(name)
        known = self.journal.seen(self._path(name))
        if stamp is not None and (known is None or known.stamp != stamp or known.loose):
            incoming = self.ingest.incoming(name, place.number)
            stamp = incoming.stamp
            if place.kind == "part":
                self.ingest.take(incoming, adopt=Adopt.ALL)
            place = self.journal.place(place.id)
            seen = self.journal.seen(self._path(name))
            if seen and seen.rev == place.rev and seen.hash == content_hash(incoming.data):
                return None
        context = {**place.context, self.journal.writer: self.journal.counter}
        self.journal.update_place(place.id, context=context, extras=place.extras)
        birth = self._birth(place) if stamp is None else self.journal.birth(self._path(name))
        part = codec.Part(
            queue_id=self.journal.queue_id, number=place.number, birth=birth, context=context, metadata=place.extras
        )
        data = json_bytes.join_notebook(self.journal.rendered(place.id), codec.write_metadata(part))
        data = self.journal.layout(self._path(name)).of_ours(data)
        staged = self.transport.stage(name, data, unless_changed=stamp)
        return _Write(place=place, staged=staged, hash=content_hash(data), birth=birth)

    def _birth(self, place: NotebookRow) -> str:
        """The mark of a file that is going to be made. Part 1 and archives need none: only one side ever makes them."""
        further = place.kind == "part" and place.number > 1
        return job_id(self.clock.now(), self.randomness()) if further else ""

    def _commit(self, writes: list[_Write]) -> None:
        """Make the notebooks visible; one that was written in between is taken in and written again."""
        for _ in range(_TRIES):
            seen: list[tuple[str, FileVersion, str]] = []
            changed = False
            try:
                for n, write in enumerate(writes):
                    try:
                        stamp = write.staged.commit()
                    except QueueChanged:
                        changed = True
                        continue
                    except BaseException:
                        for left in writes[n:]:
                            left.staged.discard()
                        raise
                    place = write.place
                    shown = FileVersion(place=place.id, hash=write.hash, stamp=stamp, rev=place.rev)
                    seen.append((self._path(place.name), shown, write.birth))
            finally:
                if seen:
                    with self.journal.transaction():
                        for path, what, birth in seen:
                            self.journal.see(path, what)
                            self.journal.see_birth(path, birth)
            if not changed:
                return
            with self.journal.transaction():
                self.ingest.take_all(publish=True)
                writes = self._stage()
        raise QueueChanged(
            "another program writes the notebook all the time; your change is safe in the journal and will be "
            "published by the next command"
        )

    def _path(self, name: str) -> str:
        return f"{self.transport.location}/{name}"

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the queue's lock over several steps. Raises LockHeld."""
        with self._threads, self.lock.held(purpose):
            outer, self._decider = self._decider, threading.get_ident()
            try:
                yield
            finally:
                self._decider = outer

    @property
    def _deciding(self) -> bool:
        """Whether this thread is in a transaction: then it must see what it wrote itself."""
        return self._decider == threading.get_ident() and self.journal.db.in_transaction

    @contextmanager
    def _peek(self) -> Iterator[JournalReader]:
        with self._looking, (reader := self.journal.peek()).snapshot():
            yield reader
