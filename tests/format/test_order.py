"""Sort keys: there is always room, and what stands in order stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.format.order import KEY, between, place
from tests.support.values import job_ids

quick = settings(deadline=None, derandomize=True)
keys = st.from_regex(KEY, fullmatch=True).filter(lambda key: len(key) < 12) | job_ids


@quick
@given(low=st.just("") | keys, high=st.none() | keys)
def test_there_is_a_key_between_any_two(low: str, high: str | None) -> None:
    if high is not None and low >= high:
        with pytest.raises(ValueError, match="no key lies between"):
            between(low, high)
        return
    key = between(low, high)
    assert low < key
    assert high is None or key < high
    assert KEY.fullmatch(key), "the lowest digit never ends a key"


@quick
@given(given_=st.lists(st.none() | keys, max_size=12))
def test_placed_keys_rise_and_the_longest_run_stays(given_: list[str | None]) -> None:
    placed, moved = place(given_)
    assert placed == sorted(set(placed))
    assert all(placed[i] == key for i, key in enumerate(given_) if key is not None and i not in moved)
    assert all(given_[i] is not None for i in moved)
    assert place(placed) == (placed, set()), "placing again changes nothing"


@quick
@given(given_=st.lists(keys, min_size=2, max_size=12, unique=True), data=st.data())
def test_moving_one_cell_moves_only_that_one(given_: list[str], data: st.DataObject) -> None:
    order = sorted(given_)
    cell = order.pop(data.draw(st.integers(0, len(order) - 1)))
    order.insert(data.draw(st.integers(0, len(order))), cell)
    _, moved = place(order)
    assert len(moved) == int(order != sorted(order))


def test_many_new_cells_in_a_row_have_short_keys_and_one_more_changes_none() -> None:
    many, _ = place([None] * 200_000)
    assert max(map(len, many)) <= 6, "they grew by one a cell once, which is 20 GB of keys"
    assert many == sorted(set(many))
    assert place([None] * 200)[0] == many[:200]
    between_two, _ = place(["V", *[None] * 1_000, "V1"])
    assert between_two == sorted(set(between_two))
