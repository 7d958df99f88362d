"""Which job is next: priority, then the loaded model unless another was passed over for too long, then the oldest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.worker.scheduler import Candidate, choose

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


def job(name: str, model: str = "a", priority: int = 0, minute: int = 0, *, mine: bool = True) -> Candidate:
    born = NOON + timedelta(minutes=minute)
    return Candidate(id=name, model=model, priority=priority, created_at=born, position=name, mine=mine)


def order(jobs: list[Candidate], loaded: str | None = None, room: int = 99, **passed_over_minutes: int) -> list[str]:
    passed_over = {model: timedelta(minutes=minutes) for model, minutes in passed_over_minutes.items()}
    chosen = choose(jobs, loaded=loaded, room=room, patience=HALF_AN_HOUR, passed_over=passed_over)
    return [each.id for each in chosen]


@pytest.mark.parametrize(
    ("jobs", "loaded", "passed_over", "wanted"),
    [
        # the oldest first
        ([job("1", minute=5), job("2", minute=3)], None, {}, ["2", "1"]),
        # of one age: as they stand in the notebook
        ([job("2"), job("1")], None, {}, ["1", "2"]),
        # priority before age
        ([job("1"), job("2", priority=1, minute=9), job("3", priority=-1)], None, {}, ["2", "1", "3"]),
        # the loaded model before age
        ([job("1", "a"), job("2", "b", minute=9)], "b", {}, ["2", "1"]),
        # priority before the loaded model
        ([job("1", "a", priority=1), job("2", "b")], "b", {}, ["1", "2"]),
        # nothing is loaded: the model with the most jobs
        ([job("1", "a"), job("2", "b", minute=1), job("3", "b", minute=2)], None, {}, ["2", "3", "1"]),
        # none of those that wait is loaded: the same
        ([job("1", "a"), job("2", "b", minute=1), job("3", "b", minute=2)], "c", {}, ["2", "3", "1"]),
        # passed over, but not for long: it waits on
        ([job("1", "a"), job("2", "b", minute=9)], "b", {"a": 29}, ["2", "1"]),
        # passed over for too long: it goes first
        ([job("1", "a", minute=9), job("2", "b")], "b", {"a": 31}, ["1", "2"]),
        # two that were: the longer first
        ([job("1", "a"), job("2", "b"), job("3", "c")], "c", {"a": 31, "b": 40}, ["2", "1", "3"]),
        # the loaded one is never passed over
        ([job("1", "a"), job("2", "b")], "b", {"b": 90}, ["2", "1"]),
        # several workers: what falls to this one before what is older, but not before what is more urgent
        ([job("1", mine=False), job("2", minute=1), job("3", priority=1, mine=False)], None, {}, ["3", "2", "1"]),
        # what falls to another is taken from the far end
        ([job("1", mine=False), job("2", mine=False), job("3"), job("4")], None, {}, ["3", "4", "2", "1"]),
    ],
)
def test_the_order_is(
    jobs: list[Candidate], loaded: str | None, passed_over: dict[str, int], wanted: list[str]
) -> None:
    assert order(jobs, loaded, **passed_over) == wanted
    assert order(jobs[::-1], loaded, **passed_over) == wanted


def test_no_more_are_chosen_than_there_is_room_for() -> None:
    jobs = [job(str(n)) for n in range(5)]
    assert order(jobs, room=2) == ["0", "1"]
    assert order(jobs, room=0) == []
    assert order(jobs, room=-3) == []
    assert order([], room=3) == []


candidates = st.lists(
    st.builds(
        job,
        st.uuids().map(str),
        st.sampled_from("abc"),
        st.integers(-2, 2),
        st.integers(0, 100),
        mine=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda each: each.id,
)
passed = st.dictionaries(st.sampled_from("abc"), st.integers(0, 90).map(lambda n: timedelta(minutes=n)))


@given(candidates, st.sampled_from([None, "a", "b", "z"]), st.integers(0, 40), passed)
def test_always_a_beginning_of_one_order_of_all(
    jobs: list[Candidate], loaded: str | None, room: int, passed_over: dict[str, timedelta]
) -> None:
    def chosen(n: int) -> list[Candidate]:
        return choose(jobs, loaded=loaded, room=n, patience=HALF_AN_HOUR, passed_over=passed_over)

    everything = chosen(len(jobs))
    assert sorted(everything, key=lambda each: each.id) == sorted(jobs, key=lambda each: each.id)
    assert chosen(room) == everything[:room]
    assert all(x.priority >= y.priority for x, y in pairwise(everything))


@given(candidates, st.sampled_from([None, "a", "b", "z"]), passed)
def test_each_model_is_loaded_once_for_all_its_jobs_of_a_priority(
    jobs: list[Candidate], loaded: str | None, passed_over: dict[str, timedelta]
) -> None:
    ordered = choose(jobs, loaded=loaded, room=99, patience=HALF_AN_HOUR, passed_over=passed_over)
    for _, group in groupby(ordered, key=lambda each: each.priority):
        models = [model for model, _ in groupby(group, key=lambda each: each.model)]
        assert len(models) == len(set(models))
