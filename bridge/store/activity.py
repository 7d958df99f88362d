"""What goes on in a queue and lately went on: claims, answers, hand-overs, failures, from the journal's columns.

Where a caller is given, only that caller's jobs count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.job import from_iso, to_iso
from bridge.store.journal_reader import JournalReader


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that a worker holds at this moment: in a lane, or next in its line."""

    job: str
    worker: str
    attempt: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """A job whose result went to its caller."""

    job: str
    at: datetime
    to: str  #: the way out: wait, outbox, exec, webhook, apply
    verdict: str | None  #: None: it failed
    caller: str | None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A way out that did not take a result yet; it is tried again."""

    job: str
    channel: str
    tries: int
    error: str


def claims(reader: JournalReader, now: datetime, caller: str | None = None) -> list[Claim]:
    """The claims that hold at this moment, by worker."""
    rows = reader.db.execute(
        "SELECT id, lease_worker, lease_attempt, lease_until FROM cell"
        " WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state = 'queued' AND lease_until > :now ORDER BY lease_worker, id",
        {"caller": caller, "now": to_iso(now)},
    )
    return [
        Claim(
            job=row["id"], worker=row["lease_worker"], attempt=row["lease_attempt"] or 0,
            until=from_iso(row["lease_until"]),
        )
        for row in rows
    ]  # fmt: skip


def handed_over(reader: JournalReader, limit: int, caller: str | None = None) -> list[HandedOver]:
    """The last hand-overs, newest first."""
    rows = reader.db.execute(
        "SELECT job, delivered_at, delivered_to, verdict, caller"
        " FROM handling JOIN cell ON cell.id = job AND cell.answer = handling.answer"
        " WHERE delivered_at IS NOT NULL AND cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) ORDER BY delivered_at DESC, job LIMIT :limit",
        {"caller": caller, "limit": limit},
    )
    return [
        HandedOver(
            job=row["job"], at=from_iso(row["delivered_at"]), to=row["delivered_to"] or "",
            verdict=row["verdict"], caller=row["caller"],
        )
        for row in rows
    ]  # fmt: skip


def refusals(reader: JournalReader, limit: int, caller: str | None = None) -> list[Refusal]:
    """The results that a way out did not take yet, those tried most often first."""
    rows = reader.db.execute(
        "SELECT job, channel, tries, error FROM delivery JOIN cell ON cell.id = job AND cell.answer = delivery.answer"
        " WHERE done_at IS NULL AND error IS NOT NULL AND cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) ORDER BY tries DESC, job LIMIT :limit",
        {"caller": caller, "limit": limit},
    )
    return [Refusal(**row) for row in rows]


def answered(reader: JournalReader, limit: int, caller: str | None = None) -> list[str]:
    """The jobs that were answered last, newest first."""
    rows = reader.db.execute(
        "SELECT id FROM cell WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state IN ('succeeded', 'truncated') AND finished_at IS NOT NULL"
        " ORDER BY finished_at DESC LIMIT :limit",
        {"caller": caller, "limit": limit},
    )
    return [row["id"] for row in rows]


def failed(reader: JournalReader, caller: str | None = None) -> list[str]:
    """The jobs in the notebooks that were given up, handed over or not, newest first."""
    rows = reader.db.execute(
        "SELECT cell.id FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state = 'failed' ORDER BY finished_at DESC, cell.id",
        {"caller": caller},
    )
    return [row["id"] for row in rows]


def queued(reader: JournalReader, now: datetime, caller: str | None = None) -> list[str]:
    """The jobs in the notebooks that wait and that no worker holds, oldest first."""
    rows = reader.db.execute(
        "SELECT cell.id FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state = 'queued' AND (lease_until IS NULL OR lease_until <= :now)"
        " ORDER BY created_at, position",
        {"caller": caller, "now": to_iso(now)},
    )
    return [row["id"] for row in rows]


def callers(reader: JournalReader) -> list[str]:
    """Everybody who has jobs in the queue's notebooks, by name."""
    rows = reader.db.execute(
        "SELECT DISTINCT caller FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND caller IS NOT NULL ORDER BY caller"
    )
    return [row["caller"] for row in rows]
