from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bridge import Bridge, State, wiring
from bridge.core.errors import UnknownJob, WaitTimedOut
from bridge.core.events import EventKind
from bridge.delivery.review import Reviewer
from tests.support.answers import BROKEN, GOOD, fail, give, rounds
from tests.support.patience import LONG_S, until
from tests.support.queues import Queue


class Waiter(threading.Thread):
    """A wait in a thread of its own, on a queue object of its own, as another process would have."""

    def __init__(self, queue: Queue, jobs: list[str], **rules: Any) -> None:
        super().__init__()
        self._bridge, self.jobs, self._rules = queue.open(), jobs, rules
        self.ready: list[str] = []
        self.began = threading.Event()
        self.start()
        assert self.began.wait(LONG_S)

    def run(self) -> None:
        def looking() -> bool:
            self.began.set()
            return False

        views = self._bridge.wait(self.jobs, timeout_s=LONG_S, give_up=looking, **self._rules)
        self.ready = [view.id for view in views]

    def end(self) -> list[str]:
        self.join(LONG_S)
        return self.ready


def review_lock(bridge: Bridge) -> FileLock:
    return FileLock(wiring.review_lock(bridge.opened))


def test_a_wait_returns_when_the_answer_is_in_the_notebook_and_checked(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    waiter = Waiter(queue, [job])

    give(bridge, job, GOOD)

    assert waiter.end() == [job]
    view = bridge.get(job)
    assert (view.state, view.verdict) == (State.DELIVERED, "clean")


def test_jobs_come_in_the_order_asked_for_and_are_told_as_they_become_ready(queue: Queue, bridge: Bridge):
    one, two = bridge.add("one"), bridge.add("two")
    told: list[str] = []
    give(bridge, two, GOOD)

    def ready(view: Any) -> None:
        told.append(view.id)
        if view.id == two:
            give(bridge, one, GOOD)

    views = bridge.wait([one, two], timeout_s=LONG_S, on_ready=ready)

    assert [view.id for view in views] == [one, two]
    assert told == [two, one]


@pytest.mark.parametrize(
    ("how", "state"),
    [
        (lambda b, j: fail(b, j), State.FAILED),  # there is nothing to wait for
        (lambda b, j: b.cancel(j), State.CANCELLED),
        (lambda b, j: (give(b, j, GOOD), b.archive(j)), State.ARCHIVED),  # moved away before anybody checked it
    ],
)
def test_a_job_that_gets_no_checked_answer_ends_the_wait_too(
    bridge: Bridge, how: Callable[[Bridge, str], Any], state: State
):
    job = bridge.add("Write f.")
    how(bridge, job)

    [view] = bridge.wait([job], timeout_s=LONG_S)

    assert bridge.get(job).state is state
    assert view.id == job


def test_a_failure_is_handed_over_once_and_stays_a_failure(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    fail(bridge, job, "out of memory")

    bridge.wait([job], timeout_s=LONG_S)
    first = bridge.get(job)
    queue.hand.moment += timedelta(minutes=1)
    bridge.wait([job], timeout_s=LONG_S)

    assert (first.state, first.delivered_to, first.error) == (State.FAILED, "wait", "out of memory")
    assert bridge.get(job).delivered_at == first.delivered_at
    assert [line.id for line in bridge.jobs(state=State.FAILED)] == [job]
    assert bridge.jobs(state=State.DELIVERED) == []


def test_a_failure_that_a_watcher_has_yet_to_write_down_is_waited_for(queue: Queue, bridge: Bridge, reviewer: Reviewer):
    job = bridge.add("Write f.")
    fail(bridge, job)
    with review_lock(bridge):
        waiter = Waiter(queue, [job])
        reviewer.settle()
        assert waiter.end() == [job]
    assert bridge.get(job).delivered_to == "wait"


def test_waiting_for_a_round_of_repair_itself_takes_its_answer_as_it_comes(bridge: Bridge, reviewer: Reviewer):
    job = give(bridge, bridge.add("Write f."), BROKEN)
    reviewer.settle()
    [child] = rounds(bridge, job)
    give(bridge, child, GOOD)

    assert [view.id for view in bridge.wait([child], timeout_s=LONG_S)] == [child]


def test_everybody_who_waits_gets_the_job_and_it_is_checked_once(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    waiters = [Waiter(queue, [job]) for _ in range(4)]

    give(bridge, job, GOOD)

    assert [waiter.end() for waiter in waiters] == [[job]] * 4
    assert len(queue.told(EventKind.CHECKED)) == 1


def test_each_waiters_rules_count_for_its_own_jobs_only(queue: Queue, bridge: Bridge):
    plain, mended = bridge.add("one"), bridge.add("two")
    give(bridge, mended, BROKEN)
    give(bridge, plain, BROKEN)

    [view] = bridge.wait([plain], timeout_s=LONG_S, max_rounds=0)

    assert view.verdict == "errors"
    assert bridge.get(mended).state is State.SUCCEEDED
    waiter = Waiter(queue, [mended], max_rounds=1)
    until(lambda: rounds(bridge, mended))
    give(bridge, rounds(bridge, mended)[0], GOOD)
    assert waiter.end() == [mended]
    assert bridge.get(mended).verdict == "clean"


def test_while_a_watcher_is_at_the_desk_a_waiter_leaves_the_checking_to_it(
    queue: Queue, bridge: Bridge, reviewer: Reviewer
):
    job = bridge.add("Write f.")
    give(bridge, job, GOOD)
    with review_lock(bridge):
        waiter = Waiter(queue, [job])
        with pytest.raises(WaitTimedOut):
            queue.open().wait([job], timeout_s=0.3)
        assert queue.told(EventKind.CHECKED) == []
        reviewer.settle()
        assert waiter.end() == [job]

    assert len(queue.told(EventKind.CHECKED)) == 1


def test_when_the_watcher_goes_the_waiter_takes_over(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    give(bridge, job, GOOD)
    with review_lock(bridge):
        waiter = Waiter(queue, [job])

    assert waiter.end() == [job]


def test_a_watcher_can_begin_while_somebody_waits(queue: Queue, bridge: Bridge):
    waiter = Waiter(queue, [bridge.add("Write f.")])

    with review_lock(bridge).acquire(timeout=LONG_S):
        pass
    bridge.cancel(waiter.jobs[0])
    waiter.end()


def test_without_a_watcher_a_waiter_puts_back_what_a_stale_save_removed(queue: Queue, bridge: Bridge):
    before = queue.load()
    job = bridge.add("Write f.")
    queue.save(before)  # a tab that had the old copy open
    waiter = Waiter(queue, [job])

    until(lambda: job in queue.path.read_text())
    give(bridge, job, GOOD)
    assert waiter.end() == [job]


def test_a_folder_that_is_away_for_a_while_is_waited_for(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    home = queue.path.parent
    away = home.with_name("away")
    looks = 0

    def look() -> bool:
        """Called a few times a second: the folder goes, and comes back with the answer in it."""
        nonlocal looks
        looks += 1
        if looks == 2:
            home.rename(away)
        if looks == 6:
            away.rename(home)
            give(bridge, job, GOOD)
        return False

    assert queue.open().wait([job], timeout_s=LONG_S, give_up=look)[0].id == job
    assert looks >= 6


def test_as_completed_gives_each_job_once_as_it_becomes_ready(bridge: Bridge):
    jobs = [bridge.add(text) for text in ("one", "two", "three")]
    for job in reversed(jobs):
        give(bridge, job, GOOD)

    assert {view.id for view in bridge.as_completed(jobs, timeout_s=LONG_S)} == set(jobs)
    assert all(bridge.get(job).state is State.DELIVERED for job in jobs)


def test_a_wait_that_is_given_up_says_so_and_leaves_the_job(bridge: Bridge):
    job = bridge.add("Write f.")

    with pytest.raises(WaitTimedOut, match=r"jobs not ready yet: 1 of 1; they stay queued"):
        bridge.wait([job], give_up=lambda: True)
    assert bridge.get(job).state is State.QUEUED


def test_a_job_that_another_machine_added_and_archived_is_found(
    queue: Queue, bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "another-machine"))
    other = queue.open()
    other.add("so that it knows the queue")
    bridge.status()
    job = give(other, other.add("Write f."), GOOD)
    other.archive(job)

    assert bridge.get(job).state is State.ARCHIVED
    with pytest.raises(UnknownJob):
        bridge.get("0" * 26)
