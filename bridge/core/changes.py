"""What a command does to one job: pure, and each says in which states it is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bridge.core.chat import FinishReason
from bridge.core.errors import WrongState
from bridge.core.job import Cancellation, Job, Result, ResultStatus, State
from bridge.kernel import grammar

#: What `bridge archive` may take: nothing that somebody still waits for.
ARCHIVABLE = frozenset(
    {State.SUCCEEDED, State.TRUNCATED, State.FAILED, State.CANCELLED, State.CHECKED, State.DELIVERED}
)
_OPEN = frozenset({State.QUEUED, State.RUNNING, State.BROKEN})


def cancel(job: Job, state: State, *, at: datetime, by: str) -> Job:
    """Take a job back. Raises WrongState if it is finished; cancelling twice changes nothing."""
    if state is State.CANCELLED:
        return job
    if state not in _OPEN:
        raise WrongState(f"job {job.id} is {state.value} already: there is nothing left to cancel")
    return job.evolve(cancelled=Cancellation(attempt_floor=job.attempt_floor, at=at, by=by))


def retry(job: Job, state: State) -> Job:
    """Put a job back into the queue: what it has so far does not count any more, and is kept. Raises WrongState."""
    if state in _OPEN:
        raise WrongState(f"job {job.id} is {state.value}: it waits for its answer already")
    return job.evolve(
        attempt_floor=max(job.attempt_floor, job.next_attempt() - 1) + (job.next_attempt() - 1 == job.attempt_floor),
        outcome={},
    )


def answer(job: Job, state: State, text: str, *, at: datetime, by: str) -> Job:
    """Give a job an answer that a person brought from elsewhere: a result like any other, engine `manual`.

    Raises:
        WrongState: the job has an answer, or its header cannot be read.
    """
    if state not in _OPEN - {State.BROKEN} | {State.FAILED, State.CANCELLED}:
        raise WrongState(f"job {job.id} is {state.value}: `bridge retry {job.id}` first, if it needs another answer")
    if not text.strip():
        raise WrongState(f"the answer for job {job.id} is empty: nothing was changed")
    result = Result(
        job=job.id,
        attempt=job.next_attempt(),
        status=ResultStatus.SUCCEEDED,
        finished_at=at,
        prompt_sha256=grammar.prompt_sha256(job.spec.body),
        worker={"id": by, "engine": "manual"},
        answer=text,
        finish_reason=FinishReason.STOP,
    )
    return job.evolve(results=(*job.results, result))


def archived(job: Job, state: State, *, at: str, known: Mapping[str, object]) -> Job:
    """The job as it goes into an archive notebook, with what the local side knows of it."""
    return job.evolve(outcome={**job.outcome, **known, "archived_at": at, "state": state.value})
