"""What goes on in a queue and lately went on: claims, answers, hand-overs, failures, from the journal's columns.

Where a caller is given, only that caller's jobs count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.job import from_iso, to_iso
from bridge.store.journal import Journal


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


def claims(journal: Journal, now: datetime, caller: str | None = None) -> list[Claim]:
    """The claims that hold at this moment, by worker."""
    rows = journal.db.execute(
        "SELECT id, lease_worker, lease_attempt, lease_until FROM cell"
        " WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state = 'queued' AND lease_until > :now ORDER BY lease_worker, id",
        {"caller": caller, "now": to_iso(now)},
    )
    return [Claim(job=row[0], worker=row[1], attempt=row[2] or 0, until=from_iso(row[3])) for row in rows]


def handed_over(journal: Journal, limit: int, caller: str | None = None) -> list[HandedOver]:
    """The last hand-overs, newest first."""
    rows = journal.db.execute(
        "SELECT job, delivered_at, delivered_to, verdict, caller"
        " FROM handling JOIN cell ON cell.id = job AND cell.answer = handling.answer"
        " WHERE delivered_at IS NOT NULL AND cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) ORDER BY delivered_at DESC, job LIMIT :limit",
        {"caller": caller, "limit": limit},
    )
    return [HandedOver(job=row[0], at=from_iso(row[1]), to=row[2] or "", verdict=row[3], caller=row[4]) for row in rows]


def refusals(journal: Journal, limit: int, caller: str | None = None) -> list[Refusal]:
    """The results that a way out did not take yet, those tried most often first."""
    rows = journal.db.execute(
        "SELECT job, channel, tries, error FROM delivery JOIN cell ON cell.id = job AND cell.answer = delivery.answer"
        " WHERE done_at IS NULL AND error IS NOT NULL AND cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) ORDER BY tries DESC, job LIMIT :limit",
        {"caller": caller, "limit": limit},
    )
    return [Refusal(job=row[0], channel=row[1], tries=row[2], error=row[3]) for row in rows]


def answered(journal: Journal, limit: int, caller: str | None = None) -> list[str]:
    """The jobs that were answered last, newest first."""
    rows = journal.db.execute(
        "SELECT id FROM cell WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state IN ('succeeded', 'truncated') AND finished_at IS NOT NULL"
        " ORDER BY finished_at DESC LIMIT :limit",
        {"caller": caller, "limit": limit},
    )
    return [row[0] for row in rows]


def failed(journal: Journal, caller: str | None = None) -> list[str]:
    """The jobs in the notebooks that were given up, handed over or not, newest first."""
    rows = journal.db.execute(
        "SELECT cell.id FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state = 'failed' ORDER BY finished_at DESC, cell.id",
        {"caller": caller},
    )
    return [row[0] for row in rows]


def queued(journal: Journal, now: datetime, caller: str | None = None) -> list[str]:
    """The jobs in the notebooks that wait and that no worker holds, oldest first."""
    rows = journal.db.execute(
        "SELECT cell.id FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND (:caller IS NULL OR caller = :caller) AND state = 'queued' AND (lease_until IS NULL OR lease_until <= :now)"
        " ORDER BY created_at, position",
        {"caller": caller, "now": to_iso(now)},
    )
    return [row[0] for row in rows]


def callers(journal: Journal) -> list[str]:
    """Everybody who has jobs in the queue's notebooks, by name."""
    rows = journal.db.execute(
        "SELECT DISTINCT caller FROM cell JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND caller IS NOT NULL ORDER BY caller"
    )
    return [row[0] for row in rows]
