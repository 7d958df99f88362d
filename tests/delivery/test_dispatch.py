from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bridge import Bridge, State, wiring
from bridge.core.errors import NotDelivered, QueueNotWritable
from bridge.core.events import EventKind
from bridge.delivery.dispatch import Dispatch
from bridge.delivery.payload import HandOver
from bridge.delivery.review import Reviewer
from tests.support.answers import GOOD, fail, give, put_result
from tests.support.queues import Queue


@dataclass
class Fake:
    """A way out that fails as often as it is told, and notes what it gets."""

    name: str = "fake:1"
    at_once: int = 1
    failures: int = 0
    error: type[Exception] = NotDelivered
    got: list[tuple[str, str]] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)

    def send(self, what: HandOver, *, key: str, sarif: Mapping[str, Any] | None) -> None:
        self.tries.append(key)
        assert "sarif" not in what.to_json()
        if len(self.tries) <= self.failures:
            raise self.error("it is down")
        self.got.append((what.job, key))


def dispatch(queue: Queue, bridge: Bridge, *channels: Fake) -> Dispatch:
    return wiring.open_dispatch(bridge.opened, channels, queue.events.append)


@pytest.fixture
def job(bridge: Bridge, reviewer: Reviewer) -> str:
    made = give(bridge, bridge.add("Write f."), GOOD)
    reviewer.settle()
    return made


def test_each_way_gets_a_result_once(queue: Queue, bridge: Bridge, job: str):
    one, two = Fake("fake:1"), Fake("other:2")
    out = dispatch(queue, bridge, one, two)

    assert out.send_due() == [job]
    assert out.send_due() == []
    assert [len(one.got), len(two.got)] == [1, 1]
    assert bridge.get(job).state is State.DELIVERED
    assert len(queue.told(EventKind.DELIVERED)) == 1


def test_what_is_not_checked_is_not_handed_over(queue: Queue, bridge: Bridge):
    give(bridge, bridge.add("Write f."), GOOD)

    assert dispatch(queue, bridge, Fake()).send_due() == []


def test_a_failed_job_is_handed_over_too(queue: Queue, bridge: Bridge, reviewer: Reviewer):
    job = fail(bridge, bridge.add("Write f."))
    reviewer.settle()

    assert dispatch(queue, bridge, Fake()).send_due() == [job]


@pytest.mark.parametrize("error", [NotDelivered, QueueNotWritable])  # a server that is down; a full disk
def test_a_way_that_is_down_for_an_hour_is_tried_with_growing_pauses_until_it_takes_it(
    queue: Queue, bridge: Bridge, job: str, error: type[Exception]
):
    way = Fake(failures=10**6, error=error)
    out = dispatch(queue, bridge, way)
    began = queue.hand.moment
    pauses, last = [], began
    while queue.hand.moment < began + timedelta(hours=1):
        before = len(way.tries)
        out.send_due()
        if len(way.tries) > before:
            pauses.append((queue.hand.moment - last).total_seconds())
            last = queue.hand.moment
        queue.hand.moment += timedelta(seconds=1)
    way.failures = 0
    queue.hand.moment += timedelta(seconds=300)

    assert out.send_due() == [job]
    assert pauses[:9] == [0, 2, 4, 8, 16, 32, 64, 128, 256]
    assert set(pauses[9:]) == {300}
    assert len(set(way.tries)) == 1  # one idempotency key
    assert bridge.get(job).state is State.DELIVERED
    assert len(queue.told(EventKind.UNDELIVERED)) == len(pauses)


def test_one_way_that_is_down_does_not_hold_up_the_other(queue: Queue, bridge: Bridge, job: str):
    down, up = Fake("down:1", failures=1), Fake("up:2")
    out = dispatch(queue, bridge, down, up)

    assert out.send_due() == []
    assert len(up.got) == 1
    assert out.left([job]) == [job]
    queue.hand.moment += timedelta(seconds=2)
    assert out.send_due() == [job]
    assert (len(up.got), out.left([job])) == (1, [])


def test_a_process_that_dies_before_it_noted_the_delivery_hands_over_again_with_the_same_key(
    queue: Queue, bridge: Bridge, job: str, monkeypatch: pytest.MonkeyPatch
):
    way = Fake()
    with monkeypatch.context() as patch:
        patch.setattr("bridge.store.review_state.put_delivery", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            dispatch(queue, bridge, way).send_due()

    assert dispatch(queue, queue.open(), way).send_due() == [job]
    assert len(way.got) == 2
    assert len(set(way.tries)) == 1


def test_while_one_process_sends_another_one_does_not(queue: Queue, bridge: Bridge, job: str):
    way = Fake()
    other = dispatch(queue, queue.open(), way)

    class Slow(Fake):
        def send(self, what: HandOver, *, key: str, sarif: Mapping[str, Any] | None) -> None:
            assert other.send_due() == []
            way.send(what, key=key, sarif=sarif)

    assert dispatch(queue, bridge, Slow()).send_due() == [job]
    assert other.send_due() == []
    assert len(way.got) == 1


def test_a_new_answer_is_handed_over_under_a_new_key(queue: Queue, bridge: Bridge, reviewer: Reviewer, job: str):
    way = Fake()
    out = dispatch(queue, bridge, way)
    out.send_due()
    bridge.retry(job)
    give(bridge, job, GOOD)
    reviewer.settle()

    assert out.send_due() == [job]
    assert len(set(way.tries)) == 2


def test_only_the_jobs_that_are_asked_for_are_sent(queue: Queue, bridge: Bridge, reviewer: Reviewer, job: str):
    other = give(bridge, bridge.add("Write g."), GOOD)
    reviewer.settle()
    way = Fake()

    assert dispatch(queue, bridge, way).send_due({other}) == [other]
    assert [got[0] for got in way.got] == [other]


def double(bridge: Bridge, job: str, text: str, *, earlier_s: float) -> None:
    """Another machine's answer to the same attempt, which was there before ours, arrives now."""

    [first] = bridge.get(job).job.results
    finished_at = first.finished_at - timedelta(seconds=earlier_s)
    put_result(bridge, replace(first, answer=text, finished_at=finished_at, worker={"id": "v"}))


@pytest.mark.parametrize("text", [GOOD.replace("f(", "g("), "```python\nx = = 1\n```"])  # as good; one with an error
def test_a_double_that_was_finished_earlier_and_arrives_later_is_checked_but_not_handed_over(
    queue: Queue, bridge: Bridge, reviewer: Reviewer, job: str, text: str
):
    way = Fake()
    out = dispatch(queue, bridge, way)
    out.send_due()
    double(bridge, job, text, earlier_s=10)
    assert bridge.get(job).answer == text  # it counts, on every machine
    assert reviewer.settle() == [job]

    assert out.send_due() == []
    assert len(way.got) == 1
    view = bridge.get(job)
    assert (view.state, view.verdict) == (State.DELIVERED, "errors" if "= =" in text else "clean")
    assert [line.id for line in bridge.jobs()] == [job]  # and nobody is asked to repair it


def test_a_double_that_arrives_before_the_hand_over_is_handed_over_in_place_of_the_other(
    queue: Queue, bridge: Bridge, reviewer: Reviewer, job: str
):
    way = Fake()
    double(bridge, job, GOOD.replace("f(", "g("), earlier_s=10)
    assert reviewer.settle() == [job]

    assert dispatch(queue, bridge, way).send_due() == [job]
    assert len(way.got) == 1


@pytest.mark.parametrize(("at_once", "transactions"), [(1, 5), (4, 1)])  # a program, and a disk
def test_a_way_that_takes_several_at_once_is_written_down_once_for_all_of_them(
    queue: Queue, bridge: Bridge, reviewer: Reviewer, at_once: int, transactions: int
):
    jobs = {give(bridge, bridge.add(f"Write f{n}."), GOOD) for n in range(5)}
    reviewer.settle()
    way = Fake(at_once=at_once)
    before = bridge.store.lock.taken

    assert set(dispatch(queue, bridge, way).send_due()) == jobs
    assert bridge.store.lock.taken - before == transactions
    assert {job for job, _ in way.got} == jobs


def test_of_several_at_once_those_that_fail_are_tried_again_and_the_others_are_not(
    queue: Queue, bridge: Bridge, reviewer: Reviewer
):
    jobs = {give(bridge, bridge.add(f"Write f{n}."), GOOD) for n in range(5)}
    reviewer.settle()
    way = Fake(at_once=4, failures=2)
    out = dispatch(queue, bridge, way)
    first = set(out.send_due())
    queue.hand.moment += timedelta(seconds=300)

    assert len(first) == 3
    assert set(out.send_due()) == jobs - first
    assert sorted(job for job, _ in way.got) == sorted(jobs)
