"""What the local side knows of a finished job: its verdict, the answer that goes out, and to whom it went.

It belongs to one answer: `retry`, or a better result, makes another one, which is checked and handed over anew. A double,
another answer of the same attempt that is as good, is checked when it comes to count, but not handed over after the first
one was. All of it lives in the journal, and goes into the cell only when that moves to the archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.core.job import from_iso, to_iso
from bridge.format import json_bytes
from bridge.store.journal import Journal

#: In SQL: attempt and status in the column `answer` (see rows.answer_tag), which doubles share.
_TRY = "substr({0}, 1, length({0}) - 24)"


@dataclass(frozen=True, kw_only=True)
class Due:
    """A finished job that is not checked yet, or not to its end."""

    job: str
    answer: str  #: names the result that counts (see rows.answer_tag)


@dataclass(frozen=True, kw_only=True)
class ReviewState:
    """How far a job's answer has come."""

    job: str
    answer: str
    verdict: str | None  #: None: there was nothing to check, because the job failed
    level: str | None
    checked_at: datetime
    delivered_at: datetime | None
    delivered_to: str | None
    payload: Mapping[str, Any]  #: what the caller gets, as JSON; delivery/payload.py writes and reads it


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One way out of one answer."""

    job: str
    answer: str
    channel: str
    done_at: datetime | None
    tries: int
    next_at: datetime | None
    error: str | None


def due(journal: Journal) -> list[Due]:
    """The jobs whose answer nobody has checked, oldest first. Rounds of repair are part of the job that they repair."""
    rows = journal.db.execute(
        "SELECT cell.id, cell.answer FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " LEFT JOIN handling ON job = cell.id AND handling.answer = cell.answer"
        " WHERE cell.kind = 'job' AND cell.answer IS NOT NULL AND parent IS NULL AND job IS NULL"
        " AND state IN ('succeeded', 'truncated', 'failed') ORDER BY finished_at, cell.id"
    )
    return [Due(job=row[0], answer=row[1]) for row in rows]


def record(
    journal: Journal, what: Due, *, verdict: str | None, level: str | None, payload: Mapping[str, Any], now: datetime
) -> bool:
    """Write down how checking ended; False if somebody else did before, and theirs stands."""
    done = journal.db.execute(
        "INSERT OR IGNORE INTO handling (job, answer, verdict, level, checked_at, payload) VALUES (?, ?, ?, ?, ?, ?)",
        (what.job, what.answer, verdict, level, to_iso(now), json_bytes.dumps(dict(payload))),
    )
    if done.rowcount == 1:
        _passes_for_delivered(journal, what)
    return done.rowcount == 1


def has_double(journal: Journal, what: Due) -> bool:
    """Whether another answer of the same attempt, as good as this one, was handed over already."""
    return _double(journal, what) is not None


def _double(journal: Journal, what: Due) -> tuple[str, str, str] | None:
    row: tuple[str, str, str] | None = journal.db.execute(
        f"SELECT answer, delivered_at, delivered_to FROM handling WHERE job = ?1 AND answer <> ?2"  # noqa: S608  # a constant
        f" AND delivered_at IS NOT NULL AND {_TRY.format('answer')} = {_TRY.format('?2')} ORDER BY delivered_at",
        (what.job, what.answer),
    ).fetchone()
    return row


def _passes_for_delivered(journal: Journal, what: Due) -> None:
    """If a double of this answer was handed over, so is this one: the caller has one result."""
    double = _double(journal, what)
    if double is None:
        return
    journal.db.execute(
        "UPDATE handling SET delivered_at = ?, delivered_to = ? WHERE job = ? AND answer = ?",
        (double[1], double[2], what.job, what.answer),
    )
    journal.db.execute(
        "INSERT OR IGNORE INTO delivery SELECT job, ?, channel, done_at, tries, NULL, NULL FROM delivery"
        " WHERE job = ? AND answer = ? AND done_at IS NOT NULL",
        (what.answer, what.job, double[0]),
    )


def get(journal: Journal, job: str) -> ReviewState | None:
    """How far the answer has come that counts now; None if it is not checked."""
    row = journal.db.execute(
        "SELECT job, handling.answer, verdict, level, checked_at, delivered_at, delivered_to, payload FROM handling"
        " JOIN cell ON cell.id = job AND cell.kind = 'job' AND cell.answer = handling.answer WHERE job = ?",
        (job,),
    ).fetchone()
    if row is None:
        return None
    return ReviewState(
        job=row[0], answer=row[1], verdict=row[2], level=row[3], checked_at=from_iso(row[4]),
        delivered_at=from_iso(row[5]) if row[5] else None, delivered_to=row[6], payload=json_bytes.loads(row[7]),
    )  # fmt: skip


def deliver(journal: Journal, job: str, *, to: str, now: datetime) -> bool:
    """The caller has it; False if it had it before (the first hand-over stays on record)."""
    done = journal.db.execute(
        "UPDATE handling SET delivered_at = ?, delivered_to = ? WHERE job = ? AND delivered_at IS NULL AND answer ="
        " (SELECT answer FROM cell WHERE id = ?3 AND kind = 'job')",
        (to_iso(now), to, job),
    )
    return done.rowcount == 1


def outgoing(journal: Journal, channel: str, now: datetime) -> list[str]:
    """Checked jobs that a channel has not delivered yet and whose next try is due, oldest first."""
    rows = journal.db.execute(
        "SELECT h.job FROM handling h JOIN cell ON cell.id = h.job AND cell.kind = 'job' AND cell.answer = h.answer"
        " LEFT JOIN delivery d ON d.job = h.job AND d.answer = h.answer AND d.channel = ?"
        " WHERE d.done_at IS NULL AND (d.next_at IS NULL OR d.next_at <= ?) ORDER BY h.checked_at, h.job",
        (channel, to_iso(now)),
    )
    return [row[0] for row in rows]


def delivery(journal: Journal, what: ReviewState, channel: str) -> Delivery:
    """How far one channel has come with one answer."""
    row = journal.db.execute(
        "SELECT done_at, tries, next_at, error FROM delivery WHERE job = ? AND answer = ? AND channel = ?",
        (what.job, what.answer, channel),
    ).fetchone() or (None, 0, None, None)
    return Delivery(
        job=what.job, answer=what.answer, channel=channel, done_at=from_iso(row[0]) if row[0] else None,
        tries=row[1], next_at=from_iso(row[2]) if row[2] else None, error=row[3],
    )  # fmt: skip


def put_delivery(journal: Journal, state: Delivery) -> None:
    """Write down how far a channel has come."""
    journal.db.execute(
        "INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            state.job, state.answer, state.channel, to_iso(state.done_at) if state.done_at else None,
            state.tries, to_iso(state.next_at) if state.next_at else None, state.error,
        ),
    )  # fmt: skip


def delivered_before(journal: Journal, moment: datetime) -> list[str]:
    """Jobs in the notebooks that were handed over before a moment, with the finished rounds that belong to them."""
    rows = journal.db.execute(
        "WITH done AS (SELECT cell.id FROM handling h JOIN cell ON cell.id = h.job AND cell.kind = 'job'"
        "   AND cell.answer = h.answer JOIN place ON place.id = cell.place AND place.kind = 'part'"
        "   WHERE h.delivered_at <= ?)"
        " SELECT id FROM done UNION SELECT cell.id FROM cell JOIN done ON cell.parent = done.id"
        "   JOIN place ON place.id = cell.place AND place.kind = 'part' WHERE state NOT IN ('queued', 'broken') ORDER BY 1",
        (to_iso(moment),),
    )
    return [row[0] for row in rows]


def facts(journal: Journal, job: str) -> dict[str, Any]:
    """What goes into the archive of it."""
    known = get(journal, job)
    if known is None:
        return {}
    found = {
        "checked_at": to_iso(known.checked_at),
        "verdict": known.verdict,
        "level": known.level,
        "delivered_at": to_iso(known.delivered_at) if known.delivered_at else None,
        "delivered_to": known.delivered_to,
        "repaired": known.payload.get("repaired"),
    }
    return {name: value for name, value in found.items() if value is not None}


def applied(journal: Journal, path: str) -> str | None:
    """The SHA-256 of what `bridge apply` last wrote to a path."""
    row = journal.db.execute("SELECT sha256 FROM applied WHERE path = ?", (path,)).fetchone()
    return str(row[0]) if row else None


def note_applied(journal: Journal, path: str, sha256: str, job: str, now: datetime) -> None:
    """Remember what `bridge apply` wrote."""
    journal.db.execute("INSERT OR REPLACE INTO applied VALUES (?, ?, ?, ?)", (path, sha256, job, to_iso(now)))
