"""A notebook as a part of a queue, and back.

Reads nbformat 4.0 to 4.5 in whatever shape Colab left it, writes 4.5. Identity of a cell, in this order:
`metadata.bridge.id`, header, `id`, `metadata.id`; a prompt cell without any of ours gets an id from its content. A cell is
never addressed by its index or its execution count. Nothing is dropped: a double is folded if it is the same, and gets
an id of its own if not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from operator import attrgetter
from typing import Any

from bridge.core.errors import NewerNotebook, NotAQueue
from bridge.core.job import derived_id
from bridge.format import fields, json_bytes, limits, order, prompt_cell
from bridge.format.cell import Cell, CellKind
from bridge.format.other_metadata import OtherMetadata, other_metadata
from bridge.format.raw_cell import (
    UNSEEN,
    RawCell,
    dots_in,
    dots_of,
    extras_of,
    is_source,
    native_id,
    note_text,
    source_of,
    stamp_of,
    without_unseen,
)
from bridge.kernel import grammar

_CELL_TYPES = frozenset({"code", "markdown", "raw"})
_QUEUE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # it names a folder in the state folder
_MAGIC = grammar.MAGIC + " "
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # nbformat 4.5


@dataclass(frozen=True, kw_only=True)
class Part:
    """One notebook of a queue as values. `cells` is in no particular order: positions say where they stand."""

    queue_id: str
    number: int = 1  #: 0 for an archive notebook
    birth: str = ""  #: a ULID that the file of a further part was born with; empty: it has none
    context: Mapping[str, int] = field(default_factory=dict)  #: {writer: highest counter seen}
    cells: Mapping[str, Cell] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)  #: the notebook's metadata that is not ours

    def in_order(self) -> list[Cell]:
        """The cells as they stand in the file."""
        return sorted(self.cells.values(), key=attrgetter("position", "id"))


def queue_stamp(notebook: object) -> Mapping[str, Any] | None:
    """The notebook's `metadata.bridge`, or None if it has none: what tells a queue from any other notebook."""
    metadata = notebook.get("metadata") if isinstance(notebook, dict) else None
    stamp = metadata.get("bridge") if isinstance(metadata, dict) else None
    return stamp if isinstance(stamp, dict) and isinstance(stamp.get("queue_id"), str) else None


def read_part(notebook: object, *, name: str = "the notebook") -> Part:
    """The part in a notebook, as `json_bytes.loads` or `known_cells.loads` gives it.

    Raises:
        NotAQueue: not a notebook, nbformat 3 or one too new, no `bridge` metadata, another schema, a cell that is none.
    """
    stamp = _check(notebook, name)
    assert isinstance(notebook, dict)
    queue_id: str = stamp["queue_id"]
    cells = [
        raw if isinstance(raw, Cell) else _plain_job(raw) or _identify(_readable(raw)) for raw in notebook["cells"]
    ]
    return Part(
        queue_id=queue_id,
        number=stamp["part"],
        birth=stamp["birth"] if _is_job_id(stamp.get("birth")) else "",
        context={w: n for w, n in stamp.get("context", {}).items() if fields.is_count(n)},
        cells=_placed(_unique(cells)),
        metadata={key: value for key, value in notebook["metadata"].items() if key != "bridge"},
    )


def write_metadata(part: Part) -> dict[str, Any]:
    """The notebook metadata of a part."""
    context = {writer: part.context[writer] for writer in sorted(part.context)}
    stamp = {"schema": grammar.SCHEMA, "queue_id": part.queue_id, "part": part.number, "context": context}
    born = {"birth": part.birth} if part.birth else {}
    return json_bytes.by_name({**part.metadata, "bridge": json_bytes.by_name(stamp | born)})


def write_part(part: Part) -> dict[str, Any]:
    """The whole notebook of a part as JSON values, nbformat 4.5."""
    return {
        "cells": [{**cell.raw, "id": cell.id} for cell in part.in_order()],
        "metadata": write_metadata(part),
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def dump_part(part: Part) -> bytes:
    """The file of a part, nbformat 4.5. Cells that came as bytes are not encoded again."""
    return json_bytes.join_notebook((cell.data for cell in part.in_order()), write_metadata(part))


def note_cell(
    raw: RawCell, element: str, position: str, dots: Mapping[str, int], edit: int, other: OtherMetadata | None = None
) -> Cell:
    """A note with its stamp: what it is, so that a later change or deletion of it can be told. `other`: default, what is on it."""
    touched = Cell(id=element, kind=CellKind.NOTE, raw=raw, dots=dots, position=position)
    stamp = {"id": element, "dots": without_unseen(dots), "edit": edit, "sha": touched.digest}
    other = other or other_metadata(raw)
    ours = {"bridge": json_bytes.by_name({**stamp, "position": position, **other.stamp()})}
    stamped = {**raw, "id": element, "metadata": json_bytes.by_name({**other.values, **ours})}
    return Cell(id=element, kind=CellKind.NOTE, raw=stamped, dots=dots, position=position)


def keyed_id(queue_id: str, key: str) -> str:
    """The id of a job that its caller gave a key: adding it twice, on any machine, gives the same job."""
    return derived_id(sha256(f"key\0{queue_id}\0{key}".encode("utf-8", "surrogatepass")).digest())


def _check(notebook: object, name: str) -> Mapping[str, Any]:
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise NotAQueue(f"{name} is not a notebook: give the path of a queue notebook, or make one with `bridge init`")
    major, minor = notebook["nbformat"], notebook.get("nbformat_minor", 0)
    if major != 4 or not isinstance(minor, int) or minor > 5:
        newer = major > 4 or (major == 4 and isinstance(minor, int))
        raise (NewerNotebook if newer else NotAQueue)(
            f"{name} is nbformat {major}.{minor}; queues are nbformat 4.0 to 4.5: "
            f"{'convert it with `jupyter nbconvert --to notebook`' if major < 4 else 'a newer version is needed'}"
        )
    stamp = queue_stamp(notebook)
    if stamp is None or not isinstance(notebook.get("cells"), list):
        raise NotAQueue(
            f"{name} is a notebook without `bridge` metadata, so it is no queue: make one with `bridge init`, "
            "or, if it was a queue, `bridge rebuild` writes it again from the journal"
        )
    if stamp.get("schema") != grammar.SCHEMA:
        newer = fields.is_count(stamp.get("schema")) and stamp["schema"] > grammar.SCHEMA
        raise (NewerNotebook if newer else NotAQueue)(
            f"{name} has queue schema {stamp.get('schema')!r}; this version reads {grammar.SCHEMA}: update qwen-bridge"
        )
    if not _QUEUE_ID.fullmatch(stamp["queue_id"]):
        raise NotAQueue(f"{name} has a queue_id that is none: it must be 1 to 64 letters, digits and hyphens")
    context = stamp.get("context", {})
    if not fields.is_count(stamp.get("part")) or not isinstance(context, dict) or len(context) > limits.ENTRIES:
        raise NotAQueue(f"{name} has damaged `bridge` metadata: `bridge rebuild` writes it again from the journal")
    return stamp


def _plain_job(raw: Any) -> Cell | None:
    """What `_identify` gives for a prompt cell with a whole stamp, as nearly all are, in half the time; None for others."""
    try:
        stamp, line = raw["metadata"]["bridge"], raw["source"][0]
        element, [(writer, counter)] = stamp["id"], stamp["dots"].items()
        if (
            raw["cell_type"] == "code"
            and line.startswith(_MAGIC)
            and grammar.JOB_ID.fullmatch(element)
            and fields.is_count(counter)
            and counter
            and not writer.startswith(UNSEEN)
        ):
            position = stamp.get("position", element)
            if position == element or _is_position(position):
                return Cell(id=element, kind=CellKind.JOB, raw=raw, dots=stamp["dots"], position=position)
    except (LookupError, TypeError, ValueError, AttributeError):
        pass  # no such cell
    return None


def _readable(raw: object) -> RawCell:
    """A member of the list of cells as a cell. What is none becomes a raw cell that holds its JSON: nothing is dropped."""
    if isinstance(raw, dict):
        if not isinstance(raw.get("metadata", {}), dict):
            raw = {**raw, "metadata": {}}
        typed = isinstance(raw.get("cell_type"), str) and raw["cell_type"] in _CELL_TYPES
        if typed and isinstance(raw.get("source", ""), str | list):
            return raw
        if _is_job_id(stamp_of(raw).get("id")) or _is_job_id(native_id(raw)):
            return {**raw, "cell_type": "code"}
    return {"cell_type": "raw", "metadata": {}, "source": json_bytes.dumps(raw).decode()}


def _identify(raw: RawCell) -> Cell:
    stamp = stamp_of(raw)
    stamped = stamp.get("id")
    position = stamp.get("position")
    source = raw.get("source", "")
    first = source if isinstance(source, str) else _first_line(source) if isinstance(source, list) else None
    lost = not is_source(raw) and (_is_job_id(stamped) or _is_job_id(native_id(raw)))
    if raw["cell_type"] == "code" and (lost or (first is not None and grammar.is_prompt_cell(first))):
        element = str(stamped) if _is_job_id(stamped) else None
        named = element or _named_job(raw)
        element = named or grammar.adopted_id(*grammar.split_cell(source_of(raw)))
        default = element if named else ""
        kind = CellKind.JOB
    else:
        element = stamped if isinstance(stamped, str) else native_id(raw)
        if element is None or grammar.JOB_ID.fullmatch(element) or not _CELL_ID.fullmatch(element):
            element = "note-" + sha256(note_text(raw)).hexdigest()[:24]
        default = ""
        kind = CellKind.NOTE
    return Cell(
        id=element,
        kind=kind,
        raw=raw,
        dots=dots_in(stamp, element),
        position=str(position) if _is_position(position) else default,
    )


def _is_job_id(value: object) -> bool:
    return isinstance(value, str) and grammar.JOB_ID.fullmatch(value) is not None


def _is_position(value: object) -> bool:
    return isinstance(value, str) and len(value) <= limits.POSITION_CHARS and order.KEY.fullmatch(value) is not None


def _first_line(source: list[object]) -> str:
    return next((line for line in source if isinstance(line, str) and line.strip()), "")


def _named_job(raw: RawCell) -> str | None:
    header, _, _ = prompt_cell.read_header(source_of(raw))
    if header.job:
        return header.job
    native = native_id(raw)
    return native if native and grammar.JOB_ID.fullmatch(native) else None


def _unique(cells: list[Cell]) -> list[Cell]:
    """The cells with every id once: equal doubles folded, different ones under an id of their own."""
    if len({cell.id for cell in cells}) == len(cells):
        return cells
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.id, []).append(cell)
    seen: set[str] = set()
    unique = []
    for cell in cells:
        keeper = next((c for c in groups[cell.id] if not c.touched), groups[cell.id][0])
        if cell is not keeper:
            if cell.digest == keeper.digest:
                continue  # folded into the keeper below
            cell = _renamed(cell)  # noqa: PLW2901  # the loop's cell is what goes on
            if cell.id in seen or cell.id in groups:
                continue  # the same copy twice
        seen.add(cell.id)
        unique.append(cell)
    return [_fold(cell, groups.get(cell.id, [cell])) for cell in unique]


def _fold(cell: Cell, group: list[Cell]) -> Cell:
    doubles = [c for c in group if c is not cell and c.kind is cell.kind and c.digest == cell.digest]
    if cell.kind is CellKind.NOTE or not doubles:
        return cell
    job, dots = cell.job, dict(cell.dots)
    for double in doubles:
        job = job.join(double.job.evolve(spec=job.spec, edit=job.edit, bare=job.bare))
        dots = {w: max(n, dots.get(w, 0)) for w, n in {**dots, **double.dots}.items()}
    raw = prompt_cell.write_job(job, dots, other_metadata(cell.raw))
    return Cell(id=cell.id, kind=CellKind.JOB, raw=raw, dots=dots, position=cell.position, job=job)


def _renamed(cell: Cell) -> Cell:
    """A copied and then changed cell as a job or note of its own, without the original's stamp or place."""
    raw = {key: value for key, value in cell.raw.items() if key != "id"}
    raw["metadata"] = {key: value for key, value in extras_of(cell.raw).items() if key != "id"}
    if cell.kind is CellKind.NOTE:
        element = "note-" + sha256(note_text(raw)).hexdigest()[:24]
    else:
        line, body = grammar.split_cell(source_of(raw))
        words = line.split(maxsplit=1)
        rest = (words[1] if len(words) > 1 else "") if words and grammar.JOB_ID.fullmatch(words[0].upper()) else line
        element = grammar.adopted_id(rest, body)
        raw["source"] = json_bytes.split_lines(f"{grammar.MAGIC} {element} {rest}".rstrip() + "\n" + body)
    position = element if cell.kind is CellKind.JOB else ""
    return Cell(id=element, kind=cell.kind, raw=raw, dots=dots_of(raw, element), position=position)


def _placed(cells: list[Cell]) -> dict[str, Cell]:
    positions, moved = order.place([cell.position or None for cell in cells])
    if not moved and positions == [cell.position for cell in cells]:
        return {cell.id: cell for cell in cells}
    return {
        cell.id: cell if position == cell.position and n not in moved else cell.standing_at(position, moved=n in moved)
        for n, (cell, position) in enumerate(zip(cells, positions, strict=True))
    }
