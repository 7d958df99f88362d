"""What a Colab save does to a notebook's bytes, after the facts in facts/colab-and-ollama.md, section 1.

A `Save` says which of the observed variants one save is; `colab_save` applies it. Deterministic: the same bytes and the
same `Save` give the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

HIDDEN = "Output hidden; open in https://colab.research.google.com to view."
BADGE = {
    "cell_type": "markdown",
    "metadata": {"id": "view-in-github", "colab_type": "text"},
    "source": ['<a href="https://colab.research.google.com/github/o/r/blob/main/q.ipynb">Open In Colab</a>'],
}


@dataclass(frozen=True, kw_only=True)
class Save:
    """One variant of a save."""

    badge: bool = False  #: 1.3: a badge cell without id at index 0
    stripped: bool = False  #: the worst case that design section 3 assumes: all cell metadata gone
    minor: int = 5  #: 0: nbformat 4.0, where ids are in metadata.id only (1.4)
    hide: int | None = None  #: 1.15: the output of this cell (modulo those that have one) is hidden
    annotated: bool = True  #: 1.13, 1.14: outputId, colab and executionInfo in the cell metadata


#: Any variant.
saves = st.builds(
    Save,
    badge=st.booleans(),
    stripped=st.booleans(),
    minor=st.sampled_from([5, 0]),
    hide=st.none() | st.integers(0, 5),
    annotated=st.booleans(),
)


def colab_save(data: bytes, save: Save) -> bytes:
    """The bytes that Colab writes for a notebook that it opened: 2 spaces, no trailing newline (1.10)."""
    notebook = json.loads(data)
    cells = [_cell(cell, save) for cell in notebook["cells"]]
    with_output = [cell for cell in cells if cell.get("outputs")]
    if save.hide is not None and with_output:
        hidden = with_output[save.hide % len(with_output)]
        hidden["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/plain": [HIDDEN]}}]
    if save.badge and not any(cell.get("metadata", {}).get("id") == "view-in-github" for cell in cells):
        cells.insert(0, dict(BADGE))
    metadata = notebook["metadata"]
    metadata["colab"] = {**metadata.get("colab", {}), "provenance": [], "include_colab_link": save.badge}
    saved = {"nbformat": 4, "nbformat_minor": save.minor, "metadata": metadata, "cells": cells}
    return json.dumps(saved, indent=2).encode()


def _cell(cell: dict[str, Any], save: Save) -> dict[str, Any]:
    metadata = dict(cell["metadata"])
    native = cell.get("id") or metadata.get("id")
    if native:
        metadata["id"] = native  # 1.2, 1.4
    if save.annotated:
        metadata |= {"colab": {"base_uri": "https://localhost:8080/", "height": 35}}
        metadata |= {"executionInfo": {"status": "ok", "elapsed": 3, "user": {"displayName": "A Person"}}}
    saved: dict[str, Any] = {"cell_type": cell["cell_type"], "source": _lines(cell["source"])}  # 1.11
    if cell["cell_type"] == "code":
        saved["execution_count"] = None  # 1.12
        saved["outputs"] = [dict(reversed(list(output.items()))) for output in cell.get("outputs", [])]
        if saved["outputs"] and save.annotated:
            metadata["outputId"] = "4392b33b-0000-4000-8000-000000000000"
    saved["metadata"] = {} if save.stripped else metadata
    if save.minor >= 5 and cell.get("id"):
        saved["id"] = cell["id"]
    return saved


def _lines(source: str | list[str]) -> list[str]:
    text = source if isinstance(source, str) else "".join(source)
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
