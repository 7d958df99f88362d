"""What other writers left in the folder, taken into the journal: changed notebooks, second copies, archives.

Runs inside a transaction of the journal, under the queue's lock, and writes no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from bridge.core.clock import Clock
from bridge.core.errors import NotAQueue, QueueUnreadable, QueueUnsettled
from bridge.core.events import Event, Listener
from bridge.core.events import EventKind as Happened
from bridge.core.job import join_results
from bridge.format import codec, file_names, json_bytes, known_cells, merge
from bridge.format.cell import Cell
from bridge.format.layout import layout_of
from bridge.format.other_metadata import other_metadata
from bridge.format.raw_cell import texts_of
from bridge.store import review_state
from bridge.store.ingest_version import Adopt, VersionIngest
from bridge.store.journal import Journal
from bridge.store.rows import FileVersion, NotebookRow, content_hash
from bridge.store.second_copies import SecondCopy
from bridge.transports.base import Entry, Stamp, Transport

#: In the table of seen files: a notebook that is none of this queue's.
_FOREIGN = -1


@dataclass(frozen=True, kw_only=True)
class IncomingNotebook:
    """A notebook that is not as it was last seen."""

    name: str
    number: int | None  #: of the part; None: none of our names, so a second copy or somebody else's
    notebook: object  #: as `known_cells.loads` gives it
    data: bytes
    stamp: Stamp
    known: codec.Part | None = None  #: the part as the journal had it when this was read,
    known_at: int = 0  #: which was after so many changes to the journal


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """Finds what changed in the folder, and has it merged into the journal."""

    transport: Transport
    journal: Journal
    version_ingest: VersionIngest
    names: file_names.FileNames
    clock: Clock
    notify: Listener
    settle_s: float
    vanished_s: float = 0.0

    def take_all(self, *, publish: bool) -> list[SecondCopy]:
        """Take in all that changed; gives the second copies that were merged."""
        newborn = self.journal.is_empty()
        self.version_ingest.signed.judge_again(self.clock.now())
        if publish and self.vanished_s:
            self._await_vanished()
        entries = self.transport.entries()
        present = {entry.name for entry in entries}
        ingest = list(self._changed(entries, publish=publish))
        # Before any dot is given out: a journal restored from a backup must not give one out twice.
        for incoming in ingest:
            if (stamp := codec.queue_stamp(incoming.notebook)) and stamp["queue_id"] == self.journal.queue_id:
                self.version_ingest.keep_ahead(stamp.get("context"))
        forks = []
        for incoming in ingest:
            if incoming.number is not None:
                self.take(incoming, adopt=Adopt.JOBS if publish else Adopt.NONE)
            elif copy := self._take_fork(incoming, publish=publish):
                forks.append(copy)
        for place in self.journal.places("part"):
            # Only looking, it may be gone for a moment: whoever writes next waits for it first.
            if place.name not in present and (publish or not self.vanished_s):
                self.journal.forget_file(self._path(place.name))  # vanished: what it held is written again
        if newborn:
            self.ingest_archives()
        return forks

    def incoming(self, name: str, number: int | None) -> IncomingNotebook:
        """A notebook as it is now. Raises QueueUnreadable."""
        place = self.journal.place_named(name)
        known = self.journal.part(place) if place else None
        known_at = self.journal.db.total_changes
        notebook, data, stamp = self._settled(name, known)
        return IncomingNotebook(
            name=name, number=number, notebook=notebook, data=data, stamp=stamp, known=known, known_at=known_at
        )

    def _changed(self, entries: Sequence[Entry], *, publish: bool) -> Iterator[IncomingNotebook]:
        for entry in entries:
            number = self.names.number(entry.name)
            seen = self.journal.seen(self._path(entry.name))
            if seen and seen.stamp == entry.stamp and not (publish and seen.loose_jobs):
                continue
            if number is not None:
                yield self.incoming(entry.name, number)
                continue
            try:
                read = self.transport.read(entry.name)
                if read is not None:
                    yield IncomingNotebook(
                        name=entry.name, number=None, notebook=json_bytes.loads(read[0]), data=read[0], stamp=read[1]
                    )
            except (QueueUnreadable, ValueError):
                continue  # perhaps a second copy that is still coming; it is read again next time

    def take(self, incoming: IncomingNotebook, *, adopt: Adopt) -> None:
        """Take in a version of one of our parts. Raises NotAQueue."""
        name, digest = incoming.name, content_hash(incoming.data)
        seen = self.journal.seen(self._path(name))
        left_alone = {Adopt.NONE: 0, Adopt.JOBS: seen.loose_jobs, Adopt.ALL: seen.loose}[adopt] if seen else 0
        if seen and seen.hash == digest and not left_alone:
            self.journal.see(self._path(name), replace(seen, stamp=incoming.stamp))
            return
        part = codec.read_part(incoming.notebook, name=name)
        if part.queue_id != self.journal.queue_id:
            raise NotAQueue(f"{name} belongs to another queue ({part.queue_id}): move it elsewhere")
        place = self._part(incoming.number or 1)
        mine = incoming.known if self.journal.db.total_changes == incoming.known_at else None
        came = self.version_ingest.ingest(place, part, mine=mine, adopt=adopt, fork=False, now=self.clock.now())
        rev = 0 if came.lags else self.journal.place(place.id).rev
        shows = FileVersion(
            place=place.id, hash=digest, stamp=incoming.stamp, rev=rev, loose=came.loose, loose_jobs=came.loose_jobs
        )
        self.journal.see(self._path(name), shows)
        self.journal.see_birth(self._path(name), part.birth)
        self.journal.see_layout(self._path(name), layout_of(incoming.data))

    def _take_fork(self, fork: IncomingNotebook, *, publish: bool) -> SecondCopy | None:
        """Fold in a second copy of one of our parts; None if it is none."""
        stamp = codec.queue_stamp(fork.notebook)
        ours = stamp is not None and stamp["queue_id"] == self.journal.queue_id and stamp.get("part") != 0
        part, copy = None, None
        if ours:
            with suppress(NotAQueue):  # of a schema that this version does not read: left where it is
                part = codec.read_part(fork.notebook, name=fork.name)
        if part is not None:
            place = self._part(part.number)
            adopt = Adopt.ALL if publish else Adopt.NONE
            self.version_ingest.ingest(place, part, adopt=adopt, fork=True, now=self.clock.now())
            copy = SecondCopy(name=fork.name, place=place, birth=part.birth)
            if publish:
                self.journal.touch(place.id)
        again = int(part is not None)  # until it is moved to forks/
        digest = content_hash(fork.data)
        elsewhere = FileVersion(place=_FOREIGN, hash=digest, stamp=fork.stamp, rev=0, loose=again, loose_jobs=again)
        self.journal.see(self._path(fork.name), elsewhere)
        return copy

    def _part(self, number: int) -> NotebookRow:
        name = self.names.part(number)
        return self.journal.place_named(name) or self.journal.add_place(kind="part", number=number, name=name)

    def ingest_archives(self, *, fresh: bool = False) -> None:
        """Take in archive notebooks that other writers wrote. `fresh`: those of a moment ago too."""
        for entry in self.transport.entries(file_names.ARCHIVE, fresh=fresh):
            place = self.journal.place_named(entry.name)
            seen = self.journal.seen(self._path(entry.name))
            if (place and place.own) or (seen and seen.stamp == entry.stamp):
                continue
            read = self.transport.read(entry.name)
            try:
                part = codec.read_part(json_bytes.loads(read[0]), name=entry.name) if read else None
            except (ValueError, NotAQueue):
                part = None  # half-synced, or not ours; looked at again when it changes
            if read is None or part is None or part.queue_id != self.journal.queue_id:
                continue
            place = place or self.journal.add_place(kind="archive", number=0, name=entry.name, own=False)
            self._take_archive(place, part)
            self.journal.see(
                self._path(entry.name),
                FileVersion(place=place.id, hash=content_hash(read[0]), stamp=read[1], rev=place.rev),
            )

    def _take_archive(self, place: NotebookRow, part: codec.Part) -> None:
        where = self.journal.whereabouts(part.cells)
        for cell in part.in_order():
            home = where.get(cell.id, (0, {}))[0]
            known = self.journal.cell(cell.id)
            if home and self.journal.place(home).kind == "archive" and home != place.id:
                self._archived_twice(home, cell)
                continue
            if known is not None and known[0].job.attempt_floor > cell.job.attempt_floor:
                continue  # put back into the queue since
            joined = cell
            if known is not None:
                job = known[0].job.join(cell.job)
                job = job.evolve(results=join_results(job.results, self.version_ingest.signed.results(job.id)))
                other = other_metadata(known[0].raw).join(other_metadata(cell.raw))
                joined = merge.job_cell(job, cell.dots, other, shown=cell.raw)
                if texts_of(joined.raw) != texts_of(cell.raw):  # only we know this result: our archive shows it
                    self.version_ingest.archiver.retire(job, cell.dots, home, self.clock.now(), other)
                    continue
            self.journal.put(place.id, [joined], now=self.clock.now())
            review_state.restore(self.journal, joined.job, joined.job.outcome)
            if home and home != place.id:
                self.journal.touch(home)

    def _archived_twice(self, home: int, cell: Cell) -> None:
        """Two machines archived a job: the place first known here stands, with what both know."""
        known = self.journal.cell(cell.id)
        if known is None:
            return
        other = other_metadata(known[0].raw).join(other_metadata(cell.raw))
        joined = merge.job_cell(known[0].job.join(cell.job), known[0].dots, other, shown=known[0].raw)
        if joined.essence != known[0].essence:
            self.journal.put(home, [joined], now=self.clock.now())
            self.journal.touch(home)

    def _await_vanished(self) -> None:
        """Give a part that was there, and is not, time to come back."""
        present = {entry.name for entry in self.transport.entries()}
        parts = [place.name for place in self.journal.places("part") if place.name not in present]
        gone = [name for name in parts if self.journal.seen(self._path(name))]
        waited = 0.0
        while gone and waited < self.vanished_s:
            if not waited:
                self.notify(Event(kind=Happened.WAITING, message=f"{gone[0]} is gone for the moment; waiting for it"))
            self.clock.sleep(0.25)
            waited += 0.25
            gone = [name for name in gone if self.transport.stat(name) is None]

    def _settled(self, name: str, known: codec.Part | None) -> tuple[object, bytes, Stamp]:
        """A notebook that parses. Raises QueueUnreadable when it does not, even after a while."""
        cells = known.cells.values() if known else ()
        waited = 0.0
        while True:
            try:
                read = self.transport.read(name)
                if read is not None:
                    return known_cells.loads(read[0], cells), *read
                if waited >= self.vanished_s:
                    raise QueueUnreadable(f"{name} has vanished while it was read: run the command again")
                reason = "it has vanished"
            except QueueUnsettled:
                reason = "it changes all the time"
            except ValueError as error:
                reason = str(error)
            if waited >= self.settle_s:
                raise QueueUnreadable(
                    f"{name} is not whole JSON ({reason}); it was not touched. If a sync is under way, try again; if it "
                    "stays so, `bridge rebuild --notebooks` moves it aside and writes it again from the journal"
                )
            if not waited:
                self.notify(
                    Event(kind=Happened.WAITING, message=f"{name} is half-written or being replaced; waiting for it")
                )
            self.clock.sleep(0.25)
            waited += 0.25

    def _path(self, name: str) -> str:
        return f"{self.transport.location}/{name}"
