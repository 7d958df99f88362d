"""Two versions of a part as one: the heart of "nothing lost".

The cells are an observed-remove set without tombstones (Bieniusa et al., "An optimized conflict-free replicated set",
2012, https://arxiv.org/abs/1210.3368): each carries a dot {writer: counter}, each version the context of all dots that it
has seen. A cell that one version lacks though its context covers the cell's dots was removed there on purpose; if the
context does not cover them, that version is merely older. What both have is joined field by field (bridge/core/job.py).

Promises: pure; commutative, associative and idempotent on what the cells say; no job or note disappears unless a version
that had seen it does not have it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.core.job import Job, Result
from bridge.format import codec, json_bytes, prompt_cell, result_record
from bridge.format.cell import Cell, CellKind
from bridge.format.codec import Part
from bridge.format.other_metadata import OtherMetadata, other_metadata
from bridge.format.raw_cell import Dots, RawCell, note_text, texts_of
from bridge.kernel import grammar


def merge(a: Part, b: Part) -> Part:
    """What follows from both versions. They must be of one queue; the lower part number wins. Raises ValueError."""
    if a.queue_id != b.queue_id:
        raise ValueError("versions of different queues cannot be merged")
    cells: dict[str, Cell] = {}
    theirs = b.cells
    for element, mine in a.cells.items():
        other = theirs.get(element)
        if mine is other and not mine.moved:
            cells[element] = mine
            continue
        if other is None:
            merged = _alone(mine, b.context)
        elif not (mine.moved or other.moved) and mine.position == other.position and mine.same_json(other):
            merged = mine
        else:
            merged = _both(mine, other, a.context, b.context)
        if merged is not None:
            cells[element] = merged
    for element in [element for element in theirs if element not in a.cells]:
        if (kept := _alone(theirs[element], a.context)) is not None:
            cells[element] = kept
    return Part(
        queue_id=a.queue_id,
        number=min(a.number, b.number),
        context=join_contexts(a.context, b.context),
        cells=cells,
        metadata=_join_metadata(a.metadata, b.metadata),
    )


def covers(context: Mapping[str, int], dots: Dots) -> bool:
    """Whether a version with this context has seen all these dots."""
    return all(context.get(writer, 0) >= counter for writer, counter in dots.items())


def join_contexts(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """All that either has seen."""
    return {writer: max(a.get(writer, 0), b.get(writer, 0)) for writer in a.keys() | b.keys()}


def redotted(cell: Cell, dots: Dots) -> Cell:
    """The same cell under other dots."""
    return cell if dots == cell.dots else _stamped(cell, dots)


def _alone(cell: Cell, context: Mapping[str, int]) -> Cell | None:
    left = {writer: n for writer, n in cell.dots.items() if n > context.get(writer, 0)}
    return redotted(cell, left) if left else None


def _both(x: Cell, y: Cell, seen_x: Mapping[str, int], seen_y: Mapping[str, int]) -> Cell | None:
    if (answered := with_the_answer(x, y)) is not None:
        return answered
    dots = {
        writer: n
        for own, others, seen in ((x.dots, y.dots, seen_y), (y.dots, x.dots, seen_x))
        for writer, n in own.items()
        if others.get(writer) == n or n > seen.get(writer, 0)
    }
    if not dots:
        return None
    other = other_metadata(x.raw).join(other_metadata(y.raw))
    if x.kind is CellKind.JOB and y.kind is CellKind.JOB:
        return job_cell(x.job.join(y.job), dots, other)
    newer = max(x, y, key=_note_order)
    return codec.note_cell(newer.raw, newer.id, newer.position, dots, newer.note_edit, other)


def with_the_answer(x: Cell, y: Cell) -> Cell | None:
    """The one of two cells that has an answer, if they differ in nothing else: the usual change, at a third of the cost.

    None where that is not plain to see: then the jobs are joined field by field, which gives the same.
    """
    empty, full = (x, y) if not x.raw.get("outputs") else (y, x)
    if (
        empty.raw.get("outputs")
        or not (x.kind is y.kind is CellKind.JOB)
        or x.moved
        or y.moved
        or x.position != y.position
        or empty.raw.get("metadata") != full.raw.get("metadata")
        or empty.raw.get("source") != full.raw.get("source")
        or len(said := {text for text in texts_of(full.raw) if grammar.is_result(text)}) != 1
        or full.touched
        or (best := full.job.best(full.job.spec.body_sha256)) is None
        or not said.pop().endswith("\n" + best.answer)  # cut, and read from the output's other text
    ):
        return None
    return full


def _note_order(note: Cell) -> tuple[int, str, bytes, bytes]:
    return (note.note_edit, note.position, note_text(note.raw), json_bytes.canonical(note.raw.get("outputs")))


def job_cell(job: Job, dots: Dots, other: OtherMetadata | None = None, shown: RawCell | None = None) -> Cell:
    """The cell of a job. `shown`: a version of the cell whose outputs are kept, if they show the result that counts."""
    job = _own(job)
    raw = prompt_cell.write_job(job, dots, other)
    best = job.best(job.spec.body_sha256)
    if shown is not None and best is not None:
        there = result_record.read_results(shown, job.id)[0]
        if [r.identity for r in there] == [best.identity]:
            raw["outputs"] = shown["outputs"]
    return Cell(id=job.id, kind=CellKind.JOB, raw=raw, dots=dots, position=job.spec.position, job=job)


def _own(job: Job) -> Job:
    """The job whose results all say so (a cell may have been adopted under another id), without a spent claim, and whole again once it is cancelled."""
    if any(result.job != job.id for result in job.results):
        job = job.evolve(results=tuple(_renamed(result, job.id) for result in job.results))
    if job.lease != job.open_lease:
        job = job.evolve(lease=None)
    if job.spec.damaged and job.is_cancelled:
        job = job.evolve(spec=replace(job.spec, damaged=None))
    return job


def _renamed(result: Result, job: str) -> Result:
    """A result as that of another job; what was signed was of the old one."""
    return result if result.job == job else replace(result, job=job, signature=None)


def _stamped(cell: Cell, dots: Dots) -> Cell:
    if cell.kind is CellKind.JOB:
        return job_cell(cell.job, dots, other_metadata(cell.raw), shown=cell.raw)
    return codec.note_cell(cell.raw, cell.id, cell.position, dots, cell.note_edit)


def _join_metadata(a: Mapping[str, object], b: Mapping[str, object]) -> dict[str, object]:
    if a == b:
        return dict(a)
    merged: dict[str, object] = {}
    for key in sorted(a.keys() | b.keys()):
        merged[key] = max((m[key] for m in (a, b) if key in m), key=json_bytes.canonical)
    return merged
