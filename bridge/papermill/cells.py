"""The cells of a papermill run that are no jobs, run by papermill itself; and what the run leaves in the notebook.

papermill gets a notebook of the cells that are its own to run, which are the very objects of the whole notebook: it wipes, stamps,
runs and logs them as always. Where it would save that notebook, what changed is written into the file that is there instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bridge.core.events import EventKind
from bridge.papermill.needed import papermill
from bridge.papermill.saving import JobsRun, is_others, job_of, notebook_of, write_down

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from bridge.core.events import Event
    from bridge.wiring import Opened


class ManagedRun:
    """One run over one notebook: `opened` is its queue, `nb` what papermill has made of it."""

    def __init__(
        self,
        opened: Opened,
        nb: NotebookNode,
        output_path: str | None,
        *,
        progress_bar: bool | dict[str, object],
        log_output: bool,
        autosave_s: int,
    ) -> None:
        """Begins: old outputs and stamps of papermill's own cells are wiped here, on disk at its first save."""
        self.opened = opened
        self._nb = nb
        self._ran: dict[str, JobsRun] = {}
        self._log_output = log_output
        own = type(nb)({**nb, "cells": [cell for cell in nb.cells if is_others(cell)]})
        self._manager = _manager(
            own,
            output_path,
            self._save,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_s,
        )
        if self._manager.pbar is not None:
            self._manager.pbar.total = len(nb.cells)
        self._manager.notebook_start()

    @property
    def has_failed_cell(self) -> bool:
        """Whether a cell that is no job raised; not if it only ended by `sys.exit(0)`."""
        outputs = [output for cell in self._manager.nb.cells for output in cell.get("outputs", ())]
        errors = [output for output in outputs if output.output_type == "error"]
        polite = any(e.ename == "SystemExit" and e.evalue in ("", "0") for e in errors)
        return bool(errors or self._nb.metadata.papermill.get("exception")) and not polite

    def listen(self, event: Event) -> None:
        """Of the worker: notes what became of a job, and passes it on."""
        if event.kind in (EventKind.ANSWERED, EventKind.FAILED) and "job" in event.facts:
            now = datetime.now(UTC)
            took_s = event.facts.get("seconds")
            took = timedelta(seconds=took_s if isinstance(took_s, float) else 0)
            job = str(event.facts["job"])
            self._ran[job] = JobsRun(began=now - took, ended=now, failed=event.kind is EventKind.FAILED)
            if self._manager.pbar is not None:
                self._manager.pbar.update(1)
        self.opened.store.notify(event)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Afterwards all is written down, whatever was raised."""
        try:
            yield
        finally:
            self._manager.cleanup_pbar()
            self._manager.notebook_complete()
            self._save(publish=True)

    def execute(self, kernel_name: str, *, log_output: bool, **more: object) -> None:
        """Run the cells that are no jobs, up to the first that fails. The answers of jobs are logged, if outputs are."""
        self._log_answers()
        if any(cell.cell_type == "code" and cell.source.strip() for cell in self._manager.nb.cells):
            engine = papermill("engines").NBClientEngine
            try:
                engine.execute_managed_notebook(self._manager, kernel_name, log_output=log_output, **more)
            except Exception:  # a kernel that died or took too long: papermill itself would call its cell completed
                begun = [cell for cell in self._manager.nb.cells if cell.metadata.papermill.get("start_time")]
                if begun:
                    self._manager.cell_exception(begun[-1])
                raise

    def written(self) -> NotebookNode:
        """The notebook on disk."""
        return notebook_of(self.opened)

    def _log_answers(self) -> None:
        if not self._log_output or not self._ran:
            return
        logger = papermill("log").logger
        for number, cell in enumerate(notebook_of(self.opened).cells, 1):
            if job_of(cell) in self._ran:
                logger.info(f"Executing Cell {number:-<40}")
                for output in cell.outputs:
                    logger.info(output.get("data", {}).get("text/plain", ""))
                logger.info(f"Ending Cell {number:-<43}")

    def _save(self, *, publish: bool = False) -> None:
        write_down(self.opened, self._nb, self._ran, publish=publish)


def _manager(nb: NotebookNode, output_path: str | None, save: Any, **how: object) -> Any:
    """papermill's own manager of a run, but for where it saves: not at all without an output path."""
    parent: Any = papermill("engines").NotebookExecutionManager

    class Manager(parent):  # type: ignore[misc]  # papermill has no types
        def save(self, **_given: object) -> None:
            if self.output_path:
                save()
            self.last_save_time = self.now()

    return Manager(nb, output_path=output_path, **how)
