"""Looking into the queue: which jobs there are and how they stand, from the journal's columns, without parsing cells."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.core.job import State, from_iso, to_iso
from bridge.format import json_bytes
from bridge.store.journal_reader import JournalReader

#: The state as a caller sees it: the cell's own, a lease that still holds, and what the local side knows. A failure has no
#: verdict, so it stays a failure when its caller has it. A round of repair is checked and handed over with the job that it repairs.
_STATE = """CASE
    WHEN place.kind = 'archive' THEN 'archived'
    WHEN verdict IS NOT NULL AND delivered_at IS NOT NULL THEN 'delivered'
    WHEN verdict IS NOT NULL THEN 'checked'
    WHEN parent IS NOT NULL AND state IN ('succeeded', 'truncated') THEN coalesce((
        SELECT iif(theirs.delivered_at IS NULL, 'checked', 'delivered') FROM cell AS original
        JOIN handling AS theirs ON theirs.job = original.id AND theirs.answer = original.answer
        WHERE original.kind = 'job' AND original.id = cell.parent AND theirs.verdict IS NOT NULL), state)
    WHEN state = 'queued' AND lease_until > :now THEN 'running'
    ELSE state END"""
_JOINED = (
    " LEFT JOIN place ON place.id = cell.place"
    " LEFT JOIN handling ON handling.job = cell.id AND handling.answer = cell.answer WHERE cell.kind = 'job'"
)
#: All jobs, read from the index: SQLite would choose another, and with it read every prompt and answer.
_FROM = "FROM cell INDEXED BY cell_state" + _JOINED
#: Jobs that are looked up by id.
_FROM_IDS = "FROM cell" + _JOINED

#: The values of a JSON list.
_GIVEN = "SELECT value FROM json_each(?)"


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """A job in a list."""

    id: str
    state: State
    part: int | None  #: None: in no notebook any more
    archive: str | None  #: the archive notebook that it is in
    caller: str | None
    batch: str | None
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
    checked_at: datetime | None = None  #: when its result was checked, or its failure written down
    signer: str | None = None  #: id of the key that its answer names as its signature's; None: it is not signed
    delivered_at: datetime | None = None  #: when its caller got the result, or the error


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which jobs; None means any."""

    states: Sequence[State] | None = None
    caller: str | None = None
    batch: str | None = None
    parent: str | None = None
    ids: Sequence[str] | None = None
    family: Sequence[str] | None = None  #: these jobs, and their rounds of repair
    handed_over: bool = False  #: only those in the notebooks that their caller has
    id_prefix: str | None = None
    original: bool = False  #: no rounds of repair
    limit: int | None = None
    newest: bool = False  #: newest first


def counts(
    reader: JournalReader, now: datetime, caller: str | None = None, *, original: bool = False
) -> dict[State, int]:
    """How many jobs, of a caller or of all, are in each state. `original`: without rounds of repair."""
    rows = reader.db.execute(
        f"SELECT {_STATE} AS now_state, count(*) AS jobs {_FROM} AND (:caller IS NULL OR caller = :caller)"
        " AND NOT (:original AND parent IS NOT NULL) GROUP BY 1",
        {"now": to_iso(now), "caller": caller, "original": original},
    )
    found = {State(row["now_state"]): int(row["jobs"]) for row in rows}
    return {state: found.get(state, 0) for state in State}


def oldest_queued(reader: JournalReader) -> datetime | None:
    """When the job that waits longest was created."""
    row = reader.db.execute(
        "SELECT min(created_at) AS oldest FROM cell WHERE kind = 'job' AND state = 'queued' AND place > 0"
    ).fetchone()
    return from_iso(row["oldest"]) if row["oldest"] else None


def seconds_per_job(reader: JournalReader, last: int = 50) -> float | None:
    """The mean time of the last answers; None if there are none that say."""
    row = reader.db.execute(
        "SELECT avg(seconds) AS mean FROM (SELECT seconds FROM cell WHERE seconds IS NOT NULL ORDER BY finished_at DESC LIMIT ?)",
        (last,),
    ).fetchone()
    return float(row["mean"]) if row["mean"] is not None else None


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
    lease_until: datetime | None  #: at most a day after the claim was first seen here


def waiting(reader: JournalReader, limit: int = 2_000) -> list[WaitingJob]:
    """The jobs in the notebooks that wait for an answer, claimed or not: higher priority first, then older first."""
    rows = reader.db.execute(
        "SELECT cell.id, model, priority, created_at, position, lease_worker, lease_attempt, lease_until FROM cell"
        " JOIN place ON place.id = cell.place AND place.kind = 'part'"
        " WHERE cell.kind = 'job' AND state = 'queued' ORDER BY priority DESC, created_at, position LIMIT ?",
        (limit,),
    )
    return [
        WaitingJob(
            id=row["id"], model=row["model"], priority=row["priority"] or 0, created_at=_moment(row["created_at"]),
            position=row["position"], lease_worker=row["lease_worker"], lease_attempt=row["lease_attempt"] or 0, lease_until=_moment(row["lease_until"]),
        )
        for row in rows
    ]  # fmt: skip


def claimed(reader: JournalReader, worker: str) -> set[str]:
    """The jobs without an answer that a worker holds."""
    rows = reader.db.execute(
        "SELECT id FROM cell WHERE kind = 'job' AND state = 'queued' AND place > 0 AND lease_worker = ?", (worker,)
    )
    return {row["id"] for row in rows}


def cancelled(reader: JournalReader, jobs: Collection[str]) -> list[str]:
    """Those of some jobs that were cancelled."""
    rows = reader.db.execute(
        f"SELECT id FROM cell WHERE kind = 'job' AND state = 'cancelled' AND id IN ({_GIVEN})",  # noqa: S608  # constants
        (json_bytes.dumps([*jobs]).decode(),),
    )
    return [row["id"] for row in rows]


def count_waiting(reader: JournalReader) -> int:
    """How many jobs in the notebooks have no answer yet."""
    row = reader.db.execute(
        "SELECT count(*) AS jobs FROM cell WHERE kind = 'job' AND state = 'queued' AND place > 0"
    ).fetchone()
    return int(row["jobs"])


def count_handed_over(reader: JournalReader) -> int:
    """How many jobs, archived ones too, are known to be with their caller."""
    row = reader.db.execute(f"SELECT count(*) AS jobs {_FROM} AND delivered_at IS NOT NULL").fetchone()
    return int(row["jobs"])


def count_unsigned(reader: JournalReader, keys: Collection[str]) -> int:
    """How many answers in the notebooks none of these keys signed."""
    rows = reader.db.execute(
        "SELECT signer, count(*) AS jobs FROM cell INDEXED BY cell_state"
        " WHERE kind = 'job' AND answer IS NOT NULL AND place > 0 GROUP BY signer"
    )
    return sum(int(row["jobs"]) for row in rows if row["signer"] not in keys)


def problems(reader: JournalReader, limit: int = 20) -> list[tuple[str, str]]:
    """Jobs whose cell says something that is not believed, with the reason."""
    rows = reader.db.execute(
        "SELECT id, problem FROM cell WHERE problem IS NOT NULL AND place > 0 ORDER BY id LIMIT ?", (limit,)
    )
    return [(row["id"], row["problem"]) for row in rows]


def lines(reader: JournalReader, wanted: Filter, now: datetime) -> list[JobLine]:
    """The jobs that a filter takes, oldest first."""
    columns = (
        f"cell.id, {_STATE} AS now_state, place.number, place.kind, place.name, caller, batch, key, model, lang, priority,"
        " parent, created_at, finished_at, seconds, problem, signer, verdict, checked_at, delivered_at"
    )
    return [_line(row) for row in reader.db.execute(*_select(columns, wanted, now))]


def ids(reader: JournalReader, wanted: Filter, now: datetime) -> list[str]:
    """The ids of the jobs that a filter takes, oldest first: what a command keeps in memory that reads all jobs in turn."""
    return [row["id"] for row in reader.db.execute(*_select("cell.id", wanted, now))]


def _select(columns: str, wanted: Filter, now: datetime) -> tuple[str, dict[str, object]]:
    """The statement that gives columns of the jobs that a filter takes, and its values."""
    values: dict[str, object] = {"now": to_iso(now)}
    clauses = []
    for name, tested, given in (
        ("states", f"{_STATE} IN ({_GIVEN})", wanted.states),
        ("ids", f"cell.id IN ({_GIVEN})", wanted.ids),
        ("family", f"(cell.id IN ({_GIVEN}) OR parent IN ({_GIVEN}))", wanted.family),
    ):
        if given is not None:  # as one value: SQLite counts those of a statement, and the ids may be all of a queue
            clauses.append(tested.replace("?", f":{name}"))
            values[name] = json_bytes.dumps([getattr(item, "value", item) for item in given]).decode()
    for column, given in (("caller", wanted.caller), ("batch", wanted.batch), ("parent", wanted.parent)):
        if given is not None:
            clauses.append(f"{column} = :{column}")
            values[column] = given
    if wanted.handed_over:
        clauses.append("delivered_at IS NOT NULL AND place.kind = 'part'")
    if wanted.original:
        clauses.append("parent IS NULL")
    if wanted.id_prefix is not None:
        clauses.append("cell.id >= :prefix AND cell.id < :prefix || '~'")
        values["prefix"] = wanted.id_prefix
    where = "".join(f" AND {clause}" for clause in clauses)
    by_index = (wanted.ids, wanted.family, wanted.id_prefix, wanted.parent, wanted.batch)
    source = _FROM_IDS if any(given is not None for given in by_index) else _FROM
    order = f" ORDER BY created_at{' DESC' if wanted.newest else ''}, position{' DESC' if wanted.newest else ''}"
    if wanted.limit is not None:  # which they are is known from the index; the rows of those alone are read
        some = f"SELECT cell.place, cell.id {source}{where}{order} LIMIT {int(wanted.limit)}"
        source, where = _FROM_IDS, f" AND (cell.place, cell.id) IN ({some})"
    return f"SELECT {columns} {source}{where}{order}", values


def _line(row: sqlite3.Row) -> JobLine:
    return JobLine(
        id=row["id"],
        state=State(row["now_state"]),
        part=row["number"] if row["kind"] == "part" else None,
        archive=row["name"] if row["kind"] == "archive" else None,
        caller=row["caller"],
        batch=row["batch"],
        key=row["key"],
        model=row["model"],
        lang=row["lang"],
        priority=row["priority"] or 0,
        parent=row["parent"],
        created_at=_moment(row["created_at"]),
        finished_at=_moment(row["finished_at"]),
        seconds=row["seconds"],
        problem=row["problem"],
        signer=row["signer"],
        verdict=row["verdict"],
        checked_at=_moment(row["checked_at"]),
        delivered_at=_moment(row["delivered_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return from_iso(text) if text else None
