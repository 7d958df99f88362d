"""What a worker writes about jobs: claims, results, failures, and claims given back. All through the store."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bridge.core import changes
from bridge.core.chat import FinishReason
from bridge.core.errors import EngineError
from bridge.core.job import Attempt, Job, Lease, Result, ResultStatus
from bridge.core.text import plain
from bridge.engines.base import Answer
from bridge.engines.retry import rule_for
from bridge.format import fields, limits, merge
from bridge.format.other_metadata import other_metadata
from bridge.kernel import grammar
from bridge.store import query
from bridge.store.rows import NOWHERE
from bridge.store.store import Store
from bridge.worker.leases import Leases
from bridge.worker.scheduler import Candidate, choose


@dataclass(frozen=True, kw_only=True)
class ClaimedJob:
    """A job that this worker holds."""

    job: Job
    attempt: int
    claimed_at: datetime

    @property
    def prompt_sha256(self) -> str:
        """Of the prompt as it was when the job was claimed."""
        return self.job.spec.body_sha256


@dataclass(frozen=True, kw_only=True)
class Claims:
    """One worker's way to the queue."""

    store: Store
    leases: Leases
    worker: str
    #: Facts for a record: engine, engine_version, where.
    about: Callable[[], dict[str, object]]
    model_of: Callable[[str | None], str]  #: the model of a job that asks for this one
    max_attempts: int
    patience: timedelta
    #: {model: when a job of it was last taken, or first seen waiting}; only models that jobs wait for.
    _served: dict[str, datetime] = field(default_factory=dict)

    def claim(self, room: int, *, loaded: str | None, held: frozenset[str], now_s: float) -> list[ClaimedJob]:
        """Take up to `room` jobs; in the journal at once, in the notebook with the next publishing."""
        if room < 1:
            return []

        def decide() -> list[ClaimedJob]:
            now = self.store.clock.now()
            waiting = self._free(held, now, now_s)
            seen = {job.model: self._served.get(job.model, now) for job in waiting}
            self._served.clear()
            self._served.update(seen)
            passed_over = {model: now - since for model, since in seen.items()}
            chosen = choose(waiting, loaded=loaded, room=room, patience=self.patience, passed_over=passed_over)
            self._served.update(dict.fromkeys((job.model for job in chosen), now))
            return [task for job in chosen if (task := self._claim_one(job.id, now)) is not None]

        return self.store.journal_only(decide, "claiming jobs")

    def still_mine(self) -> set[str]:
        """The jobs that wait under a claim of this worker."""
        return self.store.look(lambda reader: query.claimed(reader, self.worker))

    def cancelled(self, jobs: Collection[str]) -> list[str]:
        """Those of some jobs that somebody cancelled."""
        return self.store.look(lambda reader: query.cancelled(reader, jobs))

    def finish(self, task: ClaimedJob, answer: Answer) -> ResultStatus:
        """Write down an answer, on disk when this returns."""
        cut = answer.truncated or len(answer.text) > limits.ANSWER_CHARS
        status = ResultStatus.TRUNCATED if cut else ResultStatus.SUCCEEDED
        result = replace(
            self._result(task, status),
            answer=answer.text[: limits.ANSWER_CHARS],
            finish_reason=answer.finish_reason,
            tool_calls=answer.tool_calls,
            model=_name(answer.model),
            model_digest=_name(answer.model_digest),
            usage={name: n for name, n in answer.usage.items() if fields.is_count(n)},
            timing_s={name: round(s, 3) for name, s in answer.timing_s.items() if abs(s) <= limits.AMOUNT},
        )
        signed = self.store.keys.sign(result)
        self._write(task, lambda job: job.evolve(results=(*job.results, signed)))
        return status

    def fail(self, task: ClaimedJob, error: EngineError, *, waited_s: float) -> bool:
        """Write down a failure of the job's own; gives whether the job is given up. If not, it is in the queue again."""
        rule = rule_for(error)
        failure = {"kind": error.kind, "message": plain(str(error))[: limits.NOTE_CHARS]}
        result = replace(
            self._result(task, ResultStatus.FAILED),
            finish_reason=FinishReason.ERROR, error=failure, model=self.model_of(task.job.spec.options.model),
            timing_s={"total": round(waited_s, 3)},
        )  # fmt: skip
        gave_up = False

        def change(job: Job) -> Job:
            nonlocal gave_up
            burnt = sum(a.status is ResultStatus.FAILED and a.attempt > job.attempt_floor for a in job.attempts)
            gave_up = not rule.again or burnt + 1 >= self.max_attempts
            if gave_up:
                return job.evolve(results=(*job.results, self.store.keys.sign(result)))
            released = _released(job, task, self.worker)
            attempt = Attempt(
                attempt=task.attempt, worker=self.worker, status=ResultStatus.FAILED,
                finished_at=result.finished_at, error=failure["message"],
            )  # fmt: skip
            return released.evolve(attempts=(*job.attempts, attempt))

        self._write(task, change)
        return gave_up

    def give_back(self, tasks: list[ClaimedJob]) -> None:
        """Release claims without burning an attempt."""
        for task in tasks:
            self._write(task, lambda job, task=task: _released(job, task, self.worker))  # type: ignore[misc]  # binds now

    def _free(self, held: frozenset[str], now: datetime, now_s: float) -> list[Candidate]:
        """The jobs that nobody works on, as far as can be seen from here."""
        free = []
        for row in query.waiting(self.store.journal):
            if row.id in held or self._is_taken(row, now, now_s):
                continue
            free.append(
                Candidate(
                    id=row.id,
                    model=self.model_of(row.model),
                    priority=row.priority,
                    created_at=row.created_at or now,
                    position=row.position,
                    mine=self.leases.falls_to(row.id, self.worker, now_s),
                )
            )
        return free

    def _is_taken(self, row: query.WaitingJob, now: datetime, now_s: float) -> bool:
        worker = row.lease_worker
        if not worker or worker == self.worker:  # our own claim on a job that we do not hold is over
            return False
        if row.lease_until and row.lease_until + timedelta(seconds=limits.CLOCK_SKEW_S) <= now:
            return False
        return self.leases.holds(row.id, worker, row.lease_attempt, now_s)

    def _claim_one(self, job_id: str, now: datetime) -> ClaimedJob | None:
        found = self.store.journal.cell(job_id)
        if found is None:
            return None
        cell, place = found
        lease = Lease(
            worker=self.worker,
            attempt=cell.job.next_attempt(),
            expires_at=now + timedelta(seconds=self.leases.length_s),
        )
        # Another's lease that is still there was judged to be over.
        free = cell.job.evolve(lease=None)
        job = changes.claimed(cell.job, free.state(free.best(free.spec.body_sha256), now), lease)
        self.store.journal.put(place, [merge.job_cell(job, cell.dots, other_metadata(cell.raw))], now=now)
        self.store.journal.touch(place)
        return ClaimedJob(job=job, attempt=lease.attempt, claimed_at=now)

    def _result(self, task: ClaimedJob, status: ResultStatus) -> Result:
        return Result(
            job=task.job.id,
            attempt=task.attempt,
            status=status,
            finished_at=self.store.clock.now(),
            prompt_sha256=task.prompt_sha256,
            worker={"id": self.worker, **self.about()},
        )

    def _write(self, task: ClaimedJob, change: Callable[[Job], Job]) -> None:
        def decide() -> None:
            now = self.store.clock.now()
            found = self.store.journal.cell(task.job.id)
            if found is None:
                return
            cell, place = found
            job = change(cell.job)
            if job.best(job.spec.body_sha256) is None:  # the prompt was edited: it runs again, for anybody
                job = _released(job, task, self.worker)
            if _is_late(cell.job, task, self.worker):
                late = tuple(
                    Attempt(
                        attempt=r.attempt, worker=r.worker_id, status=r.status, finished_at=r.finished_at,
                        answer_sha256=grammar.text_sha256(r.answer) if r.answer else None, late=True,
                    )
                    for r in job.results if r not in cell.job.results
                )  # fmt: skip
                job = job.evolve(attempts=(*job.attempts, *late))
            best = job.best(job.spec.body_sha256)
            if best is not None and (place == NOWHERE or not self.store.journal.place(place).own):
                self.store.archiver.archive(
                    job, cell, place, now
                )  # its cell is gone: nobody else would keep the result
                return
            self.store.journal.put(place, [merge.job_cell(job, cell.dots, other_metadata(cell.raw))], now=now)
            if place:
                self.store.journal.touch(place)

        self.store.journal_only(decide, "writing down a result")


def _name(given: str | None) -> str | None:
    """What an engine calls a model, as a record can hold it."""
    return plain(given)[: limits.NAME_CHARS] if given else None


def _is_late(job: Job, task: ClaimedJob, worker: str) -> bool:
    """Whether somebody has claimed the job after us, or claimed and ended it: then the claim is gone."""
    ended = [(known.attempt, known.worker) for known in job.attempts]
    ended += [(result.attempt, result.worker_id) for result in job.results]
    claims = [*ended, (job.lease.attempt, job.lease.worker)] if job.lease else ended
    return any(claim > (task.attempt, worker) for claim in claims)


def _released(job: Job, task: ClaimedJob, worker: str) -> Job:
    lease = job.lease
    if lease is None or (lease.worker, lease.attempt) != (worker, task.attempt):
        return job
    return job.evolve(lease=Lease(worker=worker, attempt=task.attempt, expires_at=lease.expires_at, released=True))
