"""What a version of a part says, read in the light of what is already known: restores what a save stripped.

A version comes back from an editor that may have dropped our metadata, and a person may have typed in it. Without a
memory, a stale copy and a fresh edit look the same. The rule: content that was seen before is that older edit again;
content never seen is the newest edit. A cell whose stamp agrees with its content is taken at its word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bridge.format import codec, merge, order
from bridge.format.cell import Cell, CellKind
from bridge.format.codec import Part
from bridge.format.other_metadata import OtherMetadata, other_metadata
from bridge.format.raw_cell import UNSEEN, Dots, is_source, native_id, stamp_of, stamped_edit, without_stamp


@dataclass(frozen=True, kw_only=True)
class KnownState:
    """What the journal knows that a version may lack."""

    #: The part as the journal has it.
    part: Part
    #: Dots of cells that are no longer in the part: archived, or removed.
    gone: Mapping[str, Dots] = field(default_factory=dict)
    #: {cell id: {digest of a content: edit number}}
    history: Callable[[str], Mapping[str, int]] = field(default=lambda _: {})
    #: {id that an editor gave a cell: the id it was adopted under}
    aliases: Mapping[str, str] = field(default_factory=dict)


def observe(seen: Part, memory: KnownState) -> Part:
    """The version with identities, dots and edit numbers restored; a cell nobody knows keeps its `UNSEEN` dot."""
    cells: dict[str, Cell] = {}
    for cell in _in_place(seen, memory):
        restored = _restore(cell, memory)
        known = cells.get(restored.id)
        if known is not None:  # a stripped copy beside the original
            restored = _joined(known, restored)
        cells[restored.id] = restored
    return replace(seen, cells=cells)


def unadopted(part: Part) -> list[Cell]:
    """The cells that nobody has given a dot yet."""
    return [cell for cell in part.in_order() if any(writer.startswith(UNSEEN) for writer in cell.dots)]


def _in_place(seen: Part, memory: KnownState) -> list[Cell]:
    """The cells, standing where memory knows them to stand; without it, one whose stamp was stripped looks moved."""
    cells = [_whole(cell, memory.part.cells.get(cell.id)) for cell in seen.in_order()]
    known: list[Cell | None] = []
    for cell in cells:
        mine = memory.part.cells.get(cell.id)
        known.append(None if mine is None or mine is cell or stamp_of(cell.raw) else mine)
    if not any(known):
        return cells
    keys = [mine.position if mine else _own_position(cell) for cell, mine in zip(cells, known, strict=True)]
    positions, moved = order.place(keys)
    return [
        cell
        if (cell.position, cell.moved) == (position, n in moved)
        else Cell(id=cell.id, kind=cell.kind, raw=cell.raw, dots=cell.dots, position=position, moved=n in moved)
        for n, (cell, position) in enumerate(zip(cells, positions, strict=True))
    ]


def _whole(cell: Cell, mine: Cell | None) -> Cell:
    """The cell without a stamp that cannot be believed, where what it said is known."""
    if mine is None or mine is cell or cell.kind is CellKind.NOTE or cell.kind is not mine.kind:
        return cell
    if mine.same_json(cell) or cell.damage is None or mine.damage is not None:
        return cell
    if not is_source(cell.raw):
        return mine
    raw = without_stamp(cell.raw)
    return Cell(
        id=cell.id, kind=cell.kind, raw=raw, dots={UNSEEN + cell.id: 1}, position=cell.position, moved=cell.moved
    )


def _own_position(cell: Cell) -> str | None:
    stamped = stamp_of(cell.raw).get("position")
    if isinstance(stamped, str) and order.KEY.fullmatch(stamped):
        return stamped
    return cell.id if cell.kind is CellKind.JOB and stamp_of(cell.raw) else None


def _restore(cell: Cell, memory: KnownState) -> Cell:
    mine = memory.part.cells.get(cell.id)
    if mine is not None and not cell.moved and mine.same_json(cell):
        return mine
    stamped = not any(writer.startswith(UNSEEN) for writer in cell.dots)
    element = cell.id
    if mine is None and not stamped and (native := native_id(cell.raw)) in memory.aliases:
        element = memory.aliases[str(native)]
        mine = memory.part.cells.get(element)
    known_dots = mine.dots if mine is not None else memory.gone.get(element)
    if stamped and (mine is None or not cell.touched):
        return cell
    if known_dots is None:
        return cell
    dots = cell.dots if stamped else known_dots
    if mine is None or mine.kind is not cell.kind:
        return _as(cell, element, dots, cell.position, 0)
    seen_before = memory.history(element).get(cell.digest)
    position = cell.position if cell.moved else mine.position
    edit = _edit_of(mine)
    # Typed on top of the newest edit, it is an edit, even one that goes back to old words.
    newest = stamped and stamped_edit(cell.raw) >= edit
    stale = cell.digest != mine.digest and seen_before is not None and not newest
    if cell.moved and (stale or cell.digest == mine.digest):
        return _moved(mine, cell, dots)
    if seen_before is not None and (stale or cell.digest == mine.digest):
        edit = seen_before
    elif cell.digest != mine.digest:
        edit = max(edit + 1, _edit_of(cell))
    return _as(cell, element, dots, position, edit, birth=mine)


def _moved(mine: Cell, seen: Cell, dots: Dots) -> Cell:
    """What we know, at the place where a person put it; a save that repeats the move is no further edit."""
    edit = _edit_of(mine) + (seen.position != mine.position)
    other = _other(seen, mine)
    restored = _as(mine, mine.id, dots, seen.position, edit, birth=mine, other=other)
    if restored.kind is CellKind.NOTE:
        return restored
    job = restored.job.join(seen.job.evolve(id=mine.id, spec=restored.job.spec, edit=edit, bare=restored.job.bare))
    return merge.job_cell(job, dots, other, shown=seen.raw)


def _edit_of(cell: Cell) -> int:
    return cell.job.edit if cell.kind is CellKind.JOB else cell.note_edit


def _other(seen: Cell, mine: Cell | None) -> OtherMetadata:
    """What of the cell's metadata is not ours, a save that dropped our stamp seen through."""
    found = other_metadata(seen.raw)
    if mine is None or mine is seen:
        return found
    known = other_metadata(mine.raw)
    return known.join(found) if stamp_of(seen.raw) else known.after_a_save_without_stamps(found)


def _as(
    cell: Cell,
    element: str,
    dots: Dots,
    position: str,
    edit: int,
    birth: Cell | None = None,
    other: OtherMetadata | None = None,
) -> Cell:
    other = other or _other(cell, birth)
    if cell.kind is CellKind.NOTE:
        return codec.note_cell(cell.raw, element, position, dots, edit, other)
    spec = replace(cell.job.spec, position=position)
    if birth is not None:
        born = birth.job.spec
        spec = replace(
            spec,
            created_at=born.created_at,
            key=born.key,
            caller=born.caller,
            batch=born.batch,
            endpoint=born.endpoint,
            parent=born.parent,
            round=born.round,
        )
    job = cell.job.evolve(id=element, spec=spec, edit=edit, bare=cell.job.bare and birth is None)
    return merge.job_cell(job, dots, other, shown=cell.raw)


def _joined(a: Cell, b: Cell) -> Cell:
    if a.kind is CellKind.NOTE or b.kind is CellKind.NOTE:
        return a
    other = other_metadata(a.raw).join(other_metadata(b.raw))
    return merge.job_cell(a.job.join(b.job), {**b.dots, **a.dots}, other, shown=a.raw)
