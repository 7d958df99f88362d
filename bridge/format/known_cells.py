"""Reading a notebook file beside cells that are already known, so that only what differs is decoded.

A notebook comes back from a worker or an editor with most cells as they were. Where its bytes at the place of a cell are
those of a known one, that cell is taken: comparing bytes is forty times as fast as decoding them.

Promise: the JSON is the same as `json_bytes.loads` gives. Each piece between the commas of the list of cells is JSON,
because it was decoded before or is decoded here, so no other reading of the file is possible; where a piece is not, the
file is decoded as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from bridge.format import json_bytes
from bridge.format.cell import Cell

_HEAD, _NEXT, _END = b'{\n  "cells": [\n    ', b",\n    ", b"\n  ]"  # as `json_bytes.join_notebook` lays it out
_CELL_END = b"\n    }"
#: Bytes at the start of a cell that tell it from others: its id is among them.
_KEY_BYTES = 112


def loads(data: bytes, known: Iterable[Cell]) -> object:
    """The notebook in a file; a cell that is known stands among its cells as that `Cell`, each at most once.

    Raises ValueError if it is no JSON.
    """
    if data.startswith(_HEAD):
        cells, end = _cells(data, [cell for cell in known if cell.position == cell.id or _says_position(cell)])
        if cells:
            try:
                rest = json_bytes.loads(b'{"cells":null' + data[end:])
            except ValueError:
                rest = {}
            if rest.get("cells", data) is None:  # no second list of cells
                return {**rest, "cells": cells}
    return json_bytes.loads(data)


def _says_position(cell: Cell) -> bool:
    """Whether the cell stands where its own bytes say; a reader of one that does not must find that it was moved."""
    return f'"position": "{cell.position}"'.encode() in cell.data


def _cells(data: bytes, known: list[Cell]) -> tuple[list[object], int]:
    """The cells, and where their list ends; none if the file is laid out in another way."""
    cells: list[object] = []
    at = len(_HEAD)
    ahead = sorted(known, key=attrgetter("position", "id"), reverse=True)  # the next of the file is expected at the end
    apart: dict[bytes, Cell] = {}  # and from the first one on that stands elsewhere, they are looked up
    while True:  # no more than needed: this runs once for each cell of a file
        cell = ahead.pop() if ahead else apart.pop(data[at : at + _KEY_BYTES], None)
        if cell is not None and data.startswith(known_data := cell.data, at):
            cells.append(cell)
            at += len(known_data)
        elif cell is not None and not data.startswith(known_data[:_KEY_BYTES], at):
            apart = {other.data[:_KEY_BYTES]: other for other in (cell, *reversed(ahead))}
            ahead = []
            continue
        else:
            end = data.find(_CELL_END, at) + len(_CELL_END)
            if not data.startswith(b"{", at) or end < at:
                return [], 0
            try:
                cells.append(json_bytes.load_cell(data[at:end]))
            except ValueError:
                return [], 0
            at = end
        if data.startswith(_NEXT, at):
            at += len(_NEXT)
        else:
            return (cells, at + len(_END)) if data.startswith(_END, at) else ([], 0)
