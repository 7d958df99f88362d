"""The queue at a glance: how many jobs are where, who works on them, how fast, and what lately happened.

All functions look only, and are to be called while the store reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from bridge.api.job_detail import JobDetail, detail_of
from bridge.api.views import JobView, Status, line_json
from bridge.core import text
from bridge.core.job import Job, State, from_iso
from bridge.core.jsonable import to_json
from bridge.format import json_bytes
from bridge.format.code_cells import strange_cells
from bridge.format.raw_cell import RawCell, cells_of
from bridge.store import activity, query
from bridge.store.activity import Claim, HandedOver, Refusal
from bridge.store.journal_reader import JournalReader
from bridge.store.query import Filter, JobLine
from bridge.store.review_state import ReviewState
from bridge.store.second_copies import held_back
from bridge.wiring import Opened
from bridge.worker.heartbeat import Heartbeat, has_died, read_heartbeats
from bridge.worker.leases import ALIVE_S

#: Answers that the pace is taken from, and how far back, in seconds.
_PACE_JOBS, _PACE_S = 50, 600.0
#: Entries of each list of an overview.
_RECENT = 20
#: Of a prompt, in a list.
_FIRST_CHARS = 120


@dataclass(frozen=True, kw_only=True)
class Running:
    """A job in a lane."""

    job: str
    seconds: float | None  #: since it was begun; None: the worker does not say


@dataclass(frozen=True, kw_only=True)
class WorkerLine:
    """A worker that shows signs of life."""

    name: str
    engine: str  #: "" if it has no heartbeat here
    model: str
    lanes: int
    running: tuple[Running, ...]
    held: int  #: jobs that it has claimed, those that run included
    beat_s: float | None  #: age of its heartbeat, by the worker's own clock; None: it has none here
    outage: str = ""  #: why its engine answers nothing; empty: it does, as far as is known

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do."""
        return not (self.running or self.held)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A job that was given up, and why."""

    job: str
    at: datetime | None
    caller: str | None
    error: str


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What `bridge top` shows."""

    at: datetime
    status: Status  #: of the whole queue
    counts: Mapping[State, int]  #: of the caller that was asked for, or of all
    workers: tuple[WorkerLine, ...]
    tokens_per_s: float | None  #: of all lanes together, over the last ten minutes; None: no answer in that time
    jobs: tuple[JobLine, ...]  #: the newest that match
    handed_over: tuple[HandedOver, ...]  #: newest first
    failures: tuple[Failure, ...]  #: newest first
    refusals: tuple[Refusal, ...]
    failed: tuple[str, ...]  #: every job that was given up and matches
    queued: tuple[str, ...]  #: every job that waits and matches
    callers: tuple[str, ...]
    words: Mapping[str, str] = field(default_factory=dict)  #: {job of `jobs`: the first words of its prompt}
    detail: JobDetail | None = None  #: of the job that was asked for, else of the first of `jobs`

    def to_json(self) -> dict[str, object]:
        """One object of JSON types: what `bridge top --json` prints."""
        shown = [field.name for field in fields(self) if field.name not in ("words", "detail")]
        facts = {name: to_json(getattr(self, name)) for name in shown}
        return {**facts, "status": self.status.to_json(), "jobs": [line_json(line) for line in self.jobs]}


def status(opened: Opened, reader: JournalReader) -> Status:
    """The queue at a glance."""
    now = opened.store.clock.now()
    return _status(opened, reader, now, workers(opened, reader, now))


def overview(
    opened: Opened, reader: JournalReader, wanted: Filter, view: Callable[[str], JobView], *, job: str | None = None
) -> Overview:
    """The queue with all that goes on in it; `wanted` narrows the lists to states and a caller, `job` names one to tell more of."""
    now, caller = opened.store.clock.now(), wanted.caller
    working = workers(opened, reader, now)
    states = wanted.states
    failed = activity.failed(reader, caller) if states in (None, [State.FAILED]) else []
    queued = activity.queued(reader, now, caller) if states in (None, [State.QUEUED]) else []
    whole = _status(opened, reader, now, working)
    listed = query.lines(reader, Filter(states=states, caller=caller, limit=_RECENT, newest=True), now)
    views = {line.id: view(line.id) for line in listed}
    told = views.get(job or "") or next(iter(views.values()), None)
    return Overview(
        at=now,
        status=whole,
        counts=whole.counts if caller is None else query.counts(reader, now, caller),
        workers=tuple(working),
        tokens_per_s=_pace(map(view, activity.answered(reader, _PACE_JOBS, caller)), now),
        jobs=tuple(listed),
        words={name: text.flat(each.prompt, _FIRST_CHARS) for name, each in views.items()},
        detail=detail_of(told) if told else None,
        handed_over=tuple(activity.handed_over(reader, _RECENT, caller)),
        failures=tuple(_failure(view(job)) for job in failed[:_RECENT]),
        refusals=tuple(activity.refusals(reader, _RECENT, caller)),
        failed=tuple(failed),
        queued=tuple(queued),
        callers=tuple(activity.callers(reader)),
    )


def workers(opened: Opened, reader: JournalReader, now: datetime) -> list[WorkerLine]:
    """The workers that show signs of life, by name.

    A heartbeat younger than `leases.ALIVE_S` is one, and so is a lease that holds, unless the worker is of this machine and
    has died. A machine whose clock is off by minutes is judged wrongly by its heartbeat, and rightly by its leases.
    """
    claims: dict[str, list[Claim]] = {}
    for claim in activity.claims(reader, now):
        claims.setdefault(claim.worker, []).append(claim)
    ages = {beat.worker: (beat, _age_s(beat, now)) for beat in read_heartbeats(opened.store.transport)}
    beats = {name: (beat, age) for name, (beat, age) in ages.items() if age is not None and age < ALIVE_S}
    alive = sorted(name for name in {*claims, *beats} if not has_died(name, opened.home / "workers"))
    return [_worker(name, claims.get(name, []), beats.get(name)) for name in alive]


def handling_times(known: ReviewState | None, job: Job) -> tuple[datetime | None, datetime | None, str | None]:
    """(checked, delivered, to whom) of a job: as the journal knows, else as its archive notebook says."""
    if known is not None:
        return known.checked_at, known.delivered_at, known.delivered_to
    checked, delivered = (_moment(job.outcome.get(name)) for name in ("checked_at", "delivered_at"))
    to = job.outcome.get("delivered_to")
    return checked, delivered, str(to) if to else None


def _status(opened: Opened, reader: JournalReader, now: datetime, working: list[WorkerLine]) -> Status:
    counts = query.counts(reader, now)
    oldest = query.oldest_queued(reader)
    pace = query.seconds_per_job(reader)
    lanes = sum(worker.lanes for worker in working)
    open_jobs = counts[State.QUEUED] + counts[State.RUNNING]
    return Status(
        path=opened.shown,
        queue_id=reader.queue_id,
        parts=len(reader.places("part")),
        archives=len(reader.places("archive")),
        counts=counts,
        oldest_queued_s=(now - oldest).total_seconds() if oldest else None,
        new_cells=reader.unadopted(opened.store.transport.location),
        workers=len(working),
        idle=sum(worker.idle for worker in working),
        lanes=lanes,
        eta_s=open_jobs * pace / lanes if pace is not None and open_jobs and lanes else None,
        doubted=tuple(reader.doubted()),
        problems=tuple(query.problems(reader)),
        unsigned=query.count_unsigned(reader, keys) if (keys := opened.store.keys.ids) else 0,
        strange_cells=tuple(_strange_cells(opened, reader)),
        outages=tuple((worker.name, worker.outage) for worker in working if worker.outage),
        copies_stay=held_back(reader, now),
    )


def _strange_cells(opened: Opened, reader: JournalReader) -> Iterator[str]:
    """Code cells of the notebooks that are neither prompts nor ours; a file is read only if it has cells that the journal has not."""
    transport = opened.store.transport
    for place in reader.places("part"):
        seen = reader.seen(f"{transport.location}/{place.name}")
        raws: Iterable[RawCell] = (note.raw for note in reader.notes(place.id))
        if seen is not None and seen.loose > seen.loose_jobs and (read := transport.read(place.name)) is not None:
            with suppress(ValueError):
                raws = cells_of(json_bytes.loads(read[0]))
        yield from (f"{place.name}, {cell}" for cell in strange_cells(raws))


def _worker(name: str, claims: list[Claim], known: tuple[Heartbeat, float] | None) -> WorkerLine:
    if known is None:  # its lane count is not known here: what it holds may wait in its line
        return WorkerLine(name=name, engine="", model="", lanes=1, running=(), held=len(claims), beat_s=None)
    beat, age_s = known
    since = {job: seconds + age_s for job, seconds in beat.running_s.items()}
    return WorkerLine(
        name=name,
        engine=beat.engine,
        model=beat.model,
        lanes=max(1, beat.lanes),
        running=tuple(Running(job=job, seconds=since.get(job)) for job in beat.running),
        held=len({claim.job for claim in claims} | set(beat.running)),
        beat_s=age_s,
        outage=beat.outage,
    )


def _age_s(beat: Heartbeat, now: datetime) -> float | None:
    moment = _moment(beat.at)
    return max(0.0, (now - moment).total_seconds()) if moment else None


def _moment(told: object) -> datetime | None:
    try:
        return from_iso(str(told)) if told else None
    except ValueError:
        return None


def _pace(views: Iterable[JobView], now: datetime) -> float | None:
    """Tokens a second of all answers of the last minutes together, from when the first of them was begun."""
    tokens, began = 0, now
    for view in views:
        result = view.result
        if result is None or not result.usage.get("completion_tokens"):
            continue
        seconds = float(result.timing_s.get("total", 0.0))
        if (now - result.finished_at).total_seconds() > _PACE_S:
            break  # newest first
        tokens += result.usage["completion_tokens"]
        began = min(began, result.finished_at - timedelta(seconds=seconds))
    spent = (now - began).total_seconds()
    return tokens / spent if tokens and spent > 0 else None


def _failure(view: JobView) -> Failure:
    at = view.result.finished_at if view.result else None
    return Failure(job=view.id, at=at, caller=view.line.caller, error=view.error or "")
