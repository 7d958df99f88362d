"""Reading a file beside known cells gives what reading it alone gives, and decodes only what differs."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.format import codec, json_bytes, known_cells, merge
from bridge.format.cell import Cell
from bridge.format.codec import Part
from tests.support.colab import Save, colab_save, saves
from tests.support.histories import deeds, happened, meaning

thorough = settings(deadline=None, derandomize=True, max_examples=150)
History = list[tuple[str, str, int]]
LONG: History = [("w1", "add", 1), ("w1", "note", 4), ("w1", "add", 2), ("w1", "finish", 0), ("w1", "add", 3)]


def as_bytes(part: Part, *, decoded: bool = False) -> Part:
    """The part as the journal gives it: every cell as bytes (or decoded), with its identity beside them."""
    cells = {
        element: Cell(id=element, kind=cell.kind, raw=cell.raw, dots=cell.dots, position=cell.position)
        if decoded
        else Cell.stored(element, cell.kind, cell.position, json_bytes.dumps(cell.dots).decode(), cell.data)
        for element, cell in part.cells.items()
    }
    return Part(queue_id=part.queue_id, number=part.number, context=part.context, cells=cells, metadata=part.metadata)


def read_beside(data: bytes, known: Part) -> Part:
    return codec.read_part(known_cells.loads(data, known.cells.values()))


def as_json(notebook: Any) -> Any:
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return notebook
    cells = [json_bytes.loads(cell.data) if isinstance(cell, Cell) else cell for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


@thorough
@given(history=deeds, pick=st.integers(0, 30))
def test_a_merge_of_cells_as_bytes_says_what_a_merge_of_decoded_cells_says(history: History, pick: int) -> None:
    writers = happened(history)
    versions = [*writers.versions.values(), writers.old[pick % len(writers.old)]]
    for a in versions:
        for b in versions:
            file, mine = codec.dump_part(b), as_bytes(a)
            quick = merge.merge(mine, read_beside(file, mine))
            slow = merge.merge(as_bytes(a, decoded=True), codec.read_part(json_bytes.loads(file)))
            assert codec.dump_part(quick) == codec.dump_part(slow)
            assert meaning(quick) == meaning(slow)


@thorough
@given(history=deeds, data=st.data())
def test_a_file_that_an_editor_or_an_accident_changed_is_read_as_it_is_without_known_cells(
    history: History, data: st.DataObject
) -> None:
    a, b, _ = happened(history).versions.values()
    file, mine = codec.dump_part(b), as_bytes(a)
    if data.draw(st.booleans(), label="saved by an editor"):
        file = colab_save(file, data.draw(saves))
    start, end = sorted(data.draw(st.integers(0, len(file))) for _ in range(2))
    other = data.draw(
        st.sampled_from([b"", b"\0", b"}", b'"', b",", b"\n    }", b'],\n"cells": [', file[start:end] * 2])
    )
    file = file[:start] + other + file[end:]
    try:
        alone = json_bytes.loads(file)
    except ValueError:
        alone = None
    try:
        beside = as_json(known_cells.loads(file, mine.cells.values()))
    except ValueError:
        beside = None
    assert beside == alone


@thorough
@given(history=deeds, order=st.randoms(use_true_random=False), doubled=st.booleans())
def test_cells_that_a_person_moved_or_copied_are_noticed(history: History, order: Any, doubled: bool) -> None:
    part, _, _ = happened(LONG + history).versions.values()
    cells = [cell.data for cell in part.in_order()]
    order.shuffle(cells)
    file = json_bytes.join_notebook(cells + cells[:1] * doubled, codec.write_metadata(part))
    mine = as_bytes(part)
    quick, slow = read_beside(file, mine), codec.read_part(json_bytes.loads(file))
    assert [(c.id, c.position, c.moved) for c in quick.in_order()] == [
        (c.id, c.position, c.moved) for c in slow.in_order()
    ]
    assert meaning(quick) == meaning(slow)
    assert meaning(mine) == meaning(as_bytes(part)), "what was known stands where it stood"


def test_a_cell_whose_bytes_are_known_is_not_decoded() -> None:
    part, _, _ = happened(LONG).versions.values()
    mine = as_bytes(part)
    changed, *rest = part.in_order()
    file = codec.dump_part(part).replace(changed.data, changed.data.replace(b"prompt", b"Prompt"))
    read = read_beside(file, mine)
    assert all(read.cells[cell.id] is mine.cells[cell.id] for cell in rest)
    assert read.cells[changed.id] is not mine.cells[changed.id]
    assert b"Prompt" in read.cells[changed.id].data


def test_a_file_in_another_layout_is_read_all_the_same() -> None:
    part, _, _ = happened(LONG).versions.values()
    file = colab_save(codec.dump_part(part), Save())
    assert as_json(known_cells.loads(file, as_bytes(part).cells.values())) == json_bytes.loads(file)


def test_known_cells_that_stand_in_another_order_in_the_file_are_taken_all_the_same() -> None:
    writers = happened(LONG)
    part = as_bytes(max(writers.versions.values(), key=lambda version: len(version.cells)))
    cells = part.in_order()
    assert len(cells) > 3
    shuffled = [cells[2], *cells[:2], *cells[3:]]
    file = json_bytes.join_notebook([cell.data for cell in shuffled], codec.write_metadata(part))
    notebook = known_cells.loads(file, part.cells.values())
    assert isinstance(notebook, dict)
    assert [cell is known for cell, known in zip(notebook["cells"], shuffled, strict=True)] == [True] * len(cells)
