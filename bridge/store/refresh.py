"""The first cells of a queue's notebooks, brought up to this version: an edit of these notes like any other."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.format import codec, json_bytes, template
from bridge.format.cell import Cell
from bridge.format.other_metadata import OtherMetadata, other_metadata
from bridge.format.raw_cell import RawCell, extras_of, native_id, source_of, stamp_of
from bridge.store.rows import NotebookRow
from bridge.store.store import Store

#: In the head of the runtime cell; keep in sync with runtime.py.
_VERSION = re.compile(r"of Qwen Bridge (\d[\w.+-]*):")


def refresh_notes(store: Store) -> list[str]:
    """Rewrite what an older version wrote, and put back what is missing; gives the names of the notebooks that changed."""
    purpose = "bringing the first cells up to date"
    journal = store.journal
    lagging: list[NotebookRow] = []

    def touch() -> None:
        """Notes get a dot only when their file is written; without one they cannot be edited."""
        for place in lagging:
            journal.touch(place.id)

    def rewrite() -> None:
        for place in lagging:
            cells = journal.part(place).cells
            fresh = [_refreshed(store, note, cells.get(_id_of(note))) for note in _outdated(cells)]
            journal.put(place.id, fresh, now=store.clock.now())
            journal.touch(place.id)

    with store.exclusive(purpose):
        store.publish()
        lagging += (place for place in journal.places("part") if _lags(store, place))
        if lagging:
            store.change(touch, purpose)
            store.change(rewrite, purpose)
    return [place.name for place in lagging]


def outdated_cells(cells: Mapping[str, Cell]) -> list[str]:
    """Ids of the first cells of a part that are missing or are not what this version writes."""
    return [_id_of(note) for note in _outdated(cells)]


def version_in(cells: Mapping[str, Cell]) -> str | None:
    """The version that wrote the runtime cell of a part, as it says itself."""
    runtime = cells.get("bridge-runtime")
    found = _VERSION.search(source_of(runtime.raw)) if runtime else None
    return found[1] if found else None


def _lags(store: Store, place: NotebookRow) -> bool:
    read = store.transport.read(place.name)
    return read is not None and bool(outdated_cells(codec.read_part(json_bytes.loads(read[0]), name=place.name).cells))


def _outdated(cells: Mapping[str, Cell]) -> list[RawCell]:
    found = []
    for note in template.part_notes():
        there = cells.get(_id_of(note))
        if there is None or source_of(there.raw) != template.fresh_source(note, there.raw):
            found.append(note)
    return found


def _refreshed(store: Store, note: RawCell, there: Cell | None) -> Cell:
    element, position = _id_of(note), str(stamp_of(note)["position"])
    source = json_bytes.split_lines(template.fresh_source(note, there.raw if there else None))
    if there is None:
        dots = {store.journal.writer: store.journal.take_dots(1)}
        edit = max(store.journal.history(element).values(), default=-1) + 1
        return codec.note_cell({**note, "source": source}, element, position, dots, edit)
    before = other_metadata(there.raw)
    other = OtherMetadata(values=_with_ours(before.values, extras_of(note)), edit=before.edit)
    if other.digest != before.digest:
        other = OtherMetadata(values=other.values, edit=before.edit + 1)
    return codec.note_cell({**note, "source": source}, element, position, there.dots, there.note_edit + 1, other)


def _with_ours(theirs: Mapping[str, object], ours: Mapping[str, object]) -> dict[str, object]:
    """A first cell's metadata with what folds it; a person's tags stay beside ours."""
    joined = {**theirs, **ours}
    mine, others = ours.get("tags"), theirs.get("tags")
    if isinstance(mine, list) and isinstance(others, list):
        joined["tags"] = [*others, *(tag for tag in mine if tag not in others)]
    return joined


def _id_of(note: RawCell) -> str:
    return str(native_id(note))
