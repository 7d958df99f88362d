"""When a worker ends, and how: nothing is burnt, nothing is lost, and what it held is free again."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from bridge.core.job import to_iso
from bridge.engines.base import Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.worker.loop import End, Worker
from tests.support.harness import Harness


def leases(harness: Harness) -> list[str]:
    """Workers whose claim stands in a cell and was not given back."""
    cells = harness.queue.load()["cells"]
    found = [cell["metadata"].get("bridge", {}).get("lease") for cell in cells if not cell.get("outputs")]
    return [lease["worker"] for lease in found if lease and not lease.get("released")]


def stop_when(worker: Worker, engine: ScriptedEngine, asked: int) -> None:
    """Ask it to stop as soon as so many requests have come."""
    answer = engine.default

    def watching(request: Request) -> str:
        if len(engine.requests) >= asked:
            worker.ask_to_stop()
        return answer(request)

    engine.default = watching


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_stop_gives_back_what_is_under_way_without_burning_an_attempt(harness: Harness, lanes: int) -> None:
    ids = harness.add(*(f"{n}" for n in range(8)))
    engine = ScriptedEngine()
    engine.enqueue(*[Scripted(gate=threading.Event())] * 8)  # never ends by itself
    worker = harness.worker(engine, lanes=lanes)
    harness.clock.at(5, worker.ask_to_stop)
    done = worker.run()
    assert (done.end, done.answered, done.failed, done.given_back) == (End.STOPPED, 0, 0, min(8, 2 * lanes))
    assert harness.states() == {"queued": 8}
    assert leases(harness) == []
    assert all(harness.view(job).job.attempts == () for job in ids)


def test_a_job_that_is_cancelled_while_it_is_answered_is_cut_and_the_next_one_begins(harness: Harness) -> None:
    first, second = harness.add("one", "two")
    engine = ScriptedEngine()
    engine.enqueue(Scripted(gate=threading.Event()))  # never ends by itself

    def cancel() -> None:
        with harness.open() as bridge:
            bridge.cancel(first)

    worker = harness.worker(engine, lanes=1)
    harness.clock.at(5, cancel)
    done = worker.run()
    assert (done.end, done.answered, done.failed) == (End.EMPTY, 1, 0)
    assert [harness.view(job).state.value for job in (first, second)] == ["cancelled", "succeeded"]
    assert harness.view(first).job.attempts == ()


def test_answers_that_came_before_the_stop_are_published(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(20)))
    engine = ScriptedEngine()
    worker = harness.worker(engine)
    stop_when(worker, engine, 7)
    done = worker.run()
    assert done.answered >= 6
    assert sum("Answer to" in text for text in harness.shown().values()) == done.answered


def test_the_next_worker_goes_on_at_once_where_the_last_one_stopped(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(10)))
    first = ScriptedEngine()
    worker = harness.worker(first)
    stop_when(worker, first, 4)
    done = worker.run()
    second = ScriptedEngine()
    before = harness.clock.seconds
    after = harness.work(second)
    assert done.answered + after.answered == 10
    assert harness.states() == {"succeeded": 10}
    assert harness.clock.seconds - before < 30  # no lease had to run out


def test_asking_to_stop_takes_no_lock_because_it_may_come_in_the_middle_of_anything(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    class Lock:
        """A lock that tells who took it."""

        def __init__(self) -> None:
            lock = make_lock()
            self.release, self.locked = lock.release, lock.locked
            self._acquire = lock.acquire

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            taken.append(threading.get_ident())
            return self._acquire(blocking, timeout)

        def __enter__(self) -> bool:
            return self.acquire()

        def __exit__(self, *_: object) -> None:
            self.release()

    make_lock = threading.Lock
    with monkeypatch.context() as patch:
        patch.setattr(threading, "Lock", Lock)
        worker = harness.worker(ScriptedEngine())
    taken.clear()
    asking: list[int] = []
    handler = threading.Thread(target=lambda: (asking.append(threading.get_ident()), worker.ask_to_stop()))
    handler.start()
    handler.join()
    assert not set(asking) & set(taken)
    assert worker.run().end is End.STOPPED
    assert taken  # the worker's locks were watched


def test_after_its_time_a_worker_begins_nothing_and_finishes_what_it_began(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(9)))
    engine = ScriptedEngine()
    gates = [threading.Event() for _ in range(9)]
    engine.enqueue(*[Scripted(text=f"answer {n}", gate=gate) for n, gate in enumerate(gates)])
    worker = harness.worker(engine, lanes=2, max_time_s=60.0)
    harness.clock.at(90, lambda: [gate.set() for gate in gates])
    done = worker.run()
    assert (done.end, done.answered) == (End.TIME, 2)
    assert len(engine.requests) == 2  # those in the line behind them were not begun
    assert harness.states() == {"succeeded": 2, "queued": 7}
    assert leases(harness) == []


def test_time_that_is_over_ends_a_worker_whose_engine_is_down(harness: Harness) -> None:
    harness.add("one")
    engine = ScriptedEngine()
    engine.down = True
    done = harness.work(engine, max_time_s=600.0)
    assert done.end is End.TIME
    assert 600 <= harness.clock.seconds < 700


def test_forever_waits_for_new_jobs_until_it_is_stopped(harness: Harness) -> None:
    harness.add("first")
    engine = ScriptedEngine()
    worker = harness.worker(engine, forever=True)
    harness.clock.at(3600, lambda: harness.add("an hour later"))
    harness.clock.at(3700, worker.ask_to_stop)
    done = worker.run()
    assert (done.end, done.answered) == (End.STOPPED, 2)
    assert harness.clock.waits < 12_000  # it sleeps half a second at a time, it does not spin


def test_forever_notices_a_new_job_within_its_polling_time(harness: Harness) -> None:
    seen: list[float] = []
    engine = ScriptedEngine(lambda _: seen.append(harness.clock.seconds) or "yes")  # type: ignore[func-returns-value]
    worker = harness.worker(engine, forever=True, poll_s=5.0)
    harness.clock.at(100, lambda: harness.add("new"))
    harness.clock.at(120, worker.ask_to_stop)
    worker.run()
    assert len(seen) == 1
    assert 100 <= seen[0] <= 106


def test_until_empty_sees_jobs_that_came_while_it_worked(harness: Harness) -> None:
    harness.add("first")
    engine = ScriptedEngine()
    more = iter(["second", "third", "fourth"])

    def answer(request: Request) -> str:
        for text in more:
            harness.add(text)  # while the last job is under way
            break
        return "yes"

    engine.default = answer
    done = harness.work(engine)
    assert (done.end, done.answered) == (End.EMPTY, 4)


def test_a_heartbeat_lies_beside_the_queue_while_the_worker_works_and_not_after(harness: Harness) -> None:
    harness.add("one")
    engine = ScriptedEngine()
    gate = threading.Event()
    engine.enqueue(Scripted(gate=gate))
    worker = harness.worker(engine, beat_s=15.0)
    beats: list[str] = []
    folder = harness.path.parent / "workers"

    def look() -> None:
        beats.extend(file.read_text() for file in folder.glob("*.json"))

    harness.clock.at(10, look)
    harness.clock.at(20, look)
    harness.clock.at(30, gate.set)
    worker.run()
    assert len(beats) == 2
    assert beats[0] != beats[1]  # it beats: every 15 s
    assert '"running"' in beats[1]
    assert list(folder.glob("*.json")) == []


def test_the_heartbeat_of_a_worker_that_was_killed_is_taken_away_by_the_next_one(harness: Harness) -> None:
    dead = harness.worker(ScriptedEngine())
    dead.heartbeat.begin()
    dead.heartbeat.beat({}, harness.clock.clock().now())
    [file] = (harness.path.parent / "workers").glob("*.json")
    left = file.read_bytes()
    dead.heartbeat.end(clean=False)  # frees the lock, as the operating system does for a process that was killed
    file.write_bytes(left)
    harness.work(ScriptedEngine())
    assert list((harness.path.parent / "workers").glob("*.json")) == []


def test_jobs_of_a_worker_that_was_killed_are_free_at_once_on_this_machine(harness: Harness) -> None:
    harness.add("a", "b")
    dead = harness.worker(ScriptedEngine())
    dead.heartbeat.begin()
    dead.claims.claim(2, loaded=None, held=frozenset(), now_s=0.0)
    dead.store.publish()
    dead.heartbeat.end(clean=False)  # frees the lock, as the operating system does for a process that was killed
    done = harness.work(ScriptedEngine())
    assert done.answered == 2
    assert harness.clock.seconds < 10
    assert all(harness.view(job).job.attempts == () for job in harness.shown())  # its attempt counts for nothing


def test_jobs_of_a_worker_that_is_alive_are_left_to_it(harness: Harness) -> None:
    harness.add("taken", "free")
    other = harness.worker(ScriptedEngine())
    other.heartbeat.begin()
    [task] = other.claims.claim(1, loaded=None, held=frozenset(), now_s=0.0)
    engine = ScriptedEngine()
    done = harness.work(engine)
    assert done.end is End.EMPTY  # nothing is left for this one
    assert [request.prompt for request in engine.requests] == ["free"]
    assert harness.view(task.job.id).state.value == "running"
    other.heartbeat.end()


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_claim_of_a_machine_whose_clock_is_an_hour_off_holds_for_its_length_and_no_longer(
    harness: Harness, hours: int
) -> None:
    [job] = harness.add("claimed elsewhere")
    book = harness.queue.load()
    expires = harness.clock.began + timedelta(hours=hours, seconds=900)
    for cell in book["cells"]:
        if cell["id"] == job:
            lease = {"worker": "elsewhere-1-ab", "attempt": 1, "expires_at": to_iso(expires)}
            cell["metadata"]["bridge"]["lease"] = lease
    harness.queue.save(book)
    seen: list[float] = []
    engine = ScriptedEngine(lambda _: seen.append(harness.clock.seconds) or "yes")  # type: ignore[func-returns-value]
    worker = harness.worker(engine, forever=True)
    harness.clock.at(1200, worker.ask_to_stop)
    worker.run()
    assert len(seen) == 1
    assert 900 <= seen[0] < 910


def test_a_worker_that_is_interrupted_while_it_winds_up_leaves_its_jobs_free(harness: Harness) -> None:
    harness.add("a", "b")
    engine = ScriptedEngine()
    engine.enqueue(*[Scripted(gate=threading.Event())] * 2)
    worker = harness.worker(engine)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    worker.lanes.end = interrupted  # type: ignore[method-assign]
    harness.clock.at(5, worker.ask_to_stop)
    with pytest.raises(KeyboardInterrupt):
        worker.run()
    worker.lanes.stop.set()
    assert harness.work(ScriptedEngine()).answered == 2
