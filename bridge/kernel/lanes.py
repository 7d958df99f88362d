"""N threads that answer prompt cells, and what an executing cell sees of its own job meanwhile."""

from __future__ import annotations

import contextlib
import heapq
import threading
from collections.abc import Callable, Iterable

from .cells import PromptCell
from .error_kind import Stopped
from .stop import Stop


class CellTask:
    """One job in the lanes: its text so far, and in the end its result."""

    def __init__(self, cell: PromptCell) -> None:
        self.cell = cell
        self.result: str | None = None  #: the rendered result, once there is one
        self.failed = False
        self.shown = False  #: its cell has shown the result
        self.held = False  #: failed, and it is not known yet whose fault that is
        self.lane = 0  #: number of the lane that has it, from 1
        self.began_s: float | None = None  #: when a lane took it, of a monotonic clock
        self.ended_s: float | None = None
        self.stopped = False  #: ended without a result because somebody asked to stop
        self._pieces: list[str] = []
        self._changed = threading.Condition()

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.stopped or self.result is not None

    @property
    def text(self) -> str:
        """The answer as far as it has come."""
        return "".join(self._pieces)

    @property
    def pieces(self) -> int:
        """How many pieces have come: about one a token."""
        return len(self._pieces)

    def begin(self) -> None:
        """A try begins: the text starts anew."""
        self._pieces = []

    def add(self, piece: str) -> None:
        """More text has come."""
        self._pieces.append(piece)

    def finish(self, result: str, *, failed: bool) -> None:
        """The result is there."""
        with self._changed:
            self.result, self.failed = result, failed
            self._changed.notify_all()

    def abandon(self) -> None:
        """There will be no result."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is over, at most this long; gives back whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self.over, timeout_s)


class KernelLanes:
    """At most `lanes` jobs at the same time: higher priority first, then one model after the other, then in cell order.

    One model after the other, because a model that leaves the GPU and comes back costs a load of many seconds (fact 7.11).
    """

    def __init__(
        self,
        work: Callable[[CellTask, Stop], None],
        *,
        lanes: int,
        model_of: Callable[[PromptCell], str] = lambda _cell: "",
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        """`work` answers one task and calls its `finish`, or holds it; it may raise Stopped. `idle`: nothing runs or waits."""
        self._work = work
        self._idle = idle
        self._lanes = lanes
        self._model_of = model_of
        self._models: dict[str, int] = {}
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, int, int, CellTask]] = []
        self._running: set[CellTask] = set()
        self._threads: set[threading.Thread] = set()
        self._busy: set[int] = set()  # numbers of lanes
        self._count = 0
        self._stop = Stop()

    def submit(self, tasks: Iterable[CellTask]) -> None:
        """Put tasks into the waiting line and start as many threads as there is work for."""
        with self._lock:
            if self._stop.is_set():
                self._stop = Stop()
            for task in tasks:
                self._count += 1
                rank = self._models.setdefault(self._model_of(task.cell), len(self._models))
                priority = int(task.cell.header.options.get("priority", 0))
                heapq.heappush(self._waiting, (-priority, rank, task.cell.index, self._count, task))
            for _ in range(min(self._lanes - len(self._threads), len(self._waiting))):
                thread = threading.Thread(target=self._lane, args=(self._stop,), name="qwen-lane", daemon=True)
                self._threads.add(thread)
                thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End everything: requests under way are cut, waiting tasks get no result, threads end. Then `submit` works again."""
        self._stop.set()
        waiting = self.take_back()
        with self._lock:
            threads = list(self._threads)
        for task in waiting:
            task.abandon()
        for thread in threads:
            thread.join(timeout_s)

    def take_back(self) -> list[CellTask]:
        """The tasks that nobody has begun, which nobody will begin now."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return [task for *_, task in waiting]

    def running(self) -> list[CellTask]:
        """The tasks that are being answered now."""
        with self._lock:
            return list(self._running)

    def waiting(self) -> list[CellTask]:
        """The tasks that nobody has begun, the next one first."""
        with self._lock:
            return [task for *_, task in sorted(self._waiting, key=lambda entry: entry[:4])]

    def _lane(self, stop: Stop) -> None:
        while (task := self._next(stop)) is not None:
            try:
                with contextlib.suppress(Stopped):
                    self._work(task, stop)
            finally:
                with self._lock:
                    self._running.discard(task)
                    self._busy.discard(task.lane)
                    is_idle = not self._running and not self._waiting
                if not (task.over or task.held):
                    task.abandon()
                if is_idle:
                    self._idle()

    def _next(self, stop: Stop) -> CellTask | None:
        with self._lock:
            if stop.is_set() or not self._waiting:
                self._threads.discard(threading.current_thread())
                return None
            task = heapq.heappop(self._waiting)[-1]
            self._running.add(task)
            task.lane = next(number for number in range(1, len(self._busy) + 2) if number not in self._busy)
            self._busy.add(task.lane)
            return task
