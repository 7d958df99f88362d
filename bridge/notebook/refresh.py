"""The first cells of a queue's notebooks, brought up to this version: an edit of these notes like any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.notebook import codec, template, wire
from bridge.notebook.cell import Cell
from bridge.notebook.raw import extras_of, source_of
from bridge.notebook.store import Store


def refresh_notes(store: Store) -> list[str]:
    """Rewrite what an older version wrote, and put back what is missing; gives the names of the notebooks that changed."""

    def decide() -> list[str]:
        changed = []
        for place in store.journal.places("part"):
            cells = store.journal.part(place).cells
            fresh = [_refreshed(store, note, cells.get(note["id"])) for note in _outdated(cells)]
            if fresh:
                store.journal.put(place.id, fresh, now=store.clock.now())
                store.journal.touch(place.id)
                changed.append(place.name)
        return changed

    return store.change(decide, "bringing the first cells up to date")


def outdated_cells(cells: Mapping[str, Cell]) -> list[str]:
    """Ids of the first cells of a part that are missing or are not what this version writes."""
    return [note["id"] for note in _outdated(cells)]


def _outdated(cells: Mapping[str, Cell]) -> list[Mapping[str, Any]]:
    found = []
    for note in template.part_notes():
        there = cells.get(note["id"])
        if there is None or source_of(there.raw) != template.fresh_source(note, there.raw):
            found.append(note)
    return found


def _refreshed(store: Store, note: Mapping[str, Any], there: Cell | None) -> Cell:
    position = note["metadata"]["bridge"]["position"]
    source = wire.split_lines(template.fresh_source(note, there.raw if there else None))
    if there is None:
        dots = {store.journal.writer: store.journal.take_dots(1)}
        edit = max(store.journal.history(note["id"]).values(), default=-1) + 1
        return codec.note_cell({**note, "source": source}, note["id"], position, dots, edit)
    extras = {**extras_of(there.raw), **extras_of(note)}
    raw = {**note, "source": source, "metadata": extras}
    return codec.note_cell(raw, note["id"], position, there.dots, there.note_edit + 1)
