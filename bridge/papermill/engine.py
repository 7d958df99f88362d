"""papermill's door: `papermill q.ipynb q.ipynb --engine qwen-bridge -p model qwen2.5-coder:14b`.

The worker answers all pending jobs of the queue; every other cell is run by papermill itself, as its own engine does it. The
notebook's runtime and setup cells are skipped, because the worker replaces them. Finished answers stay, whatever happens:
papermill's engines begin by wiping all outputs, so this one shows papermill only the cells that are no jobs (see cells.py).

Parameters: model, lanes, engine, base_url, gguf, context, max_tokens, max_time (a number of seconds, or 30min). The same path twice
works on the queue itself, through the store. Another output path gets a copy, a queue of its own, and the input stays as
it is. A job that ran in this run has `metadata.papermill.status` `completed` or `failed`; no other job has one.

Nothing here imports papermill at the top: papermill imports this module while it is half-imported itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.core.duration import read_duration
from bridge.core.errors import ConfigError
from bridge.core.options import DEFAULT_NUM_CTX, OPTIONS, WORKER_OPTIONS, Option
from bridge.papermill import cells
from bridge.papermill.copies import opened_queue
from bridge.papermill.needed import papermill

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from bridge.worker.config import WorkSummary

#: {parameter: what it must be}
PARAMETERS: Mapping[str, Option | type | tuple[type, ...]] = {
    "model": OPTIONS["model"], "lanes": WORKER_OPTIONS["lanes"], "engine": str, "base_url": str, "gguf": str,
    "context": WORKER_OPTIONS["num_ctx"], "max_tokens": WORKER_OPTIONS["max_tokens"], "max_time": (int, float, str),
}  # fmt: skip


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
        progress_bar: bool | dict[str, object] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        input_path: str | None = None,
        **more: object,
    ) -> NotebookNode:
        """The notebook as it stands on disk when all is done; an error of a cell stands in it, and papermill raises it.

        Raises:
            MissingExtra, ConfigError, NotAQueue: nothing was run.
            PapermillException: jobs failed, or results could not be published; what was answered is saved.
        """
        about = nb.metadata.get("papermill", {})
        parameters = _checked(dict(about.get("parameters") or {}))
        with opened_queue(nb, input_path, about.get("output_path") or output_path) as opened:
            run = cells.ManagedRun(
                opened,
                nb,
                output_path,
                progress_bar=progress_bar,
                log_output=log_output,
                autosave_s=autosave_cell_every,
            )
            with run.closing():
                summary = _answer(run, parameters) if _has_open_jobs(run) else None
                run.execute(kernel_name, log_output=log_output, **more)
            done = run.written()
        if summary and not run.has_failed_cell:
            _raise_for_jobs(summary)
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


def _has_open_jobs(run: cells.ManagedRun) -> bool:
    """Whether there is anything to ask; else no engine is needed."""
    from bridge.store import query

    run.opened.store.publish()  # takes in prompts that somebody typed
    return bool(run.opened.store.look(lambda journal: list(query.waiting(journal))))


def _answer(run: cells.ManagedRun, asked: RunParameters) -> WorkSummary:
    from bridge import wiring
    from bridge.worker.config import WorkerConfig

    opened, lanes = run.opened, asked.lanes
    meant = wiring.engine_settings(asked.engine, opened.settings, base_url=asked.base_url, gguf=asked.gguf)
    context = asked.context or meant.context or DEFAULT_NUM_CTX
    with wiring.prepared_engine(meant, asked.model, lanes=lanes, num_ctx=context) as (engine, models):
        plan = WorkerConfig(
            model=models.default, auto_model=models.auto, lanes=lanes, num_ctx=context, max_tokens=asked.max_tokens,
            max_time_s=asked.max_time, job_timeout_s=meant.timeout_seconds or 3600.0,
        )  # fmt: skip
        return wiring.open_worker(opened, engine, plan, listener=run.listen).run()


def _raise_for_jobs(summary: WorkSummary) -> None:
    """Raises PapermillException if not all jobs were answered."""
    from bridge.worker.config import End

    failure = papermill("exceptions").PapermillException
    if summary.end is End.OUT_OF_MEMORY:
        raise failure("the model does not fit into memory; no job was failed for that")
    if summary.end in (End.TOLD_TO_WAIT, End.NO_ANSWERS):
        raise failure("the engine takes no requests; the jobs that are left stay queued")
    if summary.unpublished or summary.failed:
        why = summary.unpublished or "their cells say why"
        raise failure(f"{summary.failed} of {summary.answered + summary.failed} jobs failed: {why}")
