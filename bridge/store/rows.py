"""The journal's rows as values and back; which columns a cell's row has is said here only (keep in sync with tables.py)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from bridge.core.job import Result, State, to_iso
from bridge.format import json_bytes, result_record
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
    extras: Mapping[str, object]
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


#: What `read_cell` takes; by place, because names would double its cost.
SELECT_CELL = "SELECT id, kind, position, dots, raw"
#: What `read_notebook_row` and `read_file_version` take.
SELECT_NOTEBOOK = "SELECT id, kind, number, name, own, context, extras, rev FROM place"
SELECT_FILE_VERSION = "SELECT place, hash, size, mtime_ns, inode, ctime_ns, rev, loose, loose_jobs FROM seen"
_CELL_COLUMNS = (
    "id", "place", "kind", "position", "dots", "raw", "size", "state", "lease_until", "lease_worker", "lease_attempt",
    "caller", "key", "model", "lang", "priority", "parent", "created_at", "finished_at", "seconds", "answer", "problem", "signer", "batch",
)  # fmt: skip
PUT_CELL = f"INSERT OR REPLACE INTO cell ({', '.join(_CELL_COLUMNS)}) VALUES (:{', :'.join(_CELL_COLUMNS)})"  # noqa: S608  # constants
PUT_RESULT = "INSERT OR IGNORE INTO result (job, digest, output, seen_at) VALUES (:job, :digest, :output, :seen_at)"
PUT_FILE_VERSION = """INSERT OR REPLACE INTO seen (path, place, hash, size, mtime_ns, inode, ctime_ns, rev, loose, loose_jobs)
    VALUES (:path, :place, :hash, :size, :mtime_ns, :inode, :ctime_ns, :rev, :loose, :loose_jobs)"""


def cell_row(place: int, cell: Cell) -> dict[str, object]:
    """The row of a cell, for `PUT_CELL`."""
    raw = cell.data
    row: dict[str, object] = dict.fromkeys(_CELL_COLUMNS)
    row |= {
        "id": cell.id, "place": place, "kind": cell.kind.value, "position": cell.position,
        "dots": json_bytes.dumps(without_unseen(cell.dots)).decode(), "raw": raw, "size": len(raw),
    }  # fmt: skip
    if cell.kind is CellKind.NOTE:
        return row
    job, spec = cell.job, cell.job.spec
    best = job.best(spec.body_sha256)
    state = job.state(best, _NEVER)
    row |= {
        "state": state.value, "caller": spec.caller, "key": spec.key, "model": spec.options.model,
        "lang": spec.options.lang, "priority": spec.options.priority, "parent": spec.parent, "batch": spec.batch,
        "created_at": to_iso(spec.created_at) if spec.created_at else None, "problem": spec.unreadable,
    }  # fmt: skip
    lease = job.lease
    if state is State.QUEUED:
        row["size"] = len(raw) + ANSWER_RESERVE
        if lease and not lease.released and lease.attempt > job.attempt_floor:
            row |= {
                "lease_until": to_iso(lease.expires_at), "lease_worker": lease.worker, "lease_attempt": lease.attempt,
            }  # fmt: skip
    if best is not None:
        row |= {
            "model": best.model or spec.options.model, "finished_at": to_iso(best.finished_at),
            "seconds": best.timing_s.get("total"), "answer": answer_tag(best),
            "signer": best.signature.partition(":")[0] if best.signature else None,
        }  # fmt: skip
    elif not spec.unreadable:
        _, problems = result_record.read_results(cell.raw, job.id)
        row["problem"] = problems[0] if problems else None
    return row


def answer_tag(result: Result) -> str:
    """A short name for a result, by attempt and content: another answer has another one."""
    return f"{result.attempt}:{result.status.value}:{grammar.text_sha256(result.answer)[:24]}"


def result_row(job: str, result: Result, now: datetime) -> dict[str, object]:
    """The row of a result, for `PUT_RESULT`."""
    output = json_bytes.dumps(result_record.write_output(result, footer=False))
    return {"job": job, "digest": content_hash(output), "output": output, "seen_at": to_iso(now)}


def read_cell(row: sqlite3.Row) -> Cell:
    """The cell in a row that begins with the columns of `SELECT_CELL`."""
    element, kind, position, dots, raw, *_ = row
    return Cell.stored(element, _KINDS[kind], position, dots, raw)


def read_notebook_row(row: sqlite3.Row) -> NotebookRow:
    """The notebook in a row of `SELECT_NOTEBOOK`."""
    return NotebookRow(
        id=row["id"], kind=row["kind"], number=row["number"], name=row["name"], own=bool(row["own"]),
        context=json_bytes.loads(row["context"].encode()), extras=json_bytes.loads(row["extras"].encode()),
        rev=row["rev"],
    )  # fmt: skip


def file_version_row(path: str, seen: FileVersion) -> dict[str, object]:
    """The row of a seen file, for `PUT_FILE_VERSION`."""
    return {**vars(seen), **vars(seen.stamp), "path": path}


def read_file_version(row: sqlite3.Row) -> FileVersion:
    """The seen file in a row of `SELECT_FILE_VERSION`."""
    stamp = Stamp(size=row["size"], mtime_ns=row["mtime_ns"], inode=row["inode"], ctime_ns=row["ctime_ns"])
    return FileVersion(
        place=row["place"], hash=row["hash"], stamp=stamp, rev=row["rev"],
        loose=row["loose"], loose_jobs=row["loose_jobs"],
    )  # fmt: skip
