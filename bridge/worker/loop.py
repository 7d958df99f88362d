"""The worker's loop: one thread that claims, writes down and publishes, while lanes ask the engine.

Promises: an answer is in the journal, on disk, before anything else happens to it; the notebook is written in batches, at
most every few seconds; an engine that is down costs no attempt; a stop gives back what is under way without burning one; a
folder that vanishes for a while (a mounted Drive) stops only the publishing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bridge.core.errors import LockHeld, OutOfMemory, QueueError
from bridge.core.events import Listener
from bridge.core.job import ResultStatus
from bridge.engines.base import Engine
from bridge.engines.blame import Blame
from bridge.engines.breaker import Breaker
from bridge.engines.retry import rule_for
from bridge.store.store import Store
from bridge.worker.claims import ClaimedJob, Claims
from bridge.worker.config import End, WorkerConfig, WorkerProgress, WorkSummary
from bridge.worker.counters import Counters
from bridge.worker.engine_watch import EngineWatch
from bridge.worker.heartbeat import WorkerHeartbeat
from bridge.worker.judge import FaultJudge
from bridge.worker.lanes import LaneOutcome, Lanes
from bridge.worker.publisher import Publisher
from bridge.worker.resting import RestingJobs
from bridge.worker.signs_of_life import SignsOfLife

__all__ = ["End", "WorkSummary", "Worker", "WorkerConfig", "WorkerProgress"]

#: No wait is longer: so long a request to stop from another thread may go unnoticed.
_NAP_S = 0.5
#: A job that an engine did not answer lets the others go first, so that a job which fells the engine is found out.
_OTHERS_FIRST_S = 1.0


@dataclass(kw_only=True)
class Worker:
    """One worker. `run` may be called once; `ask_to_stop` from any thread or a signal handler."""

    store: Store
    claims: Claims
    engine: Engine
    heartbeat: WorkerHeartbeat
    plan: WorkerConfig
    notify: Listener
    now_s: Callable[[], float]

    def __post_init__(self) -> None:
        """Start the lanes; they wait for tasks."""
        self._accounts = Counters(notify=lambda event: self.notify(event))  # noqa: PLW0108  # it may be replaced later
        self.summary = self._accounts.summary
        self.lanes = Lanes(
            self.engine,
            lanes=self.plan.lanes,
            request_for=lambda task: self.plan.request(task.job.spec),
            now_s=self.now_s,
        )
        self.publisher = Publisher(
            store=self.store,
            tell=self._accounts.tell,
            now_s=self.now_s,
            publish_s=self.plan.publish_s,
            done=lambda: self._accounts.done,
        )
        self._held: dict[str, ClaimedJob] = {}
        self._unwritten: list[LaneOutcome] = []  # of held tasks
        self._resting = RestingJobs()
        self._signs = SignsOfLife(
            store=self.store,
            claims=self.claims,
            engine=self.engine,
            heartbeat=self.heartbeat,
            plan=self.plan,
            lanes=self.lanes,
        )
        self._watch = EngineWatch(
            engine=self.engine,
            tell=self._accounts.tell,
            breaker=Breaker(now_s=self.now_s),
            longest_wait_s=float("inf") if self.plan.forever else self.plan.longest_wait_s,
        )
        self._judge = FaultJudge()
        self._stops = 0
        self._next_model: str | None = None  # that is loaded, or will be when the tasks in the line have their turn
        self._poll_due = 0.0
        self._began = self.now_s()
        self._finished_at: list[float] = []

    def ask_to_stop(self) -> None:
        """End soon, cleanly: cut what is under way, give it back, publish. Asked twice: try to publish once only."""
        self._stops += 1  # no lock may be taken here: the thread that a signal interrupts may hold it
        self.lanes.wake()

    def run(self) -> WorkSummary:
        """Work until the queue is empty, somebody asks to stop, or time is up.

        Raises:
            QueueError: the queue cannot be read at the start, or the journal cannot be written (what had been answered
                was tried to be written for `Plan.last_tries_s`).
        """
        began = self._began = self.now_s()
        self.heartbeat.begin()
        try:
            try:
                self.store.publish()
            except BaseException:
                self.lanes.end()
                raise
            try:
                self.summary.end = self._work()
            finally:
                self._wind_up()
                self.summary.seconds = self.now_s() - began
        finally:
            self.heartbeat.end(clean=not (self._held or self._unwritten))
        return self.summary

    def progress(self) -> WorkerProgress:
        """How far the work is; from any thread."""
        done = self._accounts.done
        left = self.publisher.left()
        seconds = max(1e-9, self.now_s() - self._began)
        return WorkerProgress(
            done=done, left=left, running=self.lanes.running(), tokens_per_s=self.lanes.pieces() / seconds,
            eta_s=left * seconds / done if done else None, model=self._next_model or self.plan.model,
            engine_down=self._watch.is_down,
        )  # fmt: skip

    # ---- the loop

    def _work(self) -> End:
        over = self._began + self.plan.max_time_s if self.plan.max_time_s is not None else float("inf")
        with suppress(QueueError):
            self.heartbeat.tidy(self.store.clock.now())
        self.publisher.publish()
        self._look_at_engine()
        while True:
            now = self.now_s()
            if self._stops:
                return End.STOPPED
            if self._watch.breaker.look_due():
                self._look_at_engine()
            if now >= over or self._watch.end:
                self._take_back()
                self._settle(Blame.ENGINE)
                if not self._held:
                    return self._watch.end or End.TIME
            elif not self._watch.is_down:
                self._claim(now)
            self._housekeeping(self.now_s())
            if self._nothing_left(self.now_s()):
                return End.EMPTY
            self._collect(self._pause(self.now_s()))

    def _claim(self, now: float) -> None:
        """Fill the line; with nothing to do, look only now and then whether others added something."""
        if self._held or now >= self._poll_due:
            if self._take(now):
                return
            if self._held:
                if not (self._under_way() or self._unwritten):
                    self._settle(Blame.JOB)  # nobody else is there to compare with
                return
            self._poll_due = min([now + self.plan.poll_s, *self._resting.until_s.values()])
            if self.plan.forever or self._resting.until_s:
                self.publisher.publish()

    def _nothing_left(self, now: float) -> bool:
        """Whether a worker that does not wait for new jobs is done; looks once more at what others added."""
        if self._held or self._unwritten or self.plan.forever:
            return False
        if self._watch.is_down:
            return self.publisher.waiting == 0
        if self._resting.until_s:
            return False
        self.publisher.publish()
        return not self._take(now) and not self._held

    def _take(self, now: float) -> bool:
        """Claim jobs and put them into the line; gives whether there were any, or might be but for another's lock."""
        self._resting.wake(now)
        self._finished_at = [t for t in self._finished_at if now - t < 1.0]
        room = 0 if self._unwritten else self.plan.prefetch(len(self._finished_at)) - self._under_way()
        if room < 1:
            return False
        if now >= self.publisher.due:  # what was seen minutes ago is no ground to claim on
            self._publish()
        busy = frozenset((*self._held, *self._resting.until_s))
        try:
            tasks = self.claims.claim(room, loaded=self._next_model, held=busy, now_s=now)
        except LockHeld as error:
            self.publisher.blocked(error)
            return True
        for task in tasks:
            self._held[task.job.id] = task
            self.publisher.pending += 1
            self._next_model = self.plan.model_of(task.job.spec.options.model)
            self.lanes.submit(task)
        return bool(tasks)

    def _take_back(self) -> None:
        """What no lane has begun goes back into the queue."""
        self._unwritten += [LaneOutcome(task=task) for task in self.lanes.take_back()]

    # ---- outcomes

    def _collect(self, timeout_s: float) -> None:
        """Wait for outcomes, and write down all that are there, in one transaction."""
        outcomes = self.lanes.gather(timeout_s)
        for outcome in outcomes:
            if outcome.answer is not None:
                self._watch.has_answered(self._model_of(outcome))
        self._unwritten += self._judge.judged(outcomes, no_fault=self._fits_nowhere)
        self._write_down()

    def _settle(self, blame: Blame) -> None:
        """Nobody is left who could show whose fault the failures were that wait for a verdict."""
        self._unwritten += self._judge.settle(blame)
        self._write_down()

    def _under_way(self) -> int:
        """Jobs that stand in the line or are being answered."""
        return len(self._held) - len(self._judge.waiting)

    def _write_down(self) -> bool:
        """What is not on disk yet is now; False if it cannot be written at the moment: it is kept, and tried again."""
        batch = self._unwritten
        if not batch:
            return True
        try:
            ends = self.store.journal_only(lambda: [self._write(outcome) for outcome in batch], "writing down results")
        except QueueError as error:
            self.publisher.blocked(error)
            return False
        self._unwritten = []
        self.lanes.written(batch)
        for outcome, end in zip(batch, ends, strict=True):
            self._held.pop(outcome.task.job.id, None)
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
            self._finished_at.append(self.now_s())
            self._accounts.answered(job, outcome.answer, end, outcome.seconds)
        elif error is None:
            self.summary.given_back += not self._watch.is_down
        elif self._fits_nowhere(outcome):
            self._watch.does_not_fit(str(error))
            self.summary.given_back += 1
        elif outcome.blame is Blame.ENGINE:
            self.summary.given_back += 1
            self._engine_is_down(self._judge.reason(error), rule_for(error).backoff.first_s)
            if self._judge.log.is_hopeless and not self.plan.forever:
                self._watch.answers_nothing(str(error))
            self._resting.rest(job, self._watch.breaker.retry_at_s + _OTHERS_FIRST_S)
        else:
            self._accounts.failed(job, error, gave_up=end is True)
            if end is not True:
                self._resting.failed(job, error, self.now_s())

    def _fits_nowhere(self, outcome: LaneOutcome) -> bool:
        """Whether the model itself does not fit into memory: every other job would fail as this one did."""
        return isinstance(outcome.error, OutOfMemory) and not self._watch.fits(self._model_of(outcome))

    def _model_of(self, outcome: LaneOutcome) -> str:
        return self.plan.model_of(outcome.task.job.spec.options.model)

    # ---- the engine

    def _look_at_engine(self) -> None:
        health = self._watch.look()
        if not self._held and health.ok and health.loaded:
            self._next_model = health.loaded[0]
        if not self._held and not health.ok:
            self.publisher.publish()  # others may have done what waits

    def _engine_is_down(self, why: str, at_least_s: float) -> None:
        self._watch.fail(why, at_least_s)
        self._take_back()  # others may have an engine that answers

    # ---- publishing and signs of life

    def _publish(self) -> None:
        """Exchange with the notebooks; what was cancelled or taken over meanwhile, and is not begun, is let go."""
        if self.publisher.publish() and self._held:
            line = self.lanes.take_back()
            mine = self.claims.still_mine() if line else set()
            for task in line:
                if task.job.id in mine:
                    self.lanes.submit(task)
                else:
                    self._unwritten.append(LaneOutcome(task=task))

    def _housekeeping(self, now: float) -> None:
        if self.publisher.pending and now >= self.publisher.due:
            self._publish()
        self._signs.beat(now, outage=self._watch.outage)

    def _pause(self, now: float) -> float:
        """Seconds until something is due, if no outcome comes before."""
        due = [self._signs.due_s, now + _NAP_S]
        if self.publisher.pending:
            due.append(self.publisher.due)
        if self._watch.is_down:
            due.append(self._watch.breaker.retry_at_s)
        elif not self._held:
            due.append(self._poll_due)
        return max(0.0, min(due) - now)

    def _wind_up(self) -> None:
        """Cut what is under way, give it back, write everything down and publish."""
        self.lanes.end()
        self._collect(0)
        ended = {outcome.task.job.id for outcome in self._unwritten}
        self._unwritten += [LaneOutcome(task=task) for job, task in self._held.items() if job not in ended]
        until = self.now_s() + self.plan.last_tries_s
        while not (self._write_down() and self.publisher.publish()):
            if self.now_s() >= until or self._stops > 1:
                self.summary.unpublished = self.publisher.trouble
                self.summary.unwritten = sum(outcome.answer is not None for outcome in self._unwritten)
                break
            self.store.clock.sleep(1.0)
        self.summary.publishes = self.publisher.publishes
