"""How long an engine that is down is left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engines.breaker import PAUSES, Breaker

FIRST_S, LONGEST_S = PAUSES.first_s, PAUSES.longest_s


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(now_s=clock)


def fails(breaker: Breaker, clock: Clock, times: int, *, after: Callable[[], None] = lambda: None) -> Iterable[float]:
    """The pauses of failures, each as soon as the last pause is over."""
    for _ in range(times):
        pause_s = breaker.fail()
        yield pause_s
        clock.now_s += pause_s
        after()


def test_it_is_closed_at_first_and_when_the_engine_looks_well(breaker: Breaker, clock: Clock) -> None:
    clock.now_s = 1e9
    assert not breaker.is_open
    assert not breaker.look_due()
    breaker.fail()
    assert breaker.is_open
    breaker.close()
    assert not breaker.is_open


def test_a_look_is_due_when_the_pause_is_over_and_not_before(breaker: Breaker, clock: Clock) -> None:
    clock.now_s = 100.0
    assert breaker.fail() == FIRST_S
    clock.now_s = 100.0 + FIRST_S - 0.01
    assert not breaker.look_due()
    clock.now_s = breaker.retry_at_s
    assert breaker.look_due()


def test_pauses_double_up_to_the_longest(breaker: Breaker, clock: Clock) -> None:
    assert list(fails(breaker, clock, 8)) == [2, 4, 8, 16, 32, LONGEST_S, LONGEST_S, LONGEST_S]


def test_many_lanes_that_fail_at_once_are_one_failure(breaker: Breaker, clock: Clock) -> None:
    pauses = []
    for n in range(4):
        clock.now_s = 0.5 * n
        pauses.append(breaker.fail())
    assert pauses == [2.0, 1.5, 1.0, 0.5]
    assert breaker.state.failures == 1


def test_an_engine_that_asks_for_a_longer_pause_gets_it(breaker: Breaker, clock: Clock) -> None:
    assert breaker.fail(at_least_s=120.0) == 120.0
    assert breaker.fail() == 120.0
    clock.now_s = 1.0
    assert breaker.fail(at_least_s=500.0) == 500.0
    assert breaker.state.failures == 1


def test_after_an_answer_the_pauses_begin_anew(breaker: Breaker, clock: Clock) -> None:
    assert list(fails(breaker, clock, 3)) == [2, 4, 8]
    breaker.succeed()
    assert breaker.fail() == FIRST_S


def test_an_engine_that_looks_well_and_takes_nothing_is_left_alone_longer_each_time(
    breaker: Breaker, clock: Clock
) -> None:
    assert list(fails(breaker, clock, 4, after=breaker.close)) == [2, 4, 8, 16]


@given(st.lists(st.tuples(st.floats(0, 500), st.sampled_from(["fail", "close", "succeed"])), max_size=40))
def test_a_pause_is_never_negative_nor_longer_than_the_longest(steps: list[tuple[float, str]]) -> None:
    clock = Clock()
    breaker = Breaker(now_s=clock)
    for step_s, what in steps:
        clock.now_s += step_s
        pause_s = getattr(breaker, what)() or 0.0
        assert 0 <= pause_s <= LONGEST_S + 1e-6  # a difference of floats
        assert breaker.is_open == (breaker.state.retry_at_s > 0)


def test_a_thread_that_fails_while_another_does_waits_and_counts_with_it() -> None:
    """Without a lock the second would decide on the state that the first is about to replace."""
    second_looked = threading.Event()
    others: list[threading.Thread] = []
    interrupted: list[bool] = []

    def clock() -> float:
        if others:
            second_looked.set()
        else:
            others.append(threading.Thread(target=lambda: breaker.fail()))  # it is made below
            others[0].start()
            interrupted.append(second_looked.wait(0.2))
        return 0.0

    breaker = Breaker(now_s=clock)
    breaker.fail()
    others[0].join()

    assert interrupted == [False]
    assert breaker.state.failures == 1
