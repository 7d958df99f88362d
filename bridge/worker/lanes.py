"""N threads that ask the engine; the outcomes go into one queue, for one thread to write down."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from bridge.core.errors import EngineError
from bridge.engines.base import Answer, Engine, Request, Stop, Stopped
from bridge.engines.blame import Blame
from bridge.worker.claims import ClaimedJob


@dataclass(frozen=True, kw_only=True)
class LaneOutcome:
    """What became of one task: an answer, an error, or neither (it was stopped, or never begun)."""

    task: ClaimedJob
    answer: Answer | None = None
    error: EngineError | None = None
    seconds: float = 0.0
    began_s: float = 0.0
    unsent: bool = False  #: the error came before the engine was asked
    blame: Blame | None = None  #: of an error that was judged


class Lanes:
    """Runs tasks in the order given, at most `lanes` at the same time."""

    def __init__(
        self, engine: Engine, *, lanes: int, request_for: Callable[[ClaimedJob], Request], now_s: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._request_for = request_for
        self._now_s = now_s
        self._inbox: queue.SimpleQueue[ClaimedJob | None] = queue.SimpleQueue()
        #: Finished tasks, for the thread that writes them down; None only wakes it.
        self.outcomes: queue.SimpleQueue[LaneOutcome | None] = queue.SimpleQueue()
        self.stop = Stop()
        # Answers wait in memory while the notebook is written: a kill then must not cost more than two for each lane.
        self._unwritten = threading.Semaphore(2 * lanes)
        self._pieces = 0
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}  # when each began
        self._stops: dict[str, Stop] = {}  # of each that runs
        self._threads = [
            threading.Thread(target=self._lane, name=f"lane-{n}", daemon=True) for n in range(1, lanes + 1)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: ClaimedJob) -> None:
        """Put a task into the line."""
        self._inbox.put(task)

    def written(self, outcomes: list[LaneOutcome]) -> None:
        """These are on disk: the lanes may begin as many more."""
        if answers := sum(outcome.answer is not None for outcome in outcomes):
            self._unwritten.release(answers)

    def take_back(self) -> list[ClaimedJob]:
        """Empty the line; gives the tasks that no lane had begun."""
        tasks = []
        try:
            while True:
                task = self._inbox.get_nowait()
                if task is not None:
                    tasks.append(task)
        except queue.Empty:
            return tasks

    def wake(self) -> None:
        """Have whoever waits for an outcome look around. Safe in a signal handler: it takes no lock."""
        self.outcomes.put(None)

    def gather(self, timeout_s: float) -> list[LaneOutcome]:
        """Wait so long for an outcome; gives all that are there."""
        found: list[LaneOutcome | None] = []
        with suppress(queue.Empty):
            found.append(self.outcomes.get(timeout=timeout_s) if timeout_s > 0 else self.outcomes.get_nowait())
            while True:
                found.append(self.outcomes.get_nowait())
        return [outcome for outcome in found if outcome is not None]

    def running(self) -> tuple[str, ...]:
        """Ids of the jobs that are being answered now."""
        with self._lock:
            return tuple(sorted(self._running))

    def running_s(self) -> dict[str, float]:
        """{job: seconds since it was begun} of those that are being answered now."""
        now = self._now_s()
        with self._lock:
            return {job: round(now - began, 3) for job, began in sorted(self._running.items())}

    def cut(self, jobs: Iterable[str]) -> None:
        """Nobody wants the answers to these any more: those that run end as stopped."""
        with self._lock:
            stops = [self._stops[job] for job in jobs if job in self._stops]
        for stop in stops:
            stop.set()

    def pieces(self) -> int:
        """Pieces of text that have come so far, of all answers: about one a token."""
        return self._pieces

    def end(self, timeout_s: float = 15.0) -> None:
        """Cut requests under way, empty the line, and end the threads. Every task still yields its outcome."""
        self.stop.set()
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            thread.join(timeout_s)

    def _lane(self) -> None:
        while (task := self._inbox.get()) is not None:
            if not self._may_begin():
                self.outcomes.put(LaneOutcome(task=task))
                continue
            began, stop = self._now_s(), Stop()
            with self._lock:
                self._running[task.job.id], self._stops[task.job.id] = began, stop
            with self.stop.guard(stop.set):
                outcome = self._ask(task, stop)
            with self._lock:
                self._running.pop(task.job.id, None)
                self._stops.pop(task.job.id, None)
            if outcome.answer is None:
                self._unwritten.release()  # a failure may wait long for its verdict, and costs nothing if it is lost
            self.outcomes.put(replace(outcome, seconds=self._now_s() - began, began_s=began))

    def _may_begin(self) -> bool:
        """Wait until few enough outcomes are unwritten; False if everything is to end."""
        while not self.stop.is_set():
            if self._unwritten.acquire(timeout=0.2):
                return True
        return False

    def _ask(self, task: ClaimedJob, stop: Stop) -> LaneOutcome:
        sent = False
        try:
            request = self._request_for(task)
            request.check()
            sent = True
            return LaneOutcome(task=task, answer=self._engine.answer(request, self._count, stop=stop))
        except Stopped:
            return LaneOutcome(task=task)
        except EngineError as error:
            return LaneOutcome(task=task, error=error, unsent=not sent)
        except Exception as error:  # noqa: BLE001  # a lane is a thread: nobody above would see it, and its job would hang
            return LaneOutcome(task=task, error=EngineError(f"a fault of the worker: {error!r}"), unsent=not sent)

    def _count(self, _piece: str) -> None:
        self._pieces += 1  # a lost count under a race is no harm: it is for the progress line
