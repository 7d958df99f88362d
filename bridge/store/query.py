"""Looking into the queue: which jobs there are and how they stand, from the journal's columns, without parsing cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.core.errors import AmbiguousJob, UnknownJob
from bridge.core.job import State, from_iso, to_iso
from bridge.store.journal import Journal

#: The state as a caller sees it: the cell's own, a lease that still holds, and what the local side knows.
_STATE = """CASE
    WHEN place.kind = 'archive' THEN 'archived'
    WHEN handling.delivered_at IS NOT NULL THEN 'delivered'
    WHEN handling.checked_at IS NOT NULL AND verdict IS NOT NULL THEN 'checked'
    WHEN state = 'queued' AND lease_until > :now THEN 'running'
    ELSE state END"""
_FROM = (
    "FROM cell LEFT JOIN place ON place.id = cell.place"
    " LEFT JOIN handling ON handling.job = cell.id AND handling.answer = cell.answer WHERE cell.kind = 'job'"
)


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """A job in a list."""

    id: str
    state: State
    part: int | None  #: None: in no notebook any more
    archive: str | None  #: the archive notebook that it is in
    caller: str | None
    key: str | None
    model: str | None
    lang: str | None
    priority: int
    parent: str | None
    created_at: datetime | None
    finished_at: datetime | None
    seconds: float | None  #: that the answer took
    problem: str | None
    verdict: str | None = None  #: what checking said; None: not checked


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which jobs; None means any."""

    states: Sequence[State] | None = None
    caller: str | None = None
    parent: str | None = None
    ids: Sequence[str] | None = None
    limit: int | None = None
    newest: bool = False  #: newest first


def counts(journal: Journal, now: datetime, caller: str | None = None) -> dict[State, int]:
    """How many jobs, of a caller or of all, are in each state."""
    rows = journal.db.execute(
        f"SELECT {_STATE} AS s, count(*) {_FROM} AND (:caller IS NULL OR caller = :caller) GROUP BY s",
        {"now": to_iso(now), "caller": caller},
    )
    found = {State(row[0]): int(row[1]) for row in rows}
    return {state: found.get(state, 0) for state in State}


def oldest_queued(journal: Journal) -> datetime | None:
    """When the job that waits longest was created."""
    row = journal.db.execute(
        "SELECT min(created_at) FROM cell WHERE kind = 'job' AND state = 'queued' AND place > 0"
    ).fetchone()
    return from_iso(row[0]) if row[0] else None


def seconds_per_job(journal: Journal, last: int = 50) -> float | None:
    """The mean time of the last answers; None if there are none that say."""
    row = journal.db.execute(
        "SELECT avg(seconds) FROM (SELECT seconds FROM cell WHERE seconds IS NOT NULL ORDER BY finished_at DESC LIMIT ?)",
        (last,),
    ).fetchone()
    return float(row[0]) if row[0] is not None else None


@dataclass(frozen=True, kw_only=True)
class WaitingJob:
    """A job that has no answer yet, and the claim on it, if there is one."""

    id: str
    model: str | None
    priority: int
    created_at: datetime | None
    position: str
    lease_worker: str | None
    lease_attempt: int


def waiting(journal: Journal, limit: int = 2_000) -> list[WaitingJob]:
    """The jobs in the notebooks that wait for an answer, claimed or not: higher priority first, then older first."""
    rows = journal.db.execute(
        "SELECT cell.id, model, priority, created_at, position, lease_worker, lease_attempt FROM cell"
        " JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND state = 'queued' ORDER BY priority DESC, created_at, position LIMIT ?",
        (limit,),
    )
    return [
        WaitingJob(
            id=row[0], model=row[1], priority=row[2] or 0, created_at=from_iso(row[3]) if row[3] else None,
            position=row[4], lease_worker=row[5], lease_attempt=row[6] or 0,
        )
        for row in rows
    ]  # fmt: skip


def claimed(journal: Journal, worker: str) -> set[str]:
    """The jobs without an answer that a worker holds."""
    rows = journal.db.execute(
        "SELECT id FROM cell WHERE kind = 'job' AND state = 'queued' AND place > 0 AND lease_worker = ?", (worker,)
    )
    return {row[0] for row in rows}


def count_waiting(journal: Journal) -> int:
    """How many jobs in the notebooks have no answer yet."""
    row = journal.db.execute(
        "SELECT count(*) FROM cell WHERE kind = 'job' AND state = 'queued' AND place > 0"
    ).fetchone()
    return int(row[0])


def problems(journal: Journal, limit: int = 20) -> list[tuple[str, str]]:
    """Jobs whose cell says something that is not believed, with the reason."""
    rows = journal.db.execute(
        "SELECT id, problem FROM cell WHERE problem IS NOT NULL AND place > 0 ORDER BY id LIMIT ?", (limit,)
    )
    return [(str(row[0]), str(row[1])) for row in rows]


def lines(journal: Journal, wanted: Filter, now: datetime) -> list[JobLine]:
    """The jobs that a filter takes, oldest first."""
    values: dict[str, object] = {"now": to_iso(now)}
    clauses = []
    for name, column, given in (("s", _STATE, wanted.states), ("i", "cell.id", wanted.ids)):
        if given is not None:
            items = {f"{name}{n}": getattr(item, "value", item) for n, item in enumerate(given)}
            clauses.append(f"{column} IN ({','.join(':' + key for key in items)})")
            values |= items
    for column, given in (("caller", wanted.caller), ("parent", wanted.parent)):
        if given is not None:
            clauses.append(f"{column} = :{column}")
            values[column] = given
    where = "".join(f" AND {clause}" for clause in clauses)
    limit = f" LIMIT {int(wanted.limit)}" if wanted.limit is not None else ""
    down = " DESC" if wanted.newest else ""
    rows = journal.db.execute(
        f"SELECT cell.id, {_STATE}, place.number, place.kind, place.name, caller, key, model, lang, priority, parent,"
        f" created_at, finished_at, seconds, problem, verdict {_FROM}{where} ORDER BY created_at{down}, position{down}{limit}",
        values,
    )
    return [_line(row) for row in rows]


def find(journal: Journal, prefix: str) -> str:
    """The id of the one job that starts so, in upper or lower case. Raises UnknownJob, AmbiguousJob."""
    start = prefix.strip().upper()
    rows = journal.db.execute(
        "SELECT id FROM cell WHERE kind = 'job' AND id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT 6", (start,)
    )
    ids = [row[0] for row in rows]
    if start in ids:
        return start
    if not ids or not start:
        raise UnknownJob(prefix)
    if len(ids) > 1:
        raise AmbiguousJob(prefix, ids)
    return str(ids[0])


def _line(row: Sequence[object]) -> JobLine:
    archived = row[3] == "archive"
    facts: Mapping[str, object] = dict(zip(("caller", "key", "model", "lang"), row[5:9], strict=True))
    return JobLine(
        id=str(row[0]),
        state=State(row[1]),
        part=int(str(row[2])) if row[3] == "part" else None,
        archive=str(row[4]) if archived else None,
        **facts,  # type: ignore[arg-type]  # columns of text, as the table declares
        priority=int(str(row[9] or 0)),
        parent=row[10],  # type: ignore[arg-type]
        created_at=from_iso(str(row[11])) if row[11] else None,
        finished_at=from_iso(str(row[12])) if row[12] else None,
        seconds=row[13],  # type: ignore[arg-type]
        problem=row[14],  # type: ignore[arg-type]
        verdict=row[15],  # type: ignore[arg-type]
    )
