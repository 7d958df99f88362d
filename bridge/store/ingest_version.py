"""One version of a notebook taken into the journal: what it adds, changes and removes, and whether its file lags.

The decisions are pure (`observe`, `merge`); this is the thin part that fetches what they need and writes down what they
say. It runs inside a transaction of the journal and touches no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from bridge.core.events import Event, Listener
from bridge.core.events import EventKind as Happened
from bridge.core.job import Cancellation, join_results
from bridge.core.text import counted
from bridge.format import codec, merge, observe
from bridge.format.cell import Cell, CellKind
from bridge.format.codec import Part
from bridge.format.other_metadata import other_metadata
from bridge.format.raw_cell import native_id, stamp_of
from bridge.store.archiver import Archiver
from bridge.store.journal import Journal
from bridge.store.rows import NOWHERE, NotebookRow
from bridge.store.signed_results import SignedResults

#: A version that would cancel at least this many open jobs, and more than half of them, is not believed.
SUSPECT_FROM = 5


class Adopt(Enum):
    """Which cells get a dot that have none.

    A dot that no file shows is dangerous: if the cell is deleted before one does, the deletion looks like a stale copy.
    So cells are adopted only in a step that also writes the file.
    """

    NONE = "none"  # the file is not going to be written
    JOBS = "jobs"  # all, if there is a prompt among them: then the file is written for its sake
    ALL = "all"  # the file is going to be written anyway


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """The outcome of one merge."""

    #: The file does not show what the journal says.
    lags: bool
    #: How many cells without a dot the file holds that were left alone,
    loose: int
    #: and how many of them are prompts.
    loose_jobs: int


@dataclass(frozen=True, kw_only=True)
class VersionIngest:
    """Takes versions into one journal."""

    journal: Journal
    archiver: Archiver
    notify: Listener
    #: Takes in archive notebooks of other writers: what is missing here may have gone there.
    look_into_archives: Callable[[], None]
    signed: SignedResults

    def ingest(
        self, place: NotebookRow, seen: Part, *, mine: Part | None = None, adopt: Adopt, fork: bool, now: datetime
    ) -> Ingested:
        """Merge a version of a notebook into the journal.

        Args:
            place: the notebook that it is a version of.
            seen: the version, as `codec.read_part` gives it.
            mine: the notebook as the journal has it, if that was read already.
            adopt: which cells get a dot that have none.
            fork: it is a second copy: its notebook metadata is not taken over, if any is known.
            now: the present moment.
        """
        journal = self.journal
        self.keep_ahead(seen.context)
        mine = mine or journal.part(place)
        observed = self._observed(seen, mine, now)
        loose = observe.unadopted(observed)
        if adopt is Adopt.ALL or (adopt is Adopt.JOBS and any(cell.kind is CellKind.JOB for cell in loose)):
            observed = self._adopted(observed, loose, now)
            loose = []
        else:
            strangers = {cell.id for cell in loose}
            observed = replace(observed, cells={i: c for i, c in observed.cells.items() if i not in strangers})
        observed = self.signed.judged(observed, mine, now)
        merged = merge.merge(mine, observed)
        cells = dict(merged.cells)
        removed = self._removed(mine, cells, place, now, emptied=not seen.cells)
        self._leave_archived(cells, mine, now)
        changed = [self._final(cell, mine.cells.get(i), observed.cells.get(i)) for i, cell in cells.items()]
        fresh = [cell for cell in changed if cell is not None]
        journal.put(place.id, fresh, now=now)
        self._retire(removed, place, now)
        journal.update_place(
            place.id,
            context=merged.context,
            # Those of a second copy count only if the notebook itself is gone and nothing is known of it.
            extras=place.extras if (fork and place.extras) or not seen.metadata else seen.metadata,
        )
        if removed or any(_differs(cell, mine.cells.get(cell.id)) for cell in fresh):
            journal.touch(place.id)
        cells |= {cell.id: cell for cell in fresh}
        lags = self._lags(seen, cells, {cell.id for cell in loose})
        vanished = [i for i in mine.cells if i in cells and i not in seen.cells and cells[i].kind is CellKind.JOB]
        if vanished and seen.context and not fork and any(_was_published(mine.cells[i], mine) for i in vanished):
            self._tell_restored(vanished, place, writes=adopt is not Adopt.NONE)
        return Ingested(lags=lags, loose=len(loose), loose_jobs=sum(cell.kind is CellKind.JOB for cell in loose))

    def _tell_restored(self, jobs: list[str], place: NotebookRow, *, writes: bool) -> None:
        what = f"{place.name} lacks {counted(len(jobs), 'job')} that nobody deleted: an old copy was saved over it"
        then = "put back" if writes else "the next command that writes the notebook puts them back"
        self.notify(Event(kind=Happened.RESTORED, message=f"{what}; {then}", facts={"jobs": jobs}))

    def keep_ahead(self, context: object) -> None:
        """Take a new writer id if a version has seen more dots of the present one than were given out here."""
        seen = context.get(self.journal.writer, 0) if isinstance(context, dict) else 0
        if isinstance(seen, int) and seen > self.journal.counter:
            old = self.journal.writer
            message = (
                f"the notebook is ahead of the journal (a restored backup?): {old} is now {self.journal.renew_writer()}"
            )
            self.notify(Event(kind=Happened.WRITER, message=message))

    def _observed(self, seen: Part, mine: Part, now: datetime) -> Part:
        strangers = [i for i, cell in seen.cells.items() if i not in mine.cells and cell.kind is CellKind.JOB]
        elsewhere = self.journal.whereabouts(strangers) if strangers else {}
        unstamped = any(not stamp_of(cell.raw) for cell in seen.cells.values() if cell.id not in mine.cells)
        memory = observe.KnownState(
            part=mine,
            gone={job: dots for job, (_, dots) in elsewhere.items()},
            history=self.journal.history,
            aliases=self.journal.aliases() if unstamped else {},
        )
        observed = observe.observe(seen, memory)
        cells = dict(observed.cells)
        for job in elsewhere:
            if job in cells and not self._comes_back(cells[job], now):
                del cells[job]
        return replace(observed, cells=cells)

    def _leave_archived(self, cells: dict[str, Cell], mine: Part, now: datetime) -> None:
        """Take out newcomers that are in an archive after all: looking for what was removed may just have told so."""
        newcomers = [i for i, cell in cells.items() if i not in mine.cells and cell.kind is CellKind.JOB]
        for job in self.journal.whereabouts(newcomers) if newcomers else ():
            if not self._comes_back(cells[job], now):
                del cells[job]

    def _comes_back(self, stray: Cell, now: datetime) -> bool:
        """A job that the journal has elsewhere is in this version: is it alive again, or is this an old copy?

        Alive only if it was put back into the queue since. Either way its results are kept.
        """
        known = self.journal.cell(stray.id)
        if known is None:
            return True
        cell, place = known
        if stray.job.attempt_floor > cell.job.attempt_floor:
            self.journal.touch(place)  # it leaves the notebook where it was
            return True
        joined = join_results(cell.job.results, stray.job.results)
        if joined != cell.job.results:
            job = cell.job.evolve(results=join_results(joined, self.signed.results(cell.id)))
            better = merge.job_cell(job, cell.dots, other_metadata(cell.raw))
            best = job.best(job.spec.body_sha256)
            if best is not None and (
                place == NOWHERE or not self.journal.place(place).own
            ):  # nobody else would write it
                self.archiver.archive(job, cell, place, now)
            elif better.essence != cell.essence:
                self.journal.put(place, [better], now=now)
                self.journal.touch(place)
        return False

    def _adopted(self, part: Part, loose: list[Cell], now: datetime) -> Part:
        if not loose:
            return part
        first = self.journal.take_dots(len(loose))
        cells = dict(part.cells)
        jobs = []
        for n, cell in enumerate(loose):
            dots = {self.journal.writer: first + n}
            if cell.kind is CellKind.NOTE:
                cells[cell.id] = codec.note_cell(cell.raw, cell.id, cell.position, dots, cell.note_edit)
                continue
            jobs.append(cell.id)
            native = native_id(cell.raw)
            if native and native != cell.id:
                self.journal.add_alias(native, cell.id)
            spec = cell.job.spec
            job = cell.job.evolve(spec=replace(spec, created_at=spec.created_at or now), bare=False)
            cells[cell.id] = merge.job_cell(job, dots, other_metadata(cell.raw), shown=cell.raw)
        if jobs:
            self.notify(
                Event(kind=Happened.ADOPTED, message=f"{counted(len(jobs), 'cell')} became jobs", facts={"jobs": jobs})
            )
        return replace(part, cells=cells)

    def _removed(
        self, mine: Part, cells: dict[str, Cell], place: NotebookRow, now: datetime, *, emptied: bool
    ) -> list[Cell]:
        """What was deleted on purpose. Adds to `cells` what is not believed to be. `emptied`: the version has no cell at all."""
        removed = [cell for i, cell in mine.cells.items() if i not in cells]
        if any(cell.kind is CellKind.JOB for cell in removed):
            self.look_into_archives()
            moved = {
                i for i, (where, _) in self.journal.whereabouts(c.id for c in removed).items() if where != place.id
            }
            removed = [cell for cell in removed if cell.id not in moved]
        open_ = [cell for cell in removed if _is_open(cell)]
        doubted = open_ if self._is_suspect(open_, mine, place, now) else []
        if emptied:  # torn, or wiped: notes and answers stay as well
            doubted = removed
        if not doubted:
            return removed
        first = self.journal.take_dots(len(doubted))
        for n, cell in enumerate(doubted):
            cells[cell.id] = merge.redotted(cell, {self.journal.writer: first + n})
        if not open_:
            return []
        self.journal.suspect_deletion(place.id, (cell.id for cell in open_), now)
        message = (
            f"a version of {place.name} lacks {len(open_)} open jobs; that many at once are not believed to be cancelled: "
            "`bridge cancel --doubted` confirms it"
        )
        self.notify(Event(kind=Happened.SUSPECT_DELETION, message=message, facts={"jobs": [cell.id for cell in open_]}))
        return [cell for cell in removed if cell not in doubted]

    def _is_suspect(self, open_: list[Cell], mine: Part, place: NotebookRow, now: datetime) -> bool:
        """Whether so many open jobs were deleted, these and those of the last day, that it was hardly meant."""
        if not open_:
            return False
        left = sum(map(_is_open, mine.cells.values())) - len(open_)
        deleted = self.journal.count_deletions(place.id, len(open_), now)
        return deleted >= SUSPECT_FROM and deleted > left

    def _retire(self, removed: list[Cell], place: NotebookRow, now: datetime) -> None:
        jobs = []
        for cell in removed:
            if cell.kind is CellKind.NOTE:
                self.journal.remove_note(place.id, cell.id)
                continue
            jobs.append(cell.id)
            job = cell.job.evolve(results=join_results(cell.job.results, self.signed.results(cell.id)))
            best = job.best(job.spec.body_sha256)
            if best is None and not job.is_cancelled:  # what is done cannot be cancelled, only archived
                job = job.evolve(cancelled=Cancellation(attempt_floor=job.attempt_floor, at=now, by="cell deleted"))
            if self.journal.writer in cell.dots or best is not None:
                self.archiver.archive(job, cell, place.id, now)
            else:  # whoever added it writes it to the archive; who has a result does so too, nobody else may know it
                self.journal.put(NOWHERE, [merge.job_cell(job, cell.dots, other_metadata(cell.raw))], now=now)
        if jobs:
            message = (
                f"{counted(len(jobs), 'job')} deleted from {place.name}: those without an answer count as cancelled"
            )
            self.notify(Event(kind=Happened.REMOVED, message=message, facts={"jobs": jobs}))

    def _final(self, cell: Cell, mine: Cell | None, theirs: Cell | None) -> Cell | None:
        """The cell as the journal should keep it; None if it has it already."""
        if mine is not None and mine.same_json(cell):
            return None
        if cell.kind is CellKind.JOB and (mine is None or mine.essence != cell.essence):
            known = join_results(cell.job.results, self.signed.results(cell.id))
            if known != cell.job.results:
                cell = merge.job_cell(
                    cell.job.evolve(results=known), cell.dots, other_metadata(cell.raw), shown=cell.raw
                )
        if theirs is not None and not theirs.same_json(cell) and theirs.essence == cell.essence:
            return theirs  # as the editor laid it out: nothing to rewrite
        return cell

    @staticmethod
    def _lags(seen: Part, cells: Mapping[str, Cell], left_alone: set[str]) -> bool:
        if any(i not in cells and i not in left_alone for i in seen.cells):
            return True
        return any(i not in seen.cells or not seen.cells[i].says_same(cell) for i, cell in cells.items())


def _is_open(cell: Cell) -> bool:
    if cell.kind is CellKind.NOTE:
        return False
    job = cell.job
    return job.best(job.spec.body_sha256) is None and not job.is_cancelled


def _differs(cell: Cell, mine: Cell | None) -> bool:
    return mine is None or mine.essence != cell.essence


def _was_published(cell: Cell, mine: Part) -> bool:
    return merge.covers(mine.context, cell.dots)
