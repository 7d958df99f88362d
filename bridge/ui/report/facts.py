"""What a report tells of jobs, as one value: `bridge report --json` prints it, and the page is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.api.views import JobView
from bridge.checking.values import Diagnostic, Quality
from bridge.core.job import Attempt, ResultStatus, State
from bridge.core.jsonable import to_json
from bridge.delivery.payload import HandedFile


@dataclass(frozen=True, kw_only=True)
class AttemptFacts:
    """One try at a job."""

    attempt: int
    worker: str
    status: str
    finished_at: datetime
    error: str | None
    late: bool


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """One job with all that came of it. Texts are as they came: nothing is escaped or cut here."""

    id: str
    state: str
    key: str | None
    caller: str | None
    lang: str | None
    out: str | None
    parent: str | None  #: the job that this one repairs or continues
    round: int
    model: str | None  #: that answered
    engine: str | None
    worker: str | None
    prompt: str
    answer: str | None  #: of the best version
    error: str | None
    finish_reason: str | None
    signature: str | None  #: signed, unsigned, unknown key; None: no answer, or this machine has no key of the queue
    verdict: str | None  #: clean, errors, incomplete, unchecked, no_code; None: not checked
    level: str | None
    files: Sequence[HandedFile]  #: a file's `status` is None if nobody checked it
    diagnostics: Sequence[Diagnostic]
    quality: Sequence[Quality]
    notes: Sequence[str]
    rounds: int  #: how often the model was asked again
    stop: str | None
    repaired: bool
    attempts: Sequence[AttemptFacts]
    created_at: datetime | None
    answered_at: datetime | None
    checked_at: datetime | None
    delivered_at: datetime | None
    delivered_to: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float | None  #: that the answer took
    tokens_per_s: float | None
    tries: int  #: attempts that began, the one that counts included
    outcome: (
        str  #: the verdict if it was checked, else `failed`, `round` (of repair) or the state; what it is counted as
    )


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How long something took, over jobs; seconds."""

    jobs: int
    median_s: float
    p90_s: float
    most_s: float


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What one model or worker did."""

    name: str
    jobs: int
    completion_tokens: int
    seconds: float  #: of answering, all lanes added up
    tokens_per_s: float | None  #: of one lane, in the mean


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A queue or a batch, told."""

    queue: str
    queue_id: str
    at: datetime
    chosen: str  #: which jobs, in words
    states: Mapping[str, int]
    outcomes: Mapping[str, int]  #: of `JobFacts.outcome`
    verdicts: Mapping[str, int]  #: of the jobs that were checked
    quality: Mapping[str, int]  #: signal: jobs that have it
    diagnostics: Mapping[str, int]  #: blocking, other
    prompt_tokens: int
    completion_tokens: int
    attempts: int
    tried_again: int  #: jobs with more than one attempt
    repair_rounds: int
    repaired: int
    until_answered: Spread | None  #: from the moment it was queued
    until_checked: Spread | None  #: from the answer
    until_delivered: Spread | None  #: from the check
    answering: Spread | None  #: the engine's own time
    began_at: datetime | None  #: the first job was queued
    ended_at: datetime | None  #: the last answer came
    models: Sequence[Pace]
    workers: Sequence[Pace]
    jobs: Sequence[JobFacts]  #: none where they are told one by one (page.py)

    def to_json(self) -> dict[str, object]:
        """One object of JSON types; documented in docs/report.md."""
        value = to_json(self)
        assert isinstance(value, dict)  # narrows the type
        return value


def facts_of(view: JobView) -> JobFacts:
    """What a report tells of one job. Pure."""
    spec, result, told = view.job.spec, view.result, view.handover()
    usage, timing = (result.usage, result.timing_s) if result else ({}, {})
    seconds = view.line.seconds
    tokens = usage.get("completion_tokens")
    generating = timing.get("answer") or seconds
    archived = view.job.outcome.get("verdict")  # an archive of another machine says it
    verdict = view.verdict or (archived if isinstance(archived, str) else None)
    failed = result is not None and result.status is ResultStatus.FAILED
    tried = {a.attempt for a in view.job.attempts} | ({result.attempt} if result else set())
    return JobFacts(
        id=view.id,
        state=view.state.value,
        key=spec.key,
        caller=spec.caller,
        lang=spec.options.lang,
        out=spec.options.out,
        parent=spec.parent,
        round=spec.round or 0,
        model=result.model if result else None,
        engine=str(result.worker.get("engine")) if result and result.worker.get("engine") else None,
        worker=result.worker_id if result else None,
        prompt=view.prompt,
        answer=told.answer,
        error=view.error,
        finish_reason=result.finish_reason if result else None,
        signature=view.signature,
        verdict=verdict,
        level=told.level.value if told.level else None,
        files=view.files,
        diagnostics=told.diagnostics,
        quality=told.quality,
        notes=told.notes,
        rounds=told.rounds,
        stop=told.stop.value if told.stop else None,
        repaired=told.repaired,
        attempts=[_attempt(attempt) for attempt in view.job.attempts],
        created_at=spec.created_at,
        answered_at=result.finished_at if result else None,
        checked_at=view.checked_at if verdict else None,
        delivered_at=view.delivered_at,
        delivered_to=view.delivered_to,
        prompt_tokens=usage.get("prompt_tokens"),
        completion_tokens=tokens,
        seconds=seconds,
        tokens_per_s=tokens / generating if tokens and generating else None,
        tries=len(tried),
        outcome=str(verdict) if verdict else _unchecked(view, failed=failed),
    )  # fmt: skip


def _attempt(made: Attempt) -> AttemptFacts:
    return AttemptFacts(
        attempt=made.attempt, worker=made.worker, status=made.status.value, finished_at=made.finished_at,
        error=made.error, late=made.late,
    )  # fmt: skip


def _unchecked(view: JobView, *, failed: bool) -> str:
    """What a job without a verdict counts as."""
    if failed:
        return "failed"
    if view.job.spec.parent and view.state in (State.SUCCEEDED, State.TRUNCATED, State.CHECKED, State.DELIVERED):
        return "round"  # it is checked with the job that it mends
    return view.state.value
