"""Jobs changed by a command, written where they are: many at a time, so that all jobs of a large queue take seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from bridge.core.job import Job, State
from bridge.format import merge
from bridge.format.cell import Cell
from bridge.format.other_metadata import other_metadata
from bridge.store.query import JobLine
from bridge.store.rows import NOWHERE
from bridge.store.store import Store

#: Jobs that are in memory at the same time.
_BATCH = 400


def rewrite_jobs(store: Store, lines: Sequence[JobLine], change: Callable[[Job, State], Job]) -> None:
    """Apply a change to jobs and write them down. To be called while deciding; raises what `change` raises."""
    for start in range(0, len(lines), _BATCH):
        _write(store, list(_changed(store, lines[start : start + _BATCH], change)))


@dataclass(frozen=True, kw_only=True)
class _Changed:
    """A job as it is to be, and its cell as it is."""

    job: Job
    cell: Cell
    place: int

    @property
    def is_anew(self) -> bool:
        """Whether it is put into the queue again: then whoever removes it meanwhile has not seen this."""
        return self.job.attempt_floor > self.cell.job.attempt_floor


def _changed(store: Store, lines: Sequence[JobLine], change: Callable[[Job, State], Job]) -> Iterator[_Changed]:
    known = store.journal.cells([line.id for line in lines])
    for line in lines:
        cell, place = known[line.id]  # it was found in the same transaction
        if (job := change(cell.job, line.state)) != cell.job:
            yield _Changed(job=job, cell=cell, place=place)


def _write(store: Store, changed: Sequence[_Changed]) -> None:
    """Write changed jobs where they are; one that goes back into the queue from elsewhere goes into the last part."""
    journal, now = store.journal, store.clock.now()
    parts = [part.id for part in journal.places("part")]
    anew = [each.job.id for each in changed if each.is_anew or each.place not in parts]
    dots = dict(zip(anew, count(journal.take_dots(len(anew))), strict=False))
    cells: dict[int, list[Cell]] = {}
    touched: set[int] = set()
    for each in changed:
        home = each.place in parts
        dot = {journal.writer: dots[each.job.id]} if each.job.id in dots else {}
        cell = merge.job_cell(each.job, {**each.cell.dots, **dot} if home else dot, other_metadata(each.cell.raw))
        target = each.place if home else parts[-1]
        cells.setdefault(target, []).append(cell)
        touched |= {target, each.place} - {NOWHERE}
    for target, found in cells.items():
        journal.put(target, found, now=now)
    for place in sorted(touched):
        journal.touch(place)
