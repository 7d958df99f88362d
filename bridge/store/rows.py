"""The journal's rows as values and back; which columns a cell's row has is said here only (keep in sync with tables.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from bridge.core.job import Result, State, to_iso
from bridge.format import json_bytes, prompt_cell
from bridge.format.cell import Cell, CellKind
from bridge.format.raw_cell import without_unseen
from bridge.kernel import grammar
from bridge.transports.base import Stamp

#: Bytes that an answer is expected to take in its cell, twice over as Markdown and plain text, until it is there.
ANSWER_RESERVE = 8_000
#: The place of what is in no notebook any more.
NOWHERE = 0
_KINDS = {kind.value: kind for kind in CellKind}
#: No lease holds at this moment.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class NotebookRow:
    """A notebook that the journal knows."""

    id: int
    kind: str  #: part | archive
    number: int
    name: str
    own: bool
    context: Mapping[str, int]
    extras: Mapping[str, Any]
    rev: int


@dataclass(frozen=True, kw_only=True)
class FileVersion:
    """What was last seen of a file."""

    place: int
    hash: str
    stamp: Stamp
    rev: int  #: of its place, that it shows; 0: older than all
    loose: int = 0  #: cells that were not adopted
    loose_jobs: int = 0  #: prompts among them


def content_hash(data: bytes) -> str:
    """A hash of a file's bytes, to know a version by."""
    return blake2b(data, digest_size=16).hexdigest()


#: Columns of a place and of a seen file, as `read_place` and `read_seen` take them.
SELECT_NOTEBOOK = "SELECT id, kind, number, name, own, context, extras, rev FROM place"
SELECT_FILE_VERSION = "SELECT place, hash, size, mtime_ns, inode, ctime_ns, rev, loose, loose_jobs FROM seen"
PUT_CELL = """INSERT OR REPLACE INTO cell (id, place, kind, position, dots, raw, size, state, lease_until, lease_worker, lease_attempt, caller, key, model,
    lang, priority, parent, created_at, finished_at, seconds, answer, problem)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def cell_row(place: int, cell: Cell) -> tuple[object, ...]:
    """The row of a cell, in the order of `PUT`."""
    raw = cell.data
    dots = json_bytes.dumps(without_unseen(cell.dots)).decode()
    if cell.kind is CellKind.NOTE:
        return (cell.id, place, "note", cell.position, dots, raw, len(raw), *[None] * 15)
    job, spec = cell.job, cell.job.spec
    best = job.best(grammar.prompt_sha256(spec.body))
    state = job.state(best, _NEVER)
    open_ = state is State.QUEUED
    lease = (
        job.lease if job.lease and open_ and not job.lease.released and job.lease.attempt > job.attempt_floor else None
    )
    _, problems = ([], []) if best else prompt_cell.read_results(cell.raw, job.id)
    return (
        cell.id, place, "job", cell.position, dots, raw, len(raw) + (ANSWER_RESERVE if open_ else 0),
        state.value, *((to_iso(lease.expires_at), lease.worker, lease.attempt) if lease else (None, None, None)),
        spec.caller, spec.key, best.model if best else spec.options.model, spec.options.lang, spec.options.priority,
        spec.parent, to_iso(spec.created_at) if spec.created_at else None,
        to_iso(best.finished_at) if best else None, best.timing_s.get("total") if best else None,
        answer_tag(best) if best else None,
        spec.broken or (problems[0] if problems else None),
    )  # fmt: skip


def answer_tag(result: Result) -> str:
    """A short name for a result, by attempt and content: another answer has another one."""
    return f"{result.attempt}:{result.status.value}:{grammar.text_sha256(result.answer)[:24]}"


def result_row(job: str, result: Result, now: datetime) -> tuple[str, str, bytes, str]:
    """The row of a result."""
    output = json_bytes.dumps(prompt_cell.write_output(result))
    return (job, content_hash(output), output, to_iso(now))


def read_cell(row: tuple[Any, ...]) -> Cell:
    """The cell in the columns id, kind, position, dots, raw."""
    return Cell(
        id=row[0],
        kind=_KINDS[row[1]],
        position=row[2],
        dots=json_bytes.loads(row[3].encode()),
        raw=row[4],
    )


def read_notebook_row(row: tuple[Any, ...]) -> NotebookRow:
    """The place in the columns of `PLACE`."""
    return NotebookRow(
        id=row[0], kind=row[1], number=row[2], name=row[3], own=bool(row[4]),
        context=json_bytes.loads(row[5].encode()), extras=json_bytes.loads(row[6].encode()), rev=row[7],
    )  # fmt: skip


def file_version_row(path: str, seen: FileVersion) -> tuple[object, ...]:
    """The row of a seen file."""
    stamp = seen.stamp
    return (
        path, seen.place, seen.hash, stamp.size, stamp.mtime_ns, stamp.inode, stamp.ctime_ns,
        seen.rev, seen.loose, seen.loose_jobs,
    )  # fmt: skip


def read_file_version(row: tuple[Any, ...]) -> FileVersion:
    """The seen file in the columns of `SEEN`."""
    stamp = Stamp(size=row[2], mtime_ns=row[3], inode=row[4], ctime_ns=row[5])
    return FileVersion(place=row[0], hash=row[1], stamp=stamp, rev=row[6], loose=row[7], loose_jobs=row[8])
