"""What came of the jobs in the lanes: whose fault a failure is, on disk before anything else happens to it, counted and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.core.errors import OutOfMemory, QueueError
from bridge.core.job import ResultStatus
from bridge.engines.blame import Blame
from bridge.engines.retry import rule_for
from bridge.store.store import Store
from bridge.worker.claims import ClaimedJob, Claims
from bridge.worker.config import WorkerConfig
from bridge.worker.counters import Counters
from bridge.worker.engine_watch import EngineWatch
from bridge.worker.judge import FaultJudge
from bridge.worker.lanes import LaneOutcome, Lanes
from bridge.worker.publisher import Publisher
from bridge.worker.resting import RestingJobs

#: A job that an engine did not answer lets the others go first, so that a job which fells the engine is found out.
_OTHERS_FIRST_S = 1.0


@dataclass(kw_only=True)
class Outcomes:
    """One worker's, and the jobs that it holds until they are written down."""

    store: Store
    claims: Claims
    lanes: Lanes
    publisher: Publisher
    plan: WorkerConfig
    accounts: Counters
    watch: EngineWatch
    now_s: Callable[[], float]
    resting: RestingJobs = field(default_factory=RestingJobs)
    judge: FaultJudge = field(default_factory=FaultJudge)
    held: dict[str, ClaimedJob] = field(default_factory=dict)
    unwritten: list[LaneOutcome] = field(default_factory=list)  #: of held tasks
    finished_at: list[float] = field(default_factory=list)  #: when the last answers came

    def take_back(self) -> None:
        """What no lane has begun goes back into the queue."""
        self.unwritten += [LaneOutcome(task=task) for task in self.lanes.take_back()]

    def collect(self, timeout_s: float) -> None:
        """Wait for outcomes, and write down all that are there, in one transaction."""
        outcomes = self.lanes.gather(timeout_s)
        for outcome in outcomes:
            if outcome.answer is not None:
                self.watch.has_answered(self._model_of(outcome))
        self.unwritten += self.judge.judged(outcomes, no_fault=self._fits_nowhere)
        self.write_down()

    def settle(self, blame: Blame) -> None:
        """Nobody is left who could show whose fault the failures were that wait for a verdict."""
        self.unwritten += self.judge.settle(blame)
        self.write_down()

    def under_way(self) -> int:
        """Jobs that stand in the line or are being answered."""
        return len(self.held) - len(self.judge.waiting)

    def write_down(self) -> bool:
        """What is not on disk yet is now; False if it cannot be written at the moment: it is kept, and tried again."""
        batch = self.unwritten
        if not batch:
            return True
        try:
            ends = self.store.journal_only(lambda: [self._write(outcome) for outcome in batch], "writing down results")
        except QueueError as error:
            self.publisher.blocked(error)
            return False
        self.unwritten = []
        self.lanes.written(batch)
        for outcome, end in zip(batch, ends, strict=True):
            self.held.pop(outcome.task.job.id, None)
            self.publisher.pending += 1
            self._account(outcome, end)
        return True

    def _write(self, outcome: LaneOutcome) -> ResultStatus | bool | None:
        if outcome.answer is not None:
            return self.claims.finish(outcome.task, outcome.answer)
        if outcome.error is not None and outcome.blame is Blame.JOB:
            return self.claims.fail(outcome.task, outcome.error, waited_s=outcome.seconds)
        self.claims.give_back([outcome.task])
        return None

    def _account(self, outcome: LaneOutcome, end: ResultStatus | bool | None) -> None:
        """Count and tell what is on disk now."""
        job, error = outcome.task.job.id, outcome.error
        if outcome.answer is not None:
            assert isinstance(end, ResultStatus)  # narrows the type
            self.finished_at.append(self.now_s())
            self.accounts.answered(job, outcome.answer, end, outcome.seconds)
        elif error is None:
            self.accounts.summary.given_back += not self.watch.is_down
        elif self._fits_nowhere(outcome):
            self.watch.does_not_fit(str(error))
            self.accounts.summary.given_back += 1
        elif outcome.blame is Blame.ENGINE:
            self.accounts.summary.given_back += 1
            self._engine_is_down(self.judge.reason(error), rule_for(error).backoff.first_s)
            refused = not (rule_for(error).again or self.plan.waits_for_engine)
            if refused or (self.judge.log.is_hopeless and not self.plan.forever):
                self.watch.answers_nothing(str(error))
            self.resting.rest(job, self.watch.breaker.retry_at_s + _OTHERS_FIRST_S)
        else:
            self.accounts.failed(job, error, gave_up=end is True)
            if end is not True:
                self.resting.failed(job, error, self.now_s())

    def _fits_nowhere(self, outcome: LaneOutcome) -> bool:
        """Whether the model itself does not fit into memory: every other job would fail as this one did."""
        return isinstance(outcome.error, OutOfMemory) and not self.watch.fits(self._model_of(outcome))

    def _model_of(self, outcome: LaneOutcome) -> str:
        return self.plan.model_of(outcome.task.job.spec.options.model)

    def _engine_is_down(self, why: str, at_least_s: float) -> None:
        self.watch.fail(why, at_least_s)
        self.take_back()  # others may have an engine that answers
