"""The store: a queue's notebooks and its journal as one thing that loses nothing.

Every change goes the same way, under the queue's lock: take in what others wrote, decide, write the new notebooks to
disk under temporary names, commit the journal, make the notebooks visible. Whatever fails before the commit changes
nothing; whatever is killed after it is finished by the next command of anybody. A notebook that somebody wrote in between
is taken in and written again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from bridge.errors import NotAQueue, QueueChanged, QueueUnreadable
from bridge.events import Event, Listener
from bridge.events import Kind as Happened
from bridge.job import join_results
from bridge.notebook import codec, merge, names, wire
from bridge.notebook.absorb import Absorber, Adopt, Limits
from bridge.notebook.cell import Cell
from bridge.notebook.journal import Journal, Place, Seen, content_hash
from bridge.notebook.lock import QueueLock
from bridge.notebook.raw import extras_of, texts_of
from bridge.transports.base import Staged, Stamp, Transport

T = TypeVar("T")

#: In the table of seen files: a notebook that is none of this queue's.
_FOREIGN = -1
_TRIES = 12


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, as the store needs it; tests bring their own."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class _Write:
    place: Place
    staged: Staged
    hash: str


@dataclass(kw_only=True)
class Store:
    """One queue. Safe for several threads and, through its lock, for several processes."""

    transport: Transport
    journal: Journal
    lock: QueueLock
    names: names.Names
    clock: Clock
    notify: Listener
    limits: Limits = field(default_factory=Limits)
    #: How long a half-written notebook is waited for, in seconds.
    settle_s: float = 5.0

    def __post_init__(self) -> None:
        """Make what is shared between calls."""
        self._threads = threading.RLock()
        self.absorber = Absorber(
            journal=self.journal,
            names=self.names,
            limits=self.limits,
            notify=lambda event: self.notify(event),
            look_into_archives=self._absorb_archives,
        )

    def read(self, look: Callable[[], T], purpose: str = "reading") -> T:
        """Take in what others wrote, then look. Writes no notebook, so it works on a read-only folder too."""
        with self._exclusive(purpose), self.journal.transaction():
            self._absorb_all(publish=False)
            return look()

    def change(self, decide: Callable[[], T], purpose: str) -> T:
        """Take in what others wrote, decide (which writes to the journal), and publish.

        Raises:
            QueueNotWritable, StorageFull, QueueUnreadable, NotAQueue: nothing was changed.
            QueueChanged: somebody writes the notebook all the time; the change is in the journal and will be published.
        """
        with self._exclusive(purpose):
            with self.journal.transaction():
                forks = self._absorb_all(publish=True)
                value = decide()
                writes = self._stage()
            self._commit(writes)
            for name in forks:
                aside = self.transport.set_aside(name, names.FORKS)
                self.notify(Event(kind=Happened.FORK, message=f"{name} was folded in and moved to {aside}"))
            return value

    def publish(self) -> None:
        """Take in what others wrote and bring every notebook up to date."""
        self.change(lambda: None, "publishing")

    def new_part(self, number: int, notes: list[dict[str, Any]]) -> Place:
        """A further part, which begins with these notes. To be called while deciding."""
        place = self.journal.add_place(kind="part", number=number, name=self.names.part(number))
        first = self.journal.take_dots(len(notes))
        writer = self.journal.writer
        cells = [
            codec.note_cell(raw, raw["id"], raw["metadata"]["bridge"]["position"], {writer: first + n}, 0)
            for n, raw in enumerate(notes)
        ]
        self.journal.put(place.id, cells, now=self.clock.now())
        return place

    # ---- taking in

    def _absorb_all(self, *, publish: bool) -> list[str]:
        """Take in all that changed; gives the names of forks that were folded in."""
        forks = []
        present = set()
        for entry in self.transport.entries():
            number = self.names.number(entry.name)
            seen = self.journal.seen(self._path(entry.name))
            present.add(entry.name)
            if seen and seen.stamp == entry.stamp and not (publish and seen.loose_jobs):
                continue
            if number is None:
                if self._absorb_fork(entry.name, publish=publish):
                    forks.append(entry.name)
                continue
            notebook, data, stamp = self._settled(entry.name)
            self._take(entry.name, number, notebook, data, stamp, adopt=Adopt.JOBS if publish else Adopt.NONE)
        for place in self.journal.places("part"):
            if place.name not in present:
                self.journal.forget_file(self._path(place.name))  # vanished: what it held is written again
        return forks

    def _take(self, name: str, number: int, notebook: Any, data: bytes, stamp: Stamp, *, adopt: Adopt) -> None:
        digest = content_hash(data)
        seen = self.journal.seen(self._path(name))
        left_alone = {Adopt.NONE: 0, Adopt.JOBS: seen.loose_jobs, Adopt.ALL: seen.loose}[adopt] if seen else 0
        if seen and seen.hash == digest and not left_alone:
            self.journal.see(self._path(name), replace(seen, stamp=stamp))
            return
        part = codec.read_part(notebook, name=name)
        if part.queue_id != self.journal.queue_id:
            raise NotAQueue(f"{name} belongs to another queue ({part.queue_id}): move it elsewhere")
        place = self.journal.place_named(name) or self.journal.add_place(kind="part", number=number, name=name)
        came = self.absorber.absorb(place, part, adopt=adopt, fork=False, now=self.clock.now())
        rev = 0 if came.lags else self.journal.place(place.id).rev
        shows = Seen(place=place.id, hash=digest, stamp=stamp, rev=rev, loose=came.loose, loose_jobs=came.loose_jobs)
        self.journal.see(self._path(name), shows)

    def _absorb_fork(self, name: str, *, publish: bool) -> bool:
        """Fold in a second copy of one of our notebooks; False if it is none, or not whole yet."""
        read = self.transport.read(name)
        if read is None:
            return False
        data, stamp = read
        try:
            notebook = wire.loads(data)
        except ValueError:
            return False  # still coming; it is looked at again next time
        found = codec.queue_stamp(notebook)
        ours = found is not None and found["queue_id"] == self.journal.queue_id
        if ours:
            part = codec.read_part(notebook, name=name)
            place = self.journal.place_named(self.names.part(part.number)) or self.journal.add_place(
                kind="part", number=part.number, name=self.names.part(part.number)
            )
            adopt = Adopt.ALL if publish else Adopt.NONE
            self.absorber.absorb(place, part, adopt=adopt, fork=True, now=self.clock.now())
            if publish:
                self.journal.touch(place.id)
        again = int(ours and not publish)
        elsewhere = Seen(place=_FOREIGN, hash=content_hash(data), stamp=stamp, rev=0, loose=again, loose_jobs=again)
        self.journal.see(self._path(name), elsewhere)
        return ours

    def _absorb_archives(self) -> None:
        """Take in archive notebooks that other writers wrote."""
        for entry in self.transport.entries(names.ARCHIVE):
            place = self.journal.place_named(entry.name)
            seen = self.journal.seen(self._path(entry.name))
            if (place and place.own) or (seen and seen.stamp == entry.stamp):
                continue
            read = self.transport.read(entry.name)
            try:
                part = codec.read_part(wire.loads(read[0]), name=entry.name) if read else None
            except (ValueError, NotAQueue):
                part = None  # half-synced, or not ours; looked at again when it changes
            if read is None or part is None or part.queue_id != self.journal.queue_id:
                continue
            place = place or self.journal.add_place(kind="archive", number=0, name=entry.name, own=False)
            self._take_archive(place, part)
            self.journal.see(
                self._path(entry.name),
                Seen(place=place.id, hash=content_hash(read[0]), stamp=read[1], rev=place.rev),
            )

    def _take_archive(self, place: Place, part: codec.Part) -> None:
        where = self.journal.whereabouts(part.cells)
        for cell in part.in_order():
            home = where.get(cell.id, (0, {}))[0]
            known = self.journal.cell(cell.id)
            if home and self.journal.place(home).kind == "archive" and home != place.id:
                self._archived_twice(home, cell)
                continue
            if known is not None and known[0].job.floor > cell.job.floor:
                continue  # put back into the queue since
            joined = cell
            if known is not None:
                job = known[0].job.join(cell.job)
                job = job.evolve(results=join_results(job.results, self.journal.results(job.id)))
                joined = merge.job_cell(job, cell.dots, shown=cell.raw)
                if texts_of(joined.raw) != texts_of(cell.raw):  # only we know this result: our archive shows it
                    self.absorber.retire(job, cell.dots, home, self.clock.now(), {})
                    continue
            self.journal.put(place.id, [joined], now=self.clock.now())
            if home and home != place.id:
                self.journal.touch(home)

    def _archived_twice(self, home: int, cell: Cell) -> None:
        """Two machines archived a job: the place first known here stands, with what both know."""
        known = self.journal.cell(cell.id)
        if known is None:
            return
        joined = merge.job_cell(known[0].job.join(cell.job), known[0].dots, extras_of(known[0].raw), shown=known[0].raw)
        if joined.essence != known[0].essence:
            self.journal.put(home, [joined], now=self.clock.now())
            self.journal.touch(home)

    def _settled(self, name: str) -> tuple[Any, bytes, Stamp]:
        """A notebook that parses. Raises QueueUnreadable when it does not, even after a while."""
        waited = 0.0
        while True:
            read = self.transport.read(name)
            if read is None:
                raise QueueUnreadable(f"{name} has vanished while it was read: run the command again")
            try:
                return wire.loads(read[0]), *read
            except ValueError as error:
                reason = str(error)
            if waited >= self.settle_s:
                raise QueueUnreadable(
                    f"{name} is not whole JSON ({reason}); it was not touched. If a sync is under way, try again; if it "
                    "stays so, `bridge rebuild --notebooks` moves it aside and writes it again from the journal"
                )
            if not waited:
                self.notify(Event(kind=Happened.WAITING, message=f"{name} is half-written; waiting for it"))
            self.clock.sleep(0.25)
            waited += 0.25

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

    def _stage_one(self, place: Place) -> _Write | None:
        name = place.name
        stamp = None
        if self.transport.stat(name) is not None:
            notebook, data, stamp = self._settled(name)
            if place.kind == "part":
                self._take(name, place.number, notebook, data, stamp, adopt=Adopt.ALL)
            place = self.journal.place(place.id)
            seen = self.journal.seen(self._path(name))
            if seen and seen.rev == place.rev and seen.hash == content_hash(data):
                return None
        context = {**place.context, self.journal.writer: self.journal.counter}
        self.journal.update_place(place.id, context=context, extras=place.extras)
        part = codec.Part(queue_id=self.journal.queue_id, number=place.number, context=context, metadata=place.extras)
        data = wire.join_notebook(self.journal.rendered(place.id), codec.write_metadata(part))
        staged = self.transport.stage(name, data, unless_changed=stamp)
        return _Write(place=place, staged=staged, hash=content_hash(data))

    def _commit(self, writes: list[_Write]) -> None:
        """Make the notebooks visible; one that was written in between is taken in and written again."""
        for _ in range(_TRIES):
            seen: list[tuple[str, Seen]] = []
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
                    shown = Seen(place=place.id, hash=write.hash, stamp=stamp, rev=place.rev)
                    seen.append((self._path(place.name), shown))
            finally:
                if seen:
                    with self.journal.transaction():
                        for path, what in seen:
                            self.journal.see(path, what)
            if not changed:
                return
            with self.journal.transaction():
                self._absorb_all(publish=True)
                writes = self._stage()
        raise QueueChanged(
            "another program writes the notebook all the time; your change is safe in the journal and will be "
            "published by the next command"
        )

    def _path(self, name: str) -> str:
        return f"{self.transport.location}/{name}"

    @contextmanager
    def _exclusive(self, purpose: str) -> Iterator[None]:
        with self._threads, self.lock.held(purpose):
            yield
