"""Notebook bytes: what is written reads back equal, and half a notebook is never one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.format import json_bytes
from tests.support.values import texts

quick = settings(deadline=None, derandomize=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@quick
@given(value=values)
def test_a_value_reads_back_whatever_it_holds(value: object) -> None:
    assert json_bytes.loads(json_bytes.dumps(value)) == value
    assert json_bytes.loads(json_bytes.dumps(value, indent=True)) == value
    assert json_bytes.canonical(json_bytes.loads(json_bytes.dumps(value))) == json_bytes.canonical(value)


@quick
@given(cells=st.lists(st.dictionaries(texts, values, max_size=3), max_size=3), metadata=st.dictionaries(texts, values))
def test_a_joined_notebook_is_the_json_of_its_cells(
    cells: list[dict[str, object]], metadata: dict[str, object]
) -> None:
    data = json_bytes.join_notebook([json_bytes.dump_cell(cell) for cell in cells], metadata)
    assert json_bytes.loads(data) == {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    assert json.loads(data) == json_bytes.loads(data)


@quick
@given(cells=st.lists(st.dictionaries(texts, values, max_size=2), max_size=2), data=st.data())
def test_half_a_notebook_is_refused(cells: list[dict[str, object]], data: st.DataObject) -> None:
    whole = json_bytes.join_notebook([json_bytes.dump_cell(cell) for cell in cells], {}).rstrip()
    with pytest.raises(ValueError, match=r".*"):
        json_bytes.loads(whole[: data.draw(st.integers(0, len(whole) - 1))])


@quick
@given(text=texts)
def test_lines_join_to_the_text_that_was_split(text: str) -> None:
    assert json_bytes.join_lines(json_bytes.split_lines(text)) == text
    assert json_bytes.join_lines(text) == text


def test_a_byte_order_mark_is_read_over() -> None:
    assert json_bytes.loads(b"\xef\xbb\xbf{}") == {}
