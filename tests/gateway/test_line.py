"""Who is next: by priority, fairly between callers, first come first served, without two models taking turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.gateway.line import MOST_OVERTAKES, Line, LineFull, Priority, Ticket


def join(
    line: Line, caller: str, *, model: str = "m", priority: Priority = Priority.INTERACTIVE, now_s: float = 0.0
) -> Ticket:
    return line.join(caller=caller, model=model, priority=priority, now_s=now_s)


def served(line: Line, now_s: float = 0.0) -> list[Ticket]:
    """All that wait, in the order in which they get their turn, one at a time."""
    order = []
    while (ticket := line.begin_next(now_s)) is not None:
        order.append(ticket)
        line.leave(ticket, now_s)
    return order


def test_one_caller_is_served_in_order() -> None:
    line = Line(lanes=1, longest=10, one_model=False)
    tickets = [join(line, "a") for _ in range(4)]
    assert [line.place(ticket) for ticket in tickets] == [1, 2, 3, 4]
    assert served(line) == tickets


def test_a_caller_with_many_requests_delays_another_by_one() -> None:
    line = Line(lanes=1, longest=100, one_model=False)
    many = [join(line, "a") for _ in range(50)]
    one = join(line, "b")
    assert served(line).index(one) <= 1
    assert many[0].began_s is not None


def test_batches_wait_for_people() -> None:
    line = Line(lanes=1, longest=10, one_model=False)
    batch = join(line, "a", priority=Priority.BATCH)
    person = join(line, "b")
    assert served(line) == [person, batch]


def test_a_full_line_says_how_long_it_will_be() -> None:
    line = Line(lanes=1, longest=2, one_model=False)
    for _ in range(2):
        join(line, "a")
    with pytest.raises(LineFull) as full:
        join(line, "b")
    assert full.value.retry_after_s == 30  # three requests at ten seconds, before any has ended
    ticket = line.begin_next(0.0)
    assert ticket is not None
    line.leave(ticket, 110.0)
    assert line.wait_s(1) == 30  # a tenth of the way from 10 to 110 would be 20, a fifth 30


def test_requests_for_the_loaded_model_go_first_but_not_for_ever() -> None:
    line = Line(lanes=1, longest=100, one_model=True)
    first = join(line, "a", model="x")
    assert line.begin_next(0.0) is first
    other = join(line, "b", model="y")
    same = [join(line, "a", model="x") for _ in range(20)]
    line.leave(first, 0.0)
    order = served(line)
    assert order.index(other) == MOST_OVERTAKES
    assert set(order) == {other, *same}


def test_a_switch_waits_until_nothing_runs() -> None:
    line = Line(lanes=2, longest=10, one_model=True)
    first = join(line, "a", model="x")
    assert line.begin_next(0.0) is first
    other = join(line, "b", model="y")
    assert line.begin_next(0.0) is None
    line.leave(first, 0.0)
    assert line.begin_next(0.0) is other


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(Priority), st.booleans()), max_size=60
)


@given(STEPS, st.integers(1, 3), st.booleans())
def test_everybody_is_served_once_and_never_more_at_a_time_than_there_are_lanes(
    steps: list[tuple[str, str, Priority, bool]], lanes: int, one_model: bool
) -> None:
    line = Line(lanes=lanes, longest=1000, one_model=one_model)
    came, done = [], []
    for caller, model, priority, ends in steps:
        came.append(join(line, caller, model=model, priority=priority))
        line.begin_next(0.0)
        assert len(line.running) <= lanes
        if one_model:
            assert len({ticket.model for ticket in line.running}) <= 1
        if ends and line.running:
            ticket = min(line.running, key=lambda running: running.number)
            line.leave(ticket, 0.0)
            done.append(ticket)
    while line.running or line.waiting:
        while line.begin_next(0.0) is not None:
            pass
        assert line.running
        for ticket in list(line.running):
            line.leave(ticket, 0.0)
            done.append(ticket)
    assert sorted(ticket.number for ticket in done) == sorted(ticket.number for ticket in came)
