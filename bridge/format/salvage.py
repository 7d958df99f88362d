"""What is left of half a notebook: the cells that are whole, from the first one on. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from bridge.format import json_bytes
from bridge.kernel import grammar

_CELLS = re.compile(r'"cells"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_QUEUE_ID = re.compile(rb'"queue_id"\s*:\s*"([A-Za-z0-9-]{1,64})"')


def said_queue_id(data: bytes) -> str | None:
    """The queue that a file names, whole or not; None: that part of it is gone."""
    found = _QUEUE_ID.search(data)
    return found[1].decode() if found else None


def salvaged(data: bytes, *, queue_id: str, part: int) -> tuple[bytes, int]:
    """The file of a notebook with the whole cells of one that is cut, and how many they are.

    Its context is empty, so that no cell that it lacks counts as deleted.
    """
    cells = list(_whole_cells(data.decode("utf-8", "replace")))
    stamp = {"schema": grammar.SCHEMA, "queue_id": queue_id, "part": part, "context": {}}
    notebook = {"cells": cells, "metadata": {"bridge": stamp}, "nbformat": 4, "nbformat_minor": 5}
    return json_bytes.dumps(notebook, indent=True), len(cells)


def _whole_cells(text: str) -> Iterator[object]:
    begin = _CELLS.search(text)
    decoder, at = json.JSONDecoder(), begin.end() if begin else len(text)
    while (found := _BETWEEN.match(text, at)) and text.startswith("{", found.end()):
        try:
            cell, at = decoder.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            return
        yield cell
