"""What can be read from a cell's raw JSON without knowing what it means to the queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.format import fields, json_bytes, limits
from bridge.kernel.display import from_display, is_display
from bridge.kernel.grammar import is_result

RawCell = Mapping[str, object]
Dots = Mapping[str, int]

#: Nobody has given the cell a dot yet. As a writer of its own that no context knows, it cannot look deleted.
UNSEEN = "~"


def cells_of(notebook: Mapping[str, object]) -> list[RawCell]:
    """The cells of a notebook's JSON; what is no cell is left out."""
    cells = notebook.get("cells")
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def source_of(raw: RawCell) -> str:
    """The cell's source as one string."""
    return json_bytes.join_lines(raw.get("source"))


def is_source(raw: RawCell) -> bool:
    """Whether the cell's source is text, as one string or a list of lines."""
    source = raw.get("source", "")
    if not isinstance(source, list):
        return isinstance(source, str)
    try:
        "".join(source)
    except TypeError:
        return False
    return True


def stamp_of(raw: RawCell) -> Mapping[str, object]:
    """Our own metadata on the cell; empty if there is none, or it was stripped."""
    metadata = raw.get("metadata")
    stamp = metadata.get("bridge") if isinstance(metadata, dict) else None
    return stamp if isinstance(stamp, dict) else {}


def native_id(raw: RawCell) -> str | None:
    """The id that the editor gave the cell: top level in nbformat 4.5, `metadata.id` in what Colab writes as 4.0."""
    metadata = raw.get("metadata")
    for value in (raw.get("id"), metadata.get("id") if isinstance(metadata, dict) else None):
        if value and isinstance(value, str) and fields.is_text(value):
            return value
    return None


def extras_of(raw: RawCell) -> dict[str, object]:
    """The cell's metadata that is not ours; carried along untouched."""
    metadata = raw.get("metadata")
    return {key: value for key, value in metadata.items() if key != "bridge"} if isinstance(metadata, dict) else {}


def dots_of(raw: RawCell, element: str) -> dict[str, int]:
    """The cell's dots, {writer: counter}; a cell without gets the one that only it has."""
    return dots_in(stamp_of(raw), element)


def dots_in(stamp: Mapping[str, object], element: str) -> dict[str, int]:
    """The dots that a stamp names, as `dots_of` gives them.

    A stamp with another id is that of what the cell was before a person made a prompt of a note, or the reverse: its
    dots would say that the new cell was deleted long ago.
    """
    dots = stamp.get("dots")
    if isinstance(dots, dict) and stamp.get("id") in (element, None) and len(dots) <= limits.ENTRIES:
        read = {w: n for w, n in dots.items() if fields.is_count(n) and n and not w.startswith(UNSEEN)}
        if read:
            return read
    return {UNSEEN + element: 1}


def stamped_edit(raw: RawCell) -> int:
    """How often the cell was edited, as its stamp says."""
    edit = stamp_of(raw).get("edit")
    return edit if isinstance(edit, int) and fields.is_count(edit) else 0


def without_stamp(raw: RawCell) -> RawCell:
    """The cell as an editor leaves it that drops our metadata."""
    return {**raw, "metadata": extras_of(raw)}


def without_unseen(dots: Dots) -> dict[str, int]:
    """The dots that may be written: `UNSEEN` ones exist in memory only."""
    return {writer: counter for writer, counter in sorted(dots.items()) if not writer.startswith(UNSEEN)}


def texts_of(raw: RawCell) -> list[str]:
    """What each of the cell's outputs says: the first of its texts that claims to be a result, else its first."""
    said = []
    for texts in carriers_of(raw):
        first = next(texts, "")
        said.append(first if is_result(first) else next(filter(is_result, texts), first))
    return said


def carriers_of(raw: RawCell) -> Iterator[Iterator[str]]:
    """For each of the cell's outputs the texts that may hold a result: the plain one, then what the Markdown is the display form of.

    Each is made when it is asked for: mostly the first will do.
    """
    outputs = raw.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        if isinstance(data, dict):
            yield (
                _carried(json_bytes.join_lines(data[mime])) for mime in ("text/plain", "text/markdown") if mime in data
            )


def _carried(text: str) -> str:
    return from_display(text) if is_display(text) else text


def note_text(raw: RawCell) -> bytes:
    """What makes a note the note it is: type, source and what its outputs show; not the editor's metadata."""
    shown = []
    outputs = raw.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        if isinstance(data, dict):
            shown.append({k: json_bytes.join_lines(v) if isinstance(v, str | list) else v for k, v in data.items()})
        elif isinstance(output, dict):
            shown.append({k: json_bytes.join_lines(output[k]) for k in ("text", "ename", "evalue") if k in output})
    return json_bytes.canonical([raw.get("cell_type"), source_of(raw), shown])
