"""What a command or a worker does to one job: pure, and refused where the table of edges has no such move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from bridge.core.chat import FinishReason
from bridge.core.errors import AnswerRefused
from bridge.core.job import Cancellation, Job, JobForm, Lease, Result, ResultStatus, Spec
from bridge.core.options import LONGEST_ANSWER, Options
from bridge.core.states import Move, State, require
from bridge.core.text import plain


def cancel(job: Job, state: State, *, at: datetime, by: str) -> Job:
    """Take a job back. Raises WrongState if it is finished; cancelling twice changes nothing."""
    if state is State.CANCELLED:
        return job
    require(Move.CANCEL, job.id, state)
    return job.evolve(cancelled=Cancellation(attempt_floor=job.attempt_floor, at=at, by=plain(by)))


def retry(job: Job, state: State, options: Mapping[str, object] = MappingProxyType({})) -> Job:
    """Put a job back into the queue: what it has so far does not count any more, and is kept.

    `options`: those that are to be other ones now. Raises WrongState, BadOption.
    """
    require(Move.RETRY, job.id, state)
    return with_options(job, options).evolve(
        attempt_floor=max(job.attempt_floor, job.next_attempt() - 1) + (job.next_attempt() - 1 == job.attempt_floor),
        outcome={},
    )


def with_options(job: Job, options: Mapping[str, object]) -> Job:
    """The job with some of its options changed, as an edit. Raises BadOption."""
    return edited(job, replace(job.spec, options=Options.of({**job.spec.options.given(), **options})))


def edited(job: Job, spec: Spec) -> Job:
    """The job with another specification; the same one is no edit."""
    return job if spec == job.spec else job.evolve(spec=spec, edit=job.edit + 1)


def edit(job: Job, state: State, *, body: str, form: JobForm, options: Mapping[str, object]) -> Job:
    """Another prompt or other options for a job that waits, or that has an answer to the old ones, which counts no more.

    Raises:
        WrongState: it is archived, cancelled or cannot be read.
        BadOption: an option cannot have this value.
    """
    require(Move.EDIT, job.id, state)
    new = with_options(job, options)
    return edited(new, replace(new.spec, body=body, form=form)).evolve(edit=max(job.edit + 1, new.edit))


def answer(
    job: Job,
    state: State,
    text: str,
    *,
    at: datetime,
    by: str,
    sign: Callable[[Result], Result] = lambda result: result,
) -> Job:
    """Give a job an answer that a person brought from elsewhere: a result like any other, engine `manual`, signed by `sign`.

    Raises:
        WrongState: the job has an answer, or its header cannot be read.
        AnswerRefused: it is empty, longer than an engine's may be, or no UTF-8 file can hold it.
    """
    require(Move.ANSWER, job.id, state)
    _check_answer(job.id, text)
    result = Result(
        job=job.id,
        attempt=job.next_attempt(),
        status=ResultStatus.SUCCEEDED,
        finished_at=at,
        prompt_sha256=job.spec.body_sha256,
        worker={"id": by, "engine": "manual"},
        answer=text,
        finish_reason=FinishReason.STOP,
    )
    return job.evolve(results=(*job.results, sign(result)))


def _check_answer(job: str, text: str) -> None:
    if not text.strip():
        raise AnswerRefused(f"the answer for job {job} is empty: nothing was changed")
    if len(text) > LONGEST_ANSWER:
        raise AnswerRefused(
            f"the answer for job {job} has {len(text):,} characters, {LONGEST_ANSWER:,} are the limit: nothing was changed; "
            "give the part that counts"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise AnswerRefused(
            f"character {error.start + 1} of the answer for job {job} is a lone surrogate, which no UTF-8 file can hold: "
            "nothing was changed"
        ) from None


def claimed(job: Job, state: State, lease: Lease) -> Job:
    """The job with a worker's claim on it. Raises WrongState."""
    require(Move.CLAIM, job.id, state)
    return job.evolve(lease=lease)


def archived(job: Job, state: State, *, at: str, known: Mapping[str, object]) -> Job:
    """The job as it goes into an archive notebook, with what the local side knows of it. Raises WrongState."""
    require(Move.ARCHIVE, job.id, state)
    return job.evolve(outcome={**job.outcome, **known, "archived_at": at, "state": state.value})
