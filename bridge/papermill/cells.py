"""The cells of a papermill run that are no jobs, and what the run leaves in the notebook.

Nothing here imports papermill at the top: papermill imports its engines while it is half-imported itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING

from bridge.core.errors import MissingExtra, QueueChanged

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from bridge.wiring import Opened

_TRIES = 12


@dataclass(kw_only=True)
class CellsRun:
    """What happened to one cell in this run."""

    began: datetime
    ended: datetime
    failed: bool
    shown: dict[str, object] = field(default_factory=dict)  #: outputs and execution_count, of a cell that nbclient ran

    def stamp(self) -> dict[str, object]:
        """For `metadata.papermill`, in papermill's words."""
        return {
            "start_time": self.began.isoformat(),
            "end_time": self.ended.isoformat(),
            "duration": (self.ended - self.began).total_seconds(),
            "exception": self.failed,
            "status": "failed" if self.failed else "completed",
        }


def papermill(module: str) -> ModuleType:
    """A module of papermill. Raises MissingExtra."""
    import importlib

    try:
        return importlib.import_module(f"papermill.{module}")
    except ImportError:
        raise MissingExtra("papermill", "papermill") from None


def run_others(
    opened: Opened, injected: list[NotebookNode], kernel_name: str, more: Mapping[str, object], ran: dict[str, CellsRun]
) -> Exception | None:
    """Run the code cells that are no jobs, in order, up to the first that fails; gives what that raised."""
    import nbformat
    from nbclient import NotebookClient

    from bridge.format import template

    nb = notebook_of(opened)
    own = [c for c in nb.cells if _is_program(c) and _id_of(c) not in template.KERNEL_CELLS]
    if not own:
        return None
    scratch: NotebookNode = nbformat.from_dict({**nb, "cells": [*injected, *own]})  # type: ignore[no-untyped-call]
    client = NotebookClient(
        scratch, timeout=more.get("execution_timeout"), startup_timeout=more.get("start_timeout") or 60,
        kernel_name=kernel_name, record_timing=False,
    )  # fmt: skip
    with client.setup_kernel():
        for index, cell in enumerate(scratch.cells):
            began, trouble = datetime.now(UTC), None
            try:
                client.execute_cell(cell, index)
            except Exception as error:  # noqa: BLE001  # also a kernel that died or took too long: said after all is saved
                trouble = _as_papermill_says(error, cell, index)
            if index >= len(injected):
                shown = {"outputs": cell.outputs, "execution_count": cell.execution_count}
                ran[_id_of(cell)] = CellsRun(
                    began=began, ended=datetime.now(UTC), failed=trouble is not None, shown=shown
                )
            if trouble is not None:
                return trouble
    return None


def _as_papermill_says(error: Exception, cell: NotebookNode, index: int) -> Exception:
    from nbclient.exceptions import CellExecutionError

    if not isinstance(error, CellExecutionError):
        return error
    told: Exception = papermill("exceptions").PapermillExecutionError(
        cell_index=index, exec_count=cell.execution_count, source=cell.source, ename=error.ename, evalue=error.evalue,
        traceback=next((o.traceback for o in cell.outputs if o.output_type == "error"), []),
    )  # fmt: skip
    return told


def _is_program(cell: Mapping[str, object]) -> bool:
    from bridge.format.raw_cell import source_of
    from bridge.kernel import grammar

    source = source_of(cell)
    return cell["cell_type"] == "code" and bool(source.strip()) and not grammar.is_prompt_cell(source)


def _id_of(cell: Mapping[str, object]) -> str:
    from bridge.format.raw_cell import native_id, stamp_of

    return str(stamp_of(cell).get("id") or native_id(cell))


def notebook_of(opened: Opened) -> NotebookNode:
    """The notebook on disk. Old errors of cells that are never run here are left out: papermill takes any for a new one."""
    import nbformat

    from bridge.format import template

    nb: NotebookNode = nbformat.reads(opened.file("papermill").read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    for cell in nb.cells:
        if _id_of(cell) in template.KERNEL_CELLS and "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.output_type != "error"]
    return nb


def write_down(opened: Opened, ran: Mapping[str, CellsRun]) -> None:
    """Outputs and statuses of this run into the notebook, as an edit of what is there now; takes old statuses away.

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
            cells = [_with(cell, ran.get(_id_of(cell))) for cell in notebook["cells"]]
            if cells == notebook["cells"]:
                return
            data = json_bytes.join_notebook([json_bytes.dump_cell(cell) for cell in cells], notebook["metadata"])
            data = layout.layout_of(read[0]).of_ours(data)
            try:
                store.transport.stage(name, data, unless_changed=read[1]).commit()
            except QueueChanged:
                continue
            store.publish()
            return
    raise QueueChanged("another program writes the notebook all the time: the statuses of this run are not in it")


def _with(cell: Mapping[str, object], ran: CellsRun | None) -> dict[str, object]:
    given = cell.get("metadata")
    metadata = {name: value for name, value in given.items() if name != "papermill"} if isinstance(given, dict) else {}
    if ran is None:
        return {**cell, "metadata": metadata}
    return {**cell, **ran.shown, "metadata": {**metadata, "papermill": ran.stamp()}}
