"""Code cells of a queue's notebook that are neither prompts nor what this version writes: whoever runs all runs them too. Pure.

Compared are the texts themselves, with what a person chose in a form; a choice that is more than a literal is code as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.core.text import line
from bridge.format import template
from bridge.format.first_cells import FIRST_CELLS
from bridge.format.raw_cell import RawCell, native_id, source_of
from bridge.kernel import grammar

#: Characters of a cell's first line that are shown.
_SHOWN = 60


def strange_cells(raws: Iterable[RawCell]) -> Iterator[str]:
    """What to call each code cell that is not ours: its id and its first line."""
    for raw in raws:
        source = source_of(raw)
        if raw.get("cell_type") != "code" or not source.strip() or grammar.is_prompt_cell(source):
            continue
        element = native_id(raw) or ""
        if grammar.text_sha256(source) == FIRST_CELLS.get(element) or source == (fresh := _fresh(element, raw)):
            continue
        first = next(text for text in source.splitlines() if text.strip())
        differs = " (differs from this version's)" if fresh is not None else ""
        yield f"{line(element, _SHOWN) or 'a cell without id'}{differs}: {line(first.strip(), _SHOWN)}"


def _fresh(element: str, raw: RawCell) -> str | None:
    """What this version writes where a cell stands, with a person's choices; None: nothing."""
    notes = template.part_notes() if element in FIRST_CELLS else ()
    return next((template.fresh_source(note, raw) for note in notes if native_id(note) == element), None)
