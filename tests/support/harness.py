"""A queue with workers, for tests: jobs go in, a worker with a scripted engine runs, and what came of it is read back.

Time stands still but where the worker waits: then `HandLine` moves the clock by as long as the worker wanted to wait. So a
test of an hour of backoff takes milliseconds, and nothing sleeps.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge import Bridge, wiring
from bridge.api.views import JobView
from bridge.core.clock import Clock
from bridge.core.events import Event, EventKind
from bridge.core.job import JobForm, NewJob, Options
from bridge.engines.base import Engine
from bridge.worker.loop import Worker, WorkerConfig, WorkSummary
from tests.support.queues import Queue, load

#: Real seconds that a stepped line gives lanes which are at work, each time the worker waits.
_GRACE_S = 0.01


@dataclass
class SteppedClock:
    """A clock for store and worker together; moves only when somebody waits. `at` does things at a given second."""

    began: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seconds: float = 0.0
    most_s: float = 100_000.0  #: a test that waits longer hangs
    agenda: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    waits: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def now_s(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.waits += 1
        assert self.waits < 20_000, "the worker spins"
        self.spend(max(seconds, 1e-3))

    def spend(self, seconds: float) -> None:
        """Time passes, in whatever thread."""
        with self._lock:
            self.seconds += seconds
            assert self.seconds < self.most_s, "the worker waits for ever"
            for entry in [e for e in self.agenda if e[0] <= self.seconds]:
                self.agenda.remove(entry)
                entry[1]()

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        self.agenda.append((seconds, act))

    def clock(self) -> Clock:
        return Clock(now=lambda: self.began + timedelta(seconds=self.seconds), sleep=self.pass_)


class SteppedLine:
    """Stands in for the lanes' queue of outcomes: waiting for one moves the clock, if none comes."""

    def __init__(self, clock: SteppedClock, busy: Callable[[], bool]) -> None:
        self._line: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._clock = clock
        self._busy = busy
        self.put = self._line.put
        self.get_nowait = self._line.get_nowait

    def get(self, timeout: float) -> Any:
        try:
            return self._line.get(timeout=_GRACE_S if self._busy() else 0.001)
        except queue.Empty:
            self._clock.pass_(timeout)
            raise


@dataclass
class Harness:
    """A queue under test and its workers."""

    queue: Queue
    clock: SteppedClock = field(default_factory=SteppedClock)
    events: list[Event] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.queue.path

    def open(self) -> Bridge:
        bridge = Bridge(str(self.path), caller="tester", clock=self.clock.clock())
        self.queue.opened.append(bridge)
        return bridge

    def add(self, *texts: str, form: JobForm = JobForm.PROMPT, **options: Any) -> list[str]:
        """Add prompts, as another process would."""
        jobs = [NewJob(body=text, form=form, options=Options(**options)) for text in texts]
        with Bridge(str(self.path), caller="tester", clock=self.clock.clock()) as bridge:
            return [added.id for added in bridge.add_many(jobs, allow_secrets=True)]

    def worker(self, engine: Engine, *, lease_s: float = 900.0, model: str = "scripted", **plan: Any) -> Worker:
        """A worker on the stepped clock."""
        opened = wiring.open_queue(str(self.path), listener=self.events.append, clock=self.clock.clock())
        worker = wiring.open_worker(
            opened, engine, WorkerConfig(model=model, **plan), listener=self.events.append, lease_s=lease_s, now_s=self.clock.now_s
        )  # fmt: skip
        worker.lanes.outcomes = SteppedLine(self.clock, lambda: bool(worker.lanes.running()))  # type: ignore[assignment]
        self.queue.opened.append(Bridge(_opened=opened))
        return worker

    def work(self, engine: Engine, **plan: Any) -> WorkSummary:
        """Run a worker to its end."""
        return self.worker(engine, **plan).run()

    def view(self, job: str) -> JobView:
        with Bridge(str(self.path), clock=self.clock.clock()) as bridge:
            return bridge.get(job)

    def states(self) -> dict[str, int]:
        """{state: how many jobs}, from a journal made anew from the notebooks would be the same: see `shown`."""
        with Bridge(str(self.path), clock=self.clock.clock()) as bridge:
            return dict(Counter(line.state.value for line in bridge.jobs()))

    def shown(self) -> dict[str, str]:
        """{job: what its cell shows}, read from the files by hand."""
        return shown_in(self.path.parent)

    def told(self, kind: EventKind) -> list[str]:
        return [event.message for event in self.events if event.kind is kind]


def shown_in(folder: Path) -> dict[str, str]:
    """{job: text of its outputs} of all notebooks in a folder."""
    shown = {}
    for file in folder.glob("*.ipynb"):
        for cell in load(file)["cells"]:
            words = "".join(cell["source"]).split("\n", 1)[0].split()
            if words[:1] == ["%%qwen"] and len(words) > 1:
                shown[words[1]] = "".join("".join(output["data"]["text/plain"]) for output in cell["outputs"])
    return shown
