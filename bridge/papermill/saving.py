"""What a papermill run leaves in the notebook: an edit of the file that is there now, cell by cell, never a copy over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bridge.core.errors import QueueChanged
from bridge.papermill.needed import papermill

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from bridge.wiring import Opened

_TRIES = 12
_INJECTED = "injected-parameters"
#: What papermill writes into a cell's metadata: its stamps, and what report mode hides.
_OF_PAPERMILL = ("papermill", "jupyter")

JsonCell = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class JobsRun:
    """What happened to one job in this run."""

    began: datetime
    ended: datetime
    failed: bool

    def stamp(self) -> dict[str, object]:
        """For `metadata.papermill`, in papermill's words."""
        return {
            "start_time": self.began.isoformat(),
            "end_time": self.ended.isoformat(),
            "duration": (self.ended - self.began).total_seconds(),
            "exception": self.failed,
            "status": "failed" if self.failed else "completed",
        }


def job_of(cell: JsonCell) -> str | None:
    """The id of the job in a cell; None if it is none."""
    from bridge.format.raw_cell import source_of
    from bridge.kernel import grammar

    return _id_of(cell) if cell["cell_type"] == "code" and grammar.is_prompt_cell(source_of(cell)) else None


def is_others(cell: JsonCell) -> bool:
    """Whether a cell is papermill's to run: no job, and not what the worker replaces."""
    from bridge.format import template

    return job_of(cell) is None and _id_of(cell) not in template.KERNEL_CELLS


def notebook_of(opened: Opened) -> NotebookNode:
    """The notebook on disk. Old errors of cells that are never run here are left out: papermill takes any for a new one."""
    import nbformat

    from bridge.format import template

    nb: NotebookNode = nbformat.reads(opened.file("papermill").read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    for cell in nb.cells:
        if _id_of(cell) in template.KERNEL_CELLS and "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.output_type != "error"]
    return nb


def write_down(opened: Opened, nb: NotebookNode, ran: Mapping[str, JobsRun], *, publish: bool) -> None:
    """What a run changed in `nb`, into the notebook. `publish`: the store writes too, as after every command.

    Raises:
        QueueChanged: somebody writes the notebook all the time. The answers are in it all the same.
    """
    from bridge.format import json_bytes, layout

    store, name = opened.store, opened.file("papermill").name
    with store.exclusive("writing down a papermill run"):
        for _ in range(_TRIES):
            read = store.transport.read(name)
            if read is None:
                continue
            notebook = json_bytes.loads(read[0])
            cells = _edited(notebook["cells"], nb, ran)
            metadata = {**notebook["metadata"], **{k: v for k, v in nb.metadata.items() if k != "bridge"}}
            if (cells, metadata) != (notebook["cells"], notebook["metadata"]):
                data = json_bytes.join_notebook([json_bytes.dump_cell(cell) for cell in cells], metadata)
                data = layout.layout_of(read[0]).of_ours(data)
                try:
                    store.transport.stage(name, data, unless_changed=read[1]).commit()
                except QueueChanged:
                    continue
            if publish:
                store.publish()
            return
    raise QueueChanged("another program writes the notebook all the time: the statuses of this run are not in it")


def _edited(there: Sequence[JsonCell], nb: NotebookNode, ran: Mapping[str, JobsRun]) -> list[JsonCell]:
    """The cells on disk with what papermill made of them, and with the parameters that it injected."""
    marks = papermill("execute").ERROR_MARKER_TAG
    kept = [cell for cell in there if not {_INJECTED, marks} & set(_tags(cell))]
    twins = _twins(kept, nb)
    edited: list[JsonCell] = [_with(cell, twins.get(index), ran) for index, cell in enumerate(kept)]
    for number, cell in enumerate(nb.cells):
        if _INJECTED in _tags(cell):
            edited.insert(_place_of(number, nb, twins), _injected(cell, there))
    return edited


def _twins(there: Sequence[JsonCell], nb: NotebookNode) -> dict[int, NotebookNode]:
    """{index on disk: the same cell as papermill has it}; by id, or else by content where an old format has no ids."""
    by_id = {_id_of(cell): cell for cell in nb.cells}
    found = {index: by_id.pop(_id_of(cell)) for index, cell in enumerate(there) if _id_of(cell) in by_id}
    left = list(by_id.values())
    for index, cell in enumerate(there):
        same = next((c for c in left if _content(c) == _content(cell)), None) if index not in found else None
        if same is not None:
            found[index] = same
            left.remove(same)
    return found


def _with(cell: JsonCell, twin: NotebookNode | None, ran: Mapping[str, JobsRun]) -> JsonCell:
    given = cell.get("metadata")
    metadata = {name: value for name, value in given.items() if name != "papermill"} if isinstance(given, dict) else {}
    if twin is None:
        return {**cell, "metadata": metadata}
    metadata |= {name: twin.metadata[name] for name in _OF_PAPERMILL if name in twin.metadata}
    job = job_of(cell)
    if is_others(cell):
        shown = {name: twin[name] for name in ("outputs", "execution_count") if name in twin}
        return {**cell, **shown, "metadata": metadata}
    metadata.pop("papermill", None)
    stamped = {"papermill": ran[job].stamp()} if job and job in ran else {}
    return {**cell, "metadata": metadata | stamped}


def _injected(cell: NotebookNode, there: Sequence[JsonCell]) -> JsonCell:
    """The cell with the parameters: a new text of the one of the last run, if there is one."""
    before = next((c for c in there if _INJECTED in _tags(c)), None)
    if before is None:
        return dict(cell)
    stamp = {name: value for name, value in before.get("metadata", {}).items() if name == "bridge"}
    return {**cell, "id": before.get("id", cell["id"]), "metadata": {**cell.metadata, **stamp}}


def _place_of(number: int, nb: NotebookNode, twins: Mapping[int, NotebookNode]) -> int:
    """Where on disk a cell belongs that papermill has at `number`: behind the nearest before it that is on disk."""
    places = {id(twin): index for index, twin in twins.items()}
    return next((places[id(cell)] + 1 for cell in reversed(nb.cells[:number]) if id(cell) in places), 0)


def _tags(cell: JsonCell) -> list[str]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _content(cell: JsonCell) -> tuple[object, str]:
    from bridge.format.raw_cell import source_of

    return cell.get("cell_type"), source_of(cell)


def _id_of(cell: JsonCell) -> str:
    from bridge.format.raw_cell import native_id, stamp_of

    return str(stamp_of(cell).get("id") or native_id(cell))
