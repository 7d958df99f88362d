"""An engine that is down: no attempt is burnt, it is left alone for longer and longer, and work goes on when it is back."""

from __future__ import annotations

import threading

from bridge.core.errors import EngineDown
from bridge.core.events import EventKind
from bridge.engines.base import Health
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.worker.loop import End
from tests.support.harness import Harness
from tests.support.patience import until


class Watched(ScriptedEngine):
    """Notes when somebody looks whether it is up."""

    def __init__(self, harness: Harness) -> None:
        super().__init__()
        self.harness = harness
        self.looks: list[float] = []

    def health(self) -> Health:
        self.looks.append(self.harness.clock.seconds)
        return super().health()

    def back_at(self, seconds: float) -> None:
        self.harness.clock.at(seconds, lambda: setattr(self, "down", False))


def test_an_engine_that_is_down_at_the_start_is_waited_for(harness: Harness) -> None:
    ids = harness.add("a", "b", "c")
    engine = Watched(harness)
    engine.down = True
    engine.back_at(300)
    done = harness.work(engine, lanes=2)
    assert (done.answered, done.failed, done.retried) == (3, 0, 0)
    assert 300 <= harness.clock.seconds < 365  # the longest pause is a minute
    assert all(harness.view(job).job.attempts == () for job in ids)


def test_the_pauses_between_two_looks_double_up_to_a_minute(harness: Harness) -> None:
    harness.add("a")
    engine = Watched(harness)
    engine.down = True
    engine.back_at(400)
    harness.work(engine)
    pauses = [round(b - a) for a, b in zip(engine.looks, engine.looks[1:], strict=False)]
    assert pauses[:7] == [2, 4, 8, 16, 32, 60, 60]


def test_waiting_for_an_engine_costs_next_to_nothing(harness: Harness) -> None:
    harness.add("a")
    engine = Watched(harness)
    engine.down = True
    engine.back_at(1000)
    harness.work(engine)
    assert harness.clock.waits < 3000  # at most a few a second


def test_an_engine_that_goes_down_midway_costs_no_attempt(harness: Harness) -> None:
    ids = harness.add(*(f"{n}" for n in range(12)))
    engine = Watched(harness)

    def die() -> str:
        engine.down = True
        engine.back_at(harness.clock.seconds + 100)
        return "the last one before the crash"

    engine.default = lambda request: die() if len(engine.requests) == 5 else "fine"
    done = harness.work(engine, lanes=3)
    assert (done.answered, done.failed) == (12, 0)
    assert all(harness.view(job).job.attempts == () for job in ids)
    assert len(engine.requests) < 12 + 12  # they were not sent again and again meanwhile


def test_it_is_said_once_that_the_engine_is_down_and_once_that_it_is_back(harness: Harness) -> None:
    harness.add("a", "b")
    engine = Watched(harness)
    engine.down = True
    engine.back_at(500)
    harness.work(engine, lanes=2)
    down, back = harness.told(EventKind.ENGINE)
    assert "takes no requests" in down
    assert "answers again" in back


def test_while_the_engine_is_down_other_workers_may_have_the_jobs(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(4)))
    sick = Watched(harness)
    sick.enqueue(Scripted(error=EngineDown("it crashed")))
    sick.default = lambda _: setattr(sick, "down", True) or "x"  # type: ignore[func-returns-value]
    engine = ScriptedEngine()

    def other_worker() -> None:
        assert harness.work(engine).answered >= 3

    harness.clock.at(3, lambda: setattr(sick, "down", True))
    sick.enqueue(*[EngineDown("still down")] * 50)
    worker = harness.worker(sick)
    harness.clock.at(20, other_worker)
    done = worker.run()
    assert done.end is End.EMPTY  # it noticed that nothing is left, though its engine never came back
    assert harness.states() == {"succeeded": 4}


def test_an_empty_queue_needs_no_engine(harness: Harness) -> None:
    engine = Watched(harness)
    engine.down = True
    assert harness.work(engine).end is End.EMPTY
    assert harness.clock.seconds < 5


def test_what_stands_in_the_line_is_free_for_others_while_the_engine_is_down(harness: Harness) -> None:
    under_way, broken_off, in_line = harness.add("under way", "broken off", "in line")
    engine = ScriptedEngine()
    gate, ends = threading.Event(), threading.Event()
    engine.enqueue(Scripted(gate=gate), Scripted(gate=ends, error=EngineDown("it went away")))
    worker = harness.worker(engine, lanes=2)
    free: list[str] = []

    def look_from_elsewhere() -> None:
        other = harness.worker(ScriptedEngine())
        tasks = other.claims.claim(9, loaded=None, held=frozenset(), now_s=0.0)
        free.extend(task.job.id for task in tasks)
        other.claims.give_back(tasks)

    def go_down() -> None:
        until(lambda: len(engine.requests) == 2)
        engine.down = True
        ends.set()
        until(lambda: len(worker.lanes.running()) == 1)

    harness.clock.at(5, go_down)
    harness.clock.at(20, look_from_elsewhere)
    harness.clock.at(30, lambda: (setattr(engine, "down", False), gate.set()))
    assert worker.run().answered == 3
    assert sorted(free) == sorted([broken_off, in_line])
    assert harness.view(under_way).answer
