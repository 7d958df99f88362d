"""What the local side knows of a finished job: its verdict, the answer that goes out, and to whom it went.

It belongs to one answer: `retry`, or a better result, makes another one, which is checked and handed over anew. A double,
another answer of the same attempt that is as good, is checked when it comes to count, but not handed over after the first
one was. All of it lives in the journal, and goes into the cell only when that moves to the archive.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.job import Job, from_iso, to_iso
from bridge.core.states import ANSWERED, Move, State, sources
from bridge.format import codec, json_bytes
from bridge.store.journal import Journal
from bridge.store.journal_reader import JournalReader
from bridge.store.rows import answer_tag

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
    #: What the caller gets, as JSON; delivery/payload.py writes and reads it. None: lost with an older journal.
    payload: Mapping[str, object] | None
    restored: bool = False  #: known from an archive or an outbox only: no channel sends it again


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One way out of one answer."""

    job: str
    answer: str
    channel: str
    done_at: datetime | None = None
    tries: int = 0
    next_at: datetime | None = None
    error: str | None = None


def due(reader: JournalReader) -> list[Due]:
    """The jobs whose answer nobody has checked, oldest first. Rounds of repair are part of the job that they repair.

    That a job is a round is not believed because its cell says so: its id must be that of a conversation of its parent.
    """
    rows = reader.db.execute(
        "SELECT cell.id, cell.answer, cell.key, parent FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"  # noqa: S608  # our own words
        " LEFT JOIN handling ON job = cell.id AND handling.answer = cell.answer"
        " WHERE cell.kind = 'job' AND cell.answer IS NOT NULL AND job IS NULL"
        f" AND state IN ({_sql(ANSWERED)}) ORDER BY finished_at, cell.id"
    )
    return [Due(job=row["id"], answer=row["answer"]) for row in rows if not _is_round(reader.queue_id, row)]


def round_key(purpose: str, due: Due, number: int) -> str:
    """The key of the job that asks about an answer again."""
    return f"{purpose}:{due.job}:{due.answer}:{number}"


def _is_round(queue_id: str, row: sqlite3.Row) -> bool:
    key, parent = row["key"], row["parent"]
    if key is None or parent is None or codec.keyed_id(queue_id, key) != row["id"]:
        return False
    return bool(parent == key.partition(":")[2].partition(":")[0])


def record(
    journal: Journal, what: Due, *, verdict: str | None, level: str | None, payload: Mapping[str, object], now: datetime
) -> bool:
    """Write down how checking ended; False if somebody else did before, and theirs stands."""
    done = journal.db.execute(
        "INSERT OR IGNORE INTO handling (job, answer, verdict, level, checked_at, payload) VALUES (?, ?, ?, ?, ?, ?)",
        (what.job, what.answer, verdict, level, to_iso(now), json_bytes.dumps(dict(payload))),
    )
    if done.rowcount == 1:
        _passes_for_delivered(journal, what)
        if known := journal.cell(what.job):
            journal.put(known[1], [known[0]], now=now)  # the verdict below its answer
    return done.rowcount == 1


def restore(
    journal: Journal,
    job: Job,
    known: Mapping[str, object],
    *,
    payload: Mapping[str, object] | None = None,
    to: str | None = None,
) -> bool:
    """Take over what a file shows of a job's check and hand-over, where nothing is known of the answer that counts.

    Args:
        journal: to write it down in.
        job: with the result that it is about.
        known: verdict, level, checked_at, delivered_at and delivered_to, as `facts` gives them; read from a file, so
            what is no such value counts as not said.
        payload: what the caller got, if the file tells.
        to: on which way it was handed over, if `known` does not say.

    Returns:
        Whether it was news. Nothing is taken over unless it says when the answer was checked.
    """
    best = job.best(job.spec.body_sha256)
    checked = _moment_of(known.get("checked_at"))
    if best is None or checked is None:
        return False
    words = {name: _word(known.get(name)) for name in ("verdict", "level", "delivered_to")}
    done = journal.db.execute(
        "INSERT OR IGNORE INTO handling (job, answer, verdict, level, checked_at, delivered_at, delivered_to, payload, restored)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
        (
            job.id, answer_tag(best), words["verdict"], words["level"], checked, _moment_of(known.get("delivered_at")),
            words["delivered_to"] or to, json_bytes.dumps(dict(payload)) if payload is not None else None,
        ),
    )  # fmt: skip
    return done.rowcount == 1


def _sql(states: Iterable[State]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value.isidentifier() and len(value) < 30 else None


def _moment_of(value: object) -> str | None:
    try:
        return to_iso(from_iso(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def has_double(reader: JournalReader, what: Due) -> bool:
    """Whether another answer of the same attempt, as good as this one, was handed over already."""
    return _double(reader, what) is not None


def _double(reader: JournalReader, what: Due) -> sqlite3.Row | None:
    row: sqlite3.Row | None = reader.db.execute(
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
        (double["delivered_at"], double["delivered_to"], what.job, what.answer),
    )
    journal.db.execute(
        "INSERT OR IGNORE INTO delivery (job, answer, channel, done_at, tries)"
        " SELECT job, ?, channel, done_at, tries FROM delivery"
        " WHERE job = ? AND answer = ? AND done_at IS NOT NULL",
        (what.answer, what.job, double["answer"]),
    )


def get(reader: JournalReader, job: str) -> ReviewState | None:
    """How far the answer has come that counts now; None if it is not checked."""
    row = reader.db.execute(
        "SELECT job, handling.answer, verdict, level, checked_at, delivered_at, delivered_to, payload, restored FROM handling"
        " JOIN cell ON cell.id = job AND cell.kind = 'job' AND cell.answer = handling.answer WHERE job = ?",
        (job,),
    ).fetchone()
    if row is None:
        return None
    return ReviewState(
        job=row["job"], answer=row["answer"], verdict=row["verdict"], level=row["level"],
        checked_at=from_iso(row["checked_at"]),
        delivered_at=from_iso(row["delivered_at"]) if row["delivered_at"] else None, delivered_to=row["delivered_to"],
        payload=json_bytes.loads(row["payload"]) if row["payload"] is not None else None, restored=bool(row["restored"]),
    )  # fmt: skip


def is_delivered(reader: JournalReader, job: str) -> bool:
    """Whether a job's caller has its present answer."""
    known = get(reader, job)
    return known is not None and known.delivered_at is not None


def deliver(journal: Journal, job: str, *, to: str, now: datetime) -> bool:
    """The caller has it; False if it had it before (the first hand-over stays on record)."""
    done = journal.db.execute(
        "UPDATE handling SET delivered_at = ?, delivered_to = ? WHERE job = ? AND delivered_at IS NULL AND answer ="
        " (SELECT answer FROM cell WHERE id = ?3 AND kind = 'job')",
        (to_iso(now), to, job),
    )
    return done.rowcount == 1


def outgoing(reader: JournalReader, channel: str, now: datetime) -> list[str]:
    """Checked jobs that a channel has not delivered yet and whose next try is due, oldest first."""
    rows = reader.db.execute(
        "SELECT h.job FROM handling h JOIN cell ON cell.id = h.job AND cell.kind = 'job' AND cell.answer = h.answer"
        " LEFT JOIN delivery d ON d.job = h.job AND d.answer = h.answer AND d.channel = ?"
        " WHERE NOT h.restored AND d.done_at IS NULL AND (d.next_at IS NULL OR d.next_at <= ?) ORDER BY h.checked_at, h.job",
        (channel, to_iso(now)),
    )
    return [row["job"] for row in rows]


def delivery(reader: JournalReader, what: ReviewState, channel: str) -> Delivery:
    """How far one channel has come with one answer."""
    row = reader.db.execute(
        "SELECT done_at, tries, next_at, error FROM delivery WHERE job = ? AND answer = ? AND channel = ?",
        (what.job, what.answer, channel),
    ).fetchone()
    if row is None:
        return Delivery(job=what.job, answer=what.answer, channel=channel)
    return Delivery(
        job=what.job, answer=what.answer, channel=channel, done_at=from_iso(row["done_at"]) if row["done_at"] else None,
        tries=row["tries"], next_at=from_iso(row["next_at"]) if row["next_at"] else None, error=row["error"],
    )  # fmt: skip


def put_delivery(journal: Journal, state: Delivery) -> None:
    """Write down how far a channel has come."""
    journal.db.execute(
        "INSERT OR REPLACE INTO delivery (job, answer, channel, done_at, tries, next_at, error) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            state.job, state.answer, state.channel, to_iso(state.done_at) if state.done_at else None,
            state.tries, to_iso(state.next_at) if state.next_at else None, state.error,
        ),
    )  # fmt: skip


def delivered_before(reader: JournalReader, moment: datetime) -> list[str]:
    """Jobs in the notebooks that were handed over before a moment, with the finished rounds that belong to them."""
    rows = reader.db.execute(
        "WITH done AS (SELECT cell.id FROM handling h JOIN cell ON cell.id = h.job AND cell.kind = 'job'"  # noqa: S608  # our own words
        "   AND cell.answer = h.answer JOIN place ON place.id = cell.place AND place.kind = 'part'"
        "   WHERE h.delivered_at <= ?)"
        " SELECT id FROM done UNION SELECT cell.id FROM cell JOIN done ON cell.parent = done.id"
        "   JOIN place ON place.id = cell.place AND place.kind = 'part'"
        f" WHERE state IN ({_sql(sources(Move.ARCHIVE))}) ORDER BY 1",
        (to_iso(moment),),
    )
    return [row["id"] for row in rows]


def facts(reader: JournalReader, job: str) -> dict[str, object]:
    """What goes into the archive of it."""
    known = get(reader, job)
    if known is None:
        return {}
    found = {
        "checked_at": to_iso(known.checked_at),
        "verdict": known.verdict,
        "level": known.level,
        "delivered_at": to_iso(known.delivered_at) if known.delivered_at else None,
        "delivered_to": known.delivered_to,
        "repaired": (known.payload or {}).get("repaired"),
    }
    return {name: value for name, value in found.items() if value is not None}


def applied(reader: JournalReader, path: str) -> str | None:
    """The SHA-256 of what `bridge apply` last wrote to a path."""
    row = reader.db.execute("SELECT sha256 FROM applied WHERE path = ?", (path,)).fetchone()
    return str(row["sha256"]) if row else None


def note_applied(journal: Journal, path: str, sha256: str, job: str, now: datetime) -> None:
    """Remember what `bridge apply` wrote."""
    journal.db.execute(
        "INSERT OR REPLACE INTO applied (path, sha256, job, at) VALUES (?, ?, ?, ?)", (path, sha256, job, to_iso(now))
    )
