"""The worker's loop: one thread that claims, writes down and publishes, while lanes ask the engine.

Promises: an answer is in the journal, on disk, before anything else happens to it; the notebook is written in batches, at
most every few seconds; an engine that is down costs no attempt; a stop gives back what is under way without burning one; a
folder that vanishes for a while (a mounted Drive) stops only the publishing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bridge.core.errors import LockHeld, QueueError
from bridge.core.events import Listener
from bridge.engines.base import Engine
from bridge.engines.blame import Blame
from bridge.engines.breaker import Breaker
from bridge.store.store import Store
from bridge.worker.claims import Claims
from bridge.worker.config import End, WorkerConfig, WorkerProgress, WorkSummary
from bridge.worker.counters import Counters
from bridge.worker.engine_watch import EngineWatch
from bridge.worker.heartbeat import WorkerHeartbeat
from bridge.worker.lanes import LaneOutcome, Lanes
from bridge.worker.outcomes import Outcomes
from bridge.worker.publisher import Publisher
from bridge.worker.signs_of_life import SignsOfLife

__all__ = ["End", "WorkSummary", "Worker", "WorkerConfig", "WorkerProgress"]

#: No wait is longer: so long a request to stop from another thread may go unnoticed.
_NAP_S = 0.5


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
        self._outcomes = Outcomes(
            store=self.store,
            claims=self.claims,
            lanes=self.lanes,
            publisher=self.publisher,
            plan=self.plan,
            accounts=self._accounts,
            watch=self._watch,
            now_s=self.now_s,
        )
        self._resting = self._outcomes.resting
        self._stops = 0
        self._next_model: str | None = None  # that is loaded, or will be when the tasks in the line have their turn
        self._poll_due = 0.0
        self._cancel_look_due = 0.0
        self._began = self.now_s()

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
            self.heartbeat.end(clean=not (self._outcomes.held or self._outcomes.unwritten))
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
                self._outcomes.take_back()
                self._outcomes.settle(Blame.ENGINE)
                if not self._outcomes.held:
                    return self._watch.end or End.TIME
            elif not self._watch.is_down:
                self._claim(now)
            self._housekeeping(self.now_s())
            if self._nothing_left(self.now_s()):
                return End.EMPTY
            self._outcomes.collect(self._pause(self.now_s()))

    def _claim(self, now: float) -> None:
        """Fill the line; with nothing to do, look only now and then whether others added something."""
        if self._outcomes.held or now >= self._poll_due:
            if self._take(now):
                return
            if self._outcomes.held:
                if not (self._outcomes.under_way() or self._outcomes.unwritten):
                    self._outcomes.settle(Blame.JOB)  # nobody else is there to compare with
                return
            self._poll_due = min([now + self.plan.poll_s, *self._resting.until_s.values()])
            if self.plan.forever or self._resting.until_s:
                self.publisher.publish()

    def _nothing_left(self, now: float) -> bool:
        """Whether a worker that does not wait for new jobs is done; looks once more at what others added."""
        if self._outcomes.held or self._outcomes.unwritten or self.plan.forever:
            return False
        if self._watch.is_down:
            return self.publisher.waiting == 0
        if self._resting.until_s:
            return False
        self.publisher.publish()
        return not self._take(now) and not self._outcomes.held

    def _take(self, now: float) -> bool:
        """Claim jobs and put them into the line; gives whether there were any, or might be but for another's lock."""
        self._resting.wake(now)
        self._outcomes.finished_at = [t for t in self._outcomes.finished_at if now - t < 1.0]
        room = (
            0
            if self._outcomes.unwritten
            else self.plan.prefetch(len(self._outcomes.finished_at)) - self._outcomes.under_way()
        )
        if room < 1:
            return False
        if now >= self.publisher.due:  # what was seen minutes ago is no ground to claim on
            self._publish()
        busy = frozenset((*self._outcomes.held, *self._resting.until_s))
        try:
            tasks = self.claims.claim(room, loaded=self._next_model, held=busy, now_s=now)
        except LockHeld as error:
            self.publisher.blocked(error)
            return True
        for task in tasks:
            self._outcomes.held[task.job.id] = task
            self.publisher.pending += 1
            self._next_model = self.plan.model_of(task.job.spec.options.model)
            self.lanes.submit(task)
        return bool(tasks)

    # ---- the engine

    def _look_at_engine(self) -> None:
        health = self._watch.look()
        if not self._outcomes.held and health.ok and health.loaded:
            self._next_model = health.loaded[0]
        if not self._outcomes.held and not health.ok:
            self.publisher.publish()  # others may have done what waits

    # ---- publishing and signs of life

    def _publish(self) -> None:
        """Exchange with the notebooks; what was cancelled or taken over meanwhile, and is not begun, is let go."""
        if self.publisher.publish() and self._outcomes.held:
            line = self.lanes.take_back()
            mine = self.claims.still_mine() if line else set()
            for task in line:
                if task.job.id in mine:
                    self.lanes.submit(task)
                else:
                    self._outcomes.unwritten.append(LaneOutcome(task=task))

    def _housekeeping(self, now: float) -> None:
        if self.publisher.pending and now >= self.publisher.due:
            self._publish()
        self._signs.beat(now, outage=self._watch.outage)
        if now >= self._cancel_look_due and (running := self.lanes.running()):
            self._cancel_look_due = now + _NAP_S
            self.lanes.cut(self.claims.cancelled(running))

    def _pause(self, now: float) -> float:
        """Seconds until something is due, if no outcome comes before."""
        due = [self._signs.due_s, now + _NAP_S]
        if self.publisher.pending:
            due.append(self.publisher.due)
        if self._watch.is_down:
            due.append(self._watch.breaker.retry_at_s)
        elif not self._outcomes.held:
            due.append(self._poll_due)
        return max(0.0, min(due) - now)

    def _wind_up(self) -> None:
        """Cut what is under way, give it back, write everything down and publish."""
        self.lanes.end()
        self._outcomes.collect(0)
        ended = {outcome.task.job.id for outcome in self._outcomes.unwritten}
        self._outcomes.unwritten += [
            LaneOutcome(task=task) for job, task in self._outcomes.held.items() if job not in ended
        ]
        until = self.now_s() + self.plan.last_tries_s
        while not (self._outcomes.write_down() and self.publisher.publish()):
            if self.now_s() >= until or self._stops > 1:
                self.summary.unpublished = self.publisher.trouble
                self.summary.unwritten = sum(outcome.answer is not None for outcome in self._outcomes.unwritten)
                break
            self.store.clock.sleep(1.0)
        self.summary.publishes = self.publisher.publishes
