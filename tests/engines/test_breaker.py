"""How long an engine that is down is left alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.engines.breaker import FIRST_S, LONGEST_S, Breaker


def test_it_is_closed_at_first_and_after_an_answer() -> None:
    breaker = Breaker()
    assert not breaker.is_open
    assert not breaker.look_due(1e9)
    breaker.fail(0.0)
    assert breaker.is_open
    breaker.close()
    assert not breaker.is_open


def test_a_look_is_due_when_the_pause_is_over_and_not_before() -> None:
    breaker = Breaker()
    assert breaker.fail(100.0) == FIRST_S
    assert not breaker.look_due(100.0 + FIRST_S - 0.01)
    assert breaker.look_due(100.0 + FIRST_S)


def test_pauses_double_up_to_the_longest() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(8):
        pauses.append(breaker.fail(now))
        now += pauses[-1]
    assert pauses == [2, 4, 8, 16, 32, LONGEST_S, LONGEST_S, LONGEST_S]


def test_many_lanes_that_fail_at_once_are_one_failure() -> None:
    breaker = Breaker()
    assert [breaker.fail(0.5 * n) for n in range(4)] == [2.0, 1.5, 1.0, 0.5]
    assert breaker.failures == 1


def test_after_an_answer_the_pauses_begin_anew() -> None:
    breaker = Breaker()
    for now in (0.0, 10.0, 30.0):
        breaker.fail(now)
    breaker.succeed()
    assert breaker.fail(1000.0) == FIRST_S


@given(st.lists(st.floats(0, 500), max_size=40))
def test_a_pause_is_never_negative_nor_longer_than_the_longest(steps: list[float]) -> None:
    breaker, now = Breaker(), 0.0
    for step in steps:
        now += step
        assert (
            0 <= breaker.fail(now) <= LONGEST_S + 1e-6
        )  # the pause is a difference of moments + 1e-6  # times are floats


def test_an_engine_that_looks_well_and_takes_nothing_is_left_alone_longer_each_time() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(4):
        pauses.append(breaker.fail(now))
        now += pauses[-1]
        assert breaker.look_due(now)
        breaker.close()  # its health is fine
        assert not breaker.is_open
    assert pauses == [2, 4, 8, 16]
