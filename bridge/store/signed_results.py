"""Which results count in a queue that asks for signatures; those that do not are kept in the journal, and set aside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.events import Event, EventKind, Listener
from bridge.core.job import Result
from bridge.core.text import counted
from bridge.format import merge
from bridge.format.cell import CellKind
from bridge.format.codec import Part
from bridge.format.other_metadata import other_metadata
from bridge.format.signatures import KeyRing
from bridge.store import review_state
from bridge.store.journal import Journal


@dataclass(frozen=True, kw_only=True)
class SignedResults:
    """The judge of one queue's results."""

    journal: Journal
    keys: KeyRing
    notify: Listener

    def results(self, job: str) -> tuple[Result, ...]:
        """Every result of a job that was ever seen, and may count."""
        return tuple(result for result in self.journal.results(job) if self.keys.counts(result))

    def judge_again(self, now: datetime) -> None:
        """Judge every result that nobody has yet, if the keys are others than they were, or are required now."""
        if self.journal.judged_by == self.keys.tag:
            return
        for place in self.journal.places("part"):
            part = self.journal.part(place)
            waiting = {i: cell for i, cell in part.cells.items() if not review_state.is_delivered(self.journal, i)}
            fresh = self.judged(replace(part, cells=waiting), None, now).cells
            changed = [cell for i, cell in fresh.items() if cell is not part.cells[i]]
            self.journal.put(place.id, changed, now=now)
            if changed:
                self.journal.touch(place.id)
        self.journal.note_judged_by(self.keys.tag)

    def judged(self, part: Part, mine: Part | None, now: datetime) -> Part:
        """A part without the results that do not count; they are kept in the journal. What `mine` has was judged before."""
        if not self.keys.tag:
            return part
        cells, told = dict(part.cells), []
        for element, cell in part.cells.items():
            known = mine.cells.get(element) if mine else None
            if cell.kind is CellKind.NOTE or not cell.raw.get("outputs") or (known and known.same_json(cell)):
                continue
            before = known.job.results if known and known.kind is CellKind.JOB else ()
            job, aside = self.keys.judged(cell.job, before)
            if aside:
                cells[element] = merge.job_cell(job, cell.dots, other_metadata(cell.raw))
                self.journal.keep_results(element, aside, now=now)
                told.append(element)
        if told:
            message = f"{counted(len(told), 'answer')} set aside: not signed with a key of this queue"
            self.notify(Event(kind=EventKind.NOT_SIGNED, message=message, facts={"jobs": told}))
        return replace(part, cells=cells)
