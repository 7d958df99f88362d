"""papermill's door: `papermill q.ipynb q.ipynb --engine qwen-bridge -p model qwen2.5-coder:14b`.

The worker answers all pending jobs of the queue, then nbclient runs the other code cells in order; the notebook's own runtime
and setup cells are skipped, because the worker replaces them. Finished outputs stay, whatever happens: papermill's engines
begin by wiping all of them, so this one takes over before that (facts on notebook libraries, section 0).

Parameters: model, lanes, engine, base_url, gguf, context, max_tokens, max_time (a number of seconds, or 30min). The same path twice
works on the queue itself, through the store. Another output path gets a copy, a queue of its own, and the input stays as
it is. A cell that ran in this run has `metadata.papermill.status` `completed` or `failed`; no other cell has one.

Nothing here imports papermill at the top: papermill imports this module while it is half-imported itself.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.core.duration import read_duration
from bridge.core.errors import ConfigError, NotAQueue
from bridge.core.options import DEFAULT_NUM_CTX, OPTIONS, WORKER_OPTIONS, Option
from bridge.papermill.cells import CellsRun, notebook_of, papermill, run_others, write_down

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from bridge.core.events import Event
    from bridge.wiring import Opened
    from bridge.worker.config import WorkSummary

#: {parameter: what it must be}
PARAMETERS: Mapping[str, Option | type | tuple[type, ...]] = {
    "model": OPTIONS["model"], "lanes": WORKER_OPTIONS["lanes"], "engine": str, "base_url": str, "gguf": str,
    "context": WORKER_OPTIONS["num_ctx"], "max_tokens": WORKER_OPTIONS["max_tokens"], "max_time": (int, float, str),
}  # fmt: skip
_INJECTED = "injected-parameters"


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """The parameters that are ours, read."""

    model: str | None
    lanes: int
    engine: str = "ollama"
    base_url: str | None = None
    gguf: str | None = None
    context: int | None
    max_tokens: int
    max_time: float | None = None  #: seconds


class QwenBridgeEngine:
    """What papermill calls; see papermill.engines.Engine, whose three methods these are."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        input_path: str | None = None,
        **more: object,
    ) -> NotebookNode:
        """The notebook as it stands on disk when all is done.

        Raises:
            MissingExtra, ConfigError, NotAQueue: nothing was run.
            PapermillException: jobs failed, or results could not be published; what was answered is saved.
            PapermillExecutionError: a cell that is no job failed; what was answered is saved.
        """
        from bridge.worker.config import End

        exceptions = papermill("exceptions")
        about = nb.metadata.get("papermill", {})
        parameters = _checked(dict(about.get("parameters") or {}))
        source, target = _local(input_path), _local(about.get("output_path") or output_path)
        with _opened(nb, source, target, papermill("log").logger.info) as opened:
            ran: dict[str, CellsRun] = {}
            summary = _answer(opened, parameters, ran)
            injected = [cell for cell in nb.cells if _INJECTED in cell.metadata.get("tags", [])]
            trouble = run_others(opened, injected, kernel_name, more, ran)
            write_down(opened, ran)
            done = notebook_of(opened)
        if trouble is not None:
            raise trouble
        if summary.end is End.OUT_OF_MEMORY:
            raise exceptions.PapermillException("the model does not fit into memory; no job was failed for that")
        if summary.end in (End.TOLD_TO_WAIT, End.NO_ANSWERS):
            raise exceptions.PapermillException("the engine takes no requests; the jobs that are left stay queued")
        if summary.unpublished or summary.failed:
            why = summary.unpublished or "their cells say why"
            raise exceptions.PapermillException(
                f"{summary.failed} of {summary.answered + summary.failed} jobs failed: {why}"
            )
        return done

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """The kernel that the notebook names."""
        return str(papermill("utils").nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """The language that the notebook names."""
        return str(papermill("utils").nb_language(nb, language))


def _checked(parameters: Mapping[str, object]) -> RunParameters:
    """The parameters that are ours, with their defaults; others belong to the notebook's own cells. Raises ConfigError."""
    found: dict[str, Any] = {}  # each is checked against its rule
    for name, rule in PARAMETERS.items():
        value = parameters.get(name)
        try:
            if isinstance(rule, Option):
                found[name] = rule.default if value is None else rule.read(value)
            elif value is not None and (not isinstance(value, rule) or isinstance(value, bool)):
                raise ConfigError(f"the parameter {name} cannot be {value!r}")
            elif value is not None:
                found[name] = read_duration(str(value)) if name == "max_time" else value
        except ValueError as error:
            raise ConfigError(f"the parameter {name}: {error}") from None
    if found.get("max_time") == 0:
        raise ConfigError("the parameter max_time must be above zero")
    return RunParameters(**found)


def _local(path: str | None) -> Path | None:
    """A path as papermill means it, absolute; None for what is no file of this machine."""
    if not path or path == "-" or "://" in path:
        return None
    # `papermill --cwd` changes the folder for the cells, but not for the two notebooks.
    handler = papermill("iorw").papermill_io.get_handler("local")
    return Path(getattr(handler, "_cwd", None) or os.curdir, path).absolute()


@contextmanager
def _opened(
    nb: NotebookNode, source: Path | None, target: Path | None, say: Callable[[str], object]
) -> Iterator[Opened]:
    """The queue to work on: the one at the output path, or a copy of the input there (or nowhere, if that is no file)."""
    from bridge import wiring

    def tell(event: Event) -> None:
        say(event.message)

    with tempfile.TemporaryDirectory(prefix="qwen-bridge-") as folder:
        if source and target and target.exists() and source.samefile(target):
            _check_number(source.read_bytes(), source.name)
            opened = wiring.open_queue(str(source), listener=tell)
        else:
            path = target or Path(folder, "queue.ipynb")
            path.write_bytes(_copy(nb, source))
            opened = wiring.open_queue(str(path), listener=tell, state=Path(folder, "state"))
        try:
            yield opened
        finally:
            opened.close()


def _check_number(data: bytes, name: str) -> dict[str, object]:
    from bridge.format import codec, json_bytes

    notebook: dict[str, object] = json_bytes.loads(data)
    if codec.read_part(notebook, name=name).number != 1:
        raise NotAQueue(f"{name} is a further part of a queue: give the path of its first notebook")
    return notebook


def _copy(nb: NotebookNode, source: Path | None) -> bytes:
    """The input under a queue_id of its own, so that nobody takes the copy for a second version of the queue."""
    import json

    from bridge.format import codec, json_bytes, template

    if source:
        notebook = json_bytes.loads(source.read_bytes())
    else:
        notebook = json.loads(json.dumps(nb))
        notebook["cells"] = [c for c in notebook["cells"] if _INJECTED not in c["metadata"].get("tags", [])]
    part = codec.read_part(notebook, name=source.name if source else "the notebook")
    written = codec.write_part(part)
    written["metadata"]["bridge"] |= {"queue_id": str(uuid.uuid4()), "part": 1}
    return template.notebook_bytes(written)


def _answer(opened: Opened, asked: RunParameters, ran: dict[str, CellsRun]) -> WorkSummary:
    from bridge import wiring
    from bridge.core.events import EventKind
    from bridge.worker.config import WorkerConfig

    tell = opened.store.notify

    def listen(event: Event) -> None:
        if event.kind in (EventKind.ANSWERED, EventKind.FAILED) and "job" in event.facts:
            now = datetime.now(UTC)
            took_s = event.facts.get("seconds")
            took = timedelta(seconds=took_s if isinstance(took_s, float) else 0)
            ran[str(event.facts["job"])] = CellsRun(began=now - took, ended=now, failed=event.kind is EventKind.FAILED)
        tell(event)

    lanes = asked.lanes
    meant = wiring.engine_settings(asked.engine, opened.settings, base_url=asked.base_url, gguf=asked.gguf)
    context = asked.context or meant.context or DEFAULT_NUM_CTX
    with wiring.prepared_engine(meant, asked.model, lanes=lanes, num_ctx=context) as (engine, models):
        plan = WorkerConfig(
            model=models.default, auto_model=models.auto, lanes=lanes, num_ctx=context, max_tokens=asked.max_tokens,
            max_time_s=asked.max_time, job_timeout_s=meant.timeout_seconds or 3600.0,
        )  # fmt: skip
        return wiring.open_worker(opened, engine, plan, listener=listen).run()
