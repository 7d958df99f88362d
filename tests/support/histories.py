"""Versions of one part as several writers leave them: by real operations, so dots and contexts keep their promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bridge.core.job import Cancellation, Job, Lease, Result, ResultStatus, Spec, job_id
from bridge.format import codec, json_bytes, merge
from bridge.format.cell import Cell, CellKind
from bridge.format.codec import Part
from bridge.format.raw_cell import UNSEEN, note_text
from bridge.kernel import grammar

WRITERS = ("w1", "w2", "w3")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Writers:
    """Several writers, each with its version of the part, and a counter that only it counts up."""

    def __init__(self) -> None:
        self.versions = {writer: Part(queue_id="q1") for writer in WRITERS}
        self.old: list[Part] = []
        self.ticks = 0
        self.born: set[str] = set()
        self.removed: set[str] = set()

    def act(self, writer: str, deed: str, pick: int) -> None:
        """One operation, chosen by numbers."""
        self.ticks += 1
        part = self.versions[writer]
        self.old.append(part)
        cells = dict(part.cells)
        if deed == "meet":
            other = self.versions[WRITERS[pick % len(WRITERS)]]
            self.versions[writer] = through_a_file(merge.merge(part, other))
            return
        if deed in ("add", "note") or not cells:
            dot = {writer: part.context.get(writer, 0) + 1}
            cell = self._job(dot) if deed != "note" else self._note(dot, pick)
            cells[cell.id] = cell
            self.born.add(cell.id)
            context = {**part.context, **dot}
            self.versions[writer] = through_a_file(replace(part, cells=cells, context=context))
            return
        cell = cells[sorted(cells)[pick % len(cells)]]
        if deed == "remove":
            del cells[cell.id]
            self.removed.add(cell.id)
        elif cell.kind is CellKind.NOTE:
            raw = {**cell.raw, "source": f"edit {self.ticks}"}
            cells[cell.id] = codec.note_cell(raw, cell.id, cell.position, cell.dots, cell.note_edit + 1)
        else:
            cells[cell.id] = merge.job_cell(self._changed(cell.job, writer, deed, pick), cell.dots)
        self.versions[writer] = through_a_file(replace(part, cells=cells))

    def _job(self, dot: Mapping[str, int]) -> Cell:
        job = job_id(START + timedelta(seconds=self.ticks), self.ticks)
        return merge.job_cell(Job(id=job, spec=Spec(body=f"prompt {self.ticks}", position=job)), dot)

    def _note(self, dot: Mapping[str, int], pick: int) -> Cell:
        raw: dict[str, Any] = {"cell_type": "markdown", "metadata": {}, "source": f"note {self.ticks}"}
        return codec.note_cell(raw, f"note-{self.ticks}", f"0{pick % 10}V", dot, 0)

    def _changed(self, job: Job, writer: str, deed: str, pick: int) -> Job:
        at = START + timedelta(seconds=self.ticks)
        match deed:
            case "edit":
                return job.evolve(edit=job.edit + 1, spec=replace(job.spec, body=f"edit {self.ticks}"))
            case "move":
                return job.evolve(edit=job.edit + 1, spec=replace(job.spec, position=f"0{pick % 10}M"))
            case "cancel":
                return job.evolve(cancelled=Cancellation(attempt_floor=job.attempt_floor, at=at, by=writer))
            case "retry":
                return job.evolve(attempt_floor=job.next_attempt())
            case "claim":
                return job.evolve(lease=Lease(worker=writer, attempt=job.next_attempt(), expires_at=at))
            case _:
                return job.evolve(results=(*job.results, self.result(job, writer, pick, at)))

    def result(self, job: Job, writer: str, pick: int, at: datetime) -> Result:
        """A result of the prompt as it is now."""
        status = list(ResultStatus)[pick % 3]
        return Result(
            job=job.id,
            attempt=job.lease.attempt if job.lease else job.next_attempt(),
            status=status,
            finished_at=at,
            prompt_sha256=grammar.prompt_sha256(job.spec.body),
            worker={"id": writer},
            answer="" if status is ResultStatus.FAILED else f"answer {self.ticks}",
        )


def through_a_file(part: Part) -> Part:
    """The version as it is read back from its file."""
    return codec.read_part(json_bytes.loads(json_bytes.dumps(codec.write_part(part))))


DEEDS = ("add", "add", "note", "remove", "edit", "move", "cancel", "retry", "claim", "finish", "finish", "meet", "meet")
deeds = st.lists(
    st.tuples(st.sampled_from(WRITERS), st.sampled_from(DEEDS), st.integers(0, 30)), min_size=3, max_size=30
)


def happened(history: list[tuple[str, str, int]]) -> Writers:
    """The writers after a history."""
    writers = Writers()
    for writer, deed, pick in history:
        writers.act(writer, deed, pick)
    return writers


def meaning(part: Part) -> dict[str, Any]:
    """What two versions must agree on to mean the same."""
    return {
        "queue": part.queue_id,
        "context": {writer: n for writer, n in part.context.items() if n},
        "cells": {element: _meaning(cell) for element, cell in part.cells.items()},
    }


def _meaning(cell: Cell) -> object:
    dots = {writer: n for writer, n in cell.dots.items() if not writer.startswith(UNSEEN)}
    if cell.kind is CellKind.NOTE:
        return (dots, cell.position, note_text(cell.raw), cell.note_edit)
    job = cell.job
    best = job.best(grammar.prompt_sha256(job.spec.body))
    return (
        dots,
        job.spec,
        job.edit,
        job.attempt_floor,
        job.cancelled,
        job.lease,
        best,
        merge.prompt_cell.visible_attempts(job, best),
    )
