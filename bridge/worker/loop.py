"""The worker's loop: one thread that claims, writes down and publishes, while lanes ask the engine.

Promises: an answer is in the journal, on disk, before anything else happens to it; the notebook is written in batches, at
most every few seconds; an engine that is down costs no attempt; a stop gives back what is under way without burning one; a
folder that vanishes for a while (a mounted Drive) stops only the publishing.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bridge.engines.base import Engine, Request
from bridge.errors import EngineDown, EngineError, QueueError
from bridge.events import Event, Kind, Listener
from bridge.job import ResultStatus
from bridge.notebook import query
from bridge.notebook.store import Store
from bridge.worker.breaker import Breaker
from bridge.worker.lanes import Lanes, Outcome
from bridge.worker.ledger import Ledger, Task
from bridge.worker.presence import Presence, read_heartbeats


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to work."""

    model: str
    lanes: int = 1
    forever: bool = False  #: wait for new jobs when the queue is empty
    max_time_s: float | None = None  #: claim nothing after this; what is under way is finished
    job_timeout_s: float | None = 3600.0
    num_ctx: int = 8192
    max_tokens: int = 4096
    publish_s: float = 3.0  #: at most one write of the notebook in this time
    poll_s: float = 5.0  #: between two looks for new jobs when there are none
    beat_s: float = 15.0
    last_tries_s: float = 60.0  #: how long the last publishing is tried before the worker ends


class End(Enum):
    """Why the worker ended."""

    EMPTY = "empty"  # no job is waiting
    STOPPED = "stopped"  # somebody asked to
    TIME = "time"  # max_time_s is over


@dataclass(kw_only=True)
class Summary:
    """What was done."""

    end: End = End.EMPTY
    answered: int = 0
    truncated: int = 0
    failed: int = 0
    retried: int = 0
    given_back: int = 0
    tokens: int = 0
    seconds: float = 0.0
    publishes: int = 0
    unpublished: str | None = None  #: why the last results are in the journal only


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a worker is."""

    done: int
    left: int  #: jobs that wait or run, as of the last publishing
    running: tuple[str, ...]
    tokens_per_s: float
    eta_s: float | None
    model: str
    engine_down: bool


@dataclass(kw_only=True)
class Worker:
    """One worker. `run` may be called once; `ask_to_stop` from any thread or a signal handler."""

    store: Store
    ledger: Ledger
    engine: Engine
    presence: Presence
    plan: Plan
    notify: Listener
    now_s: Callable[[], float]
    summary: Summary = field(default_factory=Summary)

    def __post_init__(self) -> None:
        """Start the lanes; they wait for tasks."""
        self.lanes = Lanes(self.engine, lanes=self.plan.lanes, request_for=self._request, now_s=self.now_s)
        self._held: dict[str, Task] = {}
        self._breaker = Breaker()
        self._asked_to_stop = False
        self._loaded: str | None = None
        self._unpublished = 0
        self._publish_due = self._beat_due = self._poll_due = 0.0
        self._trouble: str | None = None
        self._began = self.now_s()
        self._waiting = 0
        self._finished_at: list[float] = []

    def ask_to_stop(self) -> None:
        """End soon, cleanly: cut what is under way, give it back, publish."""
        self._asked_to_stop = True
        self.lanes.stop.set()

    def run(self) -> Summary:
        """Work until the queue is empty, somebody asks to stop, or time is up.

        Raises:
            QueueError: the queue cannot be read at the start.
        """
        began = self._began = self.now_s()
        self.presence.begin()
        try:
            self.store.publish()
            self.summary.end = self._work(began)
        finally:
            self._wind_up()
            self.summary.seconds = self.now_s() - began
            self.presence.end()
        return self.summary

    def progress(self) -> Progress:
        """How far the work is; from any thread."""
        done = self.summary.answered + self.summary.failed
        seconds = max(1e-9, self.now_s() - self._began)
        left = self._waiting
        return Progress(
            done=done,
            left=left,
            running=self.lanes.running(),
            tokens_per_s=self.lanes.pieces() / seconds,
            eta_s=left * seconds / done if done else None,
            model=self._loaded or self.plan.model,
            engine_down=self._breaker.is_open,
        )

    # ---- the loop

    def _work(self, began: float) -> End:
        over = began + self.plan.max_time_s if self.plan.max_time_s is not None else float("inf")
        self._look_at_engine()
        while True:
            now = self.now_s()
            if self._asked_to_stop:
                return End.STOPPED
            if now >= over and not self._held:
                return End.TIME
            if self._breaker.look_due(now):
                self._look_at_engine()
            if now < over and not self._breaker.is_open:
                self._claim(now)
            self._housekeeping(self.now_s())
            if not self._held and not self._unpublished and not self.plan.forever and not self._breaker.is_open:
                if now >= over:
                    return End.TIME
                if not self._claim(self.now_s()):
                    return End.EMPTY
            self._collect(self._pause(self.now_s()))

    def _claim(self, now: float) -> bool:
        room = self._prefetch(now) - len(self._held)
        if room < 1 or (not self._held and now < self._poll_due and self.plan.forever):
            return bool(self._held)
        tasks = self.ledger.claim(room, loaded=self._loaded, held=frozenset(self._held), now_s=now)
        if not tasks and not self._held:
            self._poll_due = now + self.plan.poll_s
            self._publish(now)  # takes in what others added
        for task in tasks:
            self._held[task.job.id] = task
            self._unpublished += 1
            self.lanes.submit(task)
        return bool(tasks)

    def _prefetch(self, now: float) -> int:
        """Jobs to hold: two a lane, and more when they end faster than the notebook is written."""
        self._finished_at = [t for t in self._finished_at if now - t < 1.0]
        return max(2 * self.plan.lanes, min(400, 2 * len(self._finished_at)))

    def _collect(self, timeout_s: float) -> None:
        """Wait for outcomes, and write down all that are there, in one transaction."""
        outcomes: list[Outcome] = []
        try:
            outcomes.append(
                self.lanes.outcomes.get(timeout=timeout_s) if timeout_s > 0 else self.lanes.outcomes.get_nowait()
            )
            while True:
                outcomes.append(self.lanes.outcomes.get_nowait())
        except queue.Empty:
            pass
        if outcomes:
            self.store.note(lambda: self._write_all(outcomes), "writing down results")

    def _write_all(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self._write_down(outcome)

    def _write_down(self, outcome: Outcome) -> None:
        task = outcome.task
        self._held.pop(task.job.id, None)
        self._unpublished += 1
        if outcome.answer is not None:
            status = self.ledger.finish(task, outcome.answer)
            self._loaded = outcome.answer.model
            self._finished_at.append(self.now_s())
            self.summary.answered += 1
            self.summary.truncated += status is ResultStatus.TRUNCATED
            tokens = int(outcome.answer.usage.get("completion_tokens", 0))
            self.summary.tokens += tokens
            facts = {"job": task.job.id, "status": status.value, "seconds": round(outcome.seconds, 3), "tokens": tokens}
            self._tell(Kind.ANSWERED, f"{task.job.id} {status.value} in {outcome.seconds:.1f} s", facts)
        elif outcome.error is None:
            self.ledger.give_back([task])
            self.summary.given_back += 1
        else:
            self._write_failure(outcome, outcome.error)

    def _write_failure(self, outcome: Outcome, error: EngineError) -> None:
        task = outcome.task
        gave_up = self.ledger.fail(task, error, waited_s=outcome.seconds)
        facts = {"job": task.job.id, "error": error.kind, "message": str(error)}
        if gave_up:
            self.summary.failed += 1
            self._tell(Kind.FAILED, f"{task.job.id} failed: {error}", facts)
        else:
            self.summary.retried += 1
            if error.retry.burns_attempt:
                self._tell(Kind.RETRIED, f"{task.job.id} goes back into the queue: {error}", facts)
        if isinstance(error, EngineDown) or (error.retry.again and not error.retry.burns_attempt):
            self._engine_is_down(str(error), error.retry.wait_s)

    # ---- the engine

    def _look_at_engine(self) -> None:
        health = self.engine.health()
        if not health.ok:
            self._engine_is_down(health.detail, 0)
            return
        if self._breaker.is_open:
            self._tell(Kind.ENGINE, f"the engine answers again: {health.detail}", {"ok": True})
        self._breaker.close()
        self._loaded = health.loaded[0] if health.loaded else self._loaded
        self.lanes.gate.set()

    def _engine_is_down(self, why: str, at_least_s: float) -> None:
        known = self._breaker.is_open
        pause = max(self._breaker.fail(self.now_s()), at_least_s)
        self._breaker.retry_at = max(self._breaker.retry_at, self.now_s() + at_least_s)
        self.lanes.gate.clear()
        if not known:
            self._tell(Kind.ENGINE, f"the engine does not answer ({why}); next look in {pause:.0f} s", {"ok": False})

    # ---- publishing and signs of life

    def _housekeeping(self, now: float) -> None:
        if self._unpublished and (now >= self._publish_due or not self._held):
            self._publish(now)
        if now >= self._beat_due:
            self._beat(now)

    def _publish(self, now: float) -> bool:
        try:
            self.store.publish()
        except QueueError as error:
            if self._trouble != str(error):
                self._trouble = str(error)
                self._tell(Kind.BLOCKED, f"cannot publish; results are safe in the journal: {error}", {})
            self._publish_due = now + self.plan.publish_s
            return False
        if self._trouble:
            self._trouble = None
            self._tell(Kind.PUBLISHED, "the queue can be written again", {})
        self.summary.publishes += 1
        self._waiting = self.store.note(lambda: query.count_waiting(self.store.journal), "counting jobs")
        self._unpublished = 0
        self._publish_due = self.now_s() + self.plan.publish_s
        return True

    def _beat(self, now: float) -> None:
        self._beat_due = now + self.plan.beat_s
        facts = {
            "engine": self.engine.name, "model": self.plan.model, "lanes": self.plan.lanes,
            "running": list(self.lanes.running()),
        }  # fmt: skip
        try:
            self.presence.beat(facts, self.store.clock.now())
            for beat in read_heartbeats(self.store.transport):
                self.ledger.leases.beat(beat.worker, beat.beat, now)
        except QueueError:
            return  # publishing says what is wrong

    def _pause(self, now: float) -> float:
        """Seconds until something is due, if no outcome comes before."""
        due = [self._beat_due]
        if self._unpublished:
            due.append(self._publish_due)
        if self._breaker.is_open:
            due.append(self._breaker.retry_at)
        if not self._held:
            due.append(self._poll_due)
        return min(0.5, max(0.0, min(due) - now))

    def _wind_up(self) -> None:
        """Cut what is under way, give it back, write everything down and publish."""
        self.lanes.end()
        self._collect(0)
        left = list(self._held.values())
        self._held.clear()
        if left:
            self.store.note(lambda: self.ledger.give_back(left), "giving jobs back")
            self.summary.given_back += len(left)
        until = self.now_s() + self.plan.last_tries_s
        while not self._publish(self.now_s()):
            if self.now_s() >= until:
                self.summary.unpublished = self._trouble
                return
            self.store.clock.sleep(1.0)

    def _request(self, task: Task) -> Request:
        plan = self.plan
        return Request.for_job(
            task.job.spec,
            model=plan.model,
            num_ctx=plan.num_ctx,
            max_tokens=plan.max_tokens,
            timeout_s=plan.job_timeout_s,
        )

    def _tell(self, kind: Kind, message: str, facts: Mapping[str, object]) -> None:
        done = self.summary.answered + self.summary.failed
        self.notify(Event(kind=kind, message=message, facts={**facts, "done": done}))
