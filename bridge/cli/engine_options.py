"""What `bridge work` and `bridge run` take of engines, and the engine that comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

import click
from click.core import ParameterSource

from bridge.cli import base, complete
from bridge.cli.duration import DURATION
from bridge.cli.generation_options import worker_option
from bridge.core.errors import UsageError
from bridge.core.options import DEFAULT_MAX_TOKENS, WORKER_OPTIONS

if TYPE_CHECKING:
    from bridge.engines.base import Engine
    from bridge.wiring import Settings
    from bridge.worker.config import WorkerConfig

#: The options that say what answers the jobs.
worker_options = base.options(
    click.option(
        "--engine",
        metavar="NAME",
        shell_complete=complete.engines,
        help="ollama, openai, llamacpp, scripted (a fake), or a NAME of [engines.NAME] in bridge.toml "
        "(default: what --gguf or --base-url is for, else ollama).",
    ),
    worker_option(WORKER_OPTIONS["lanes"], "--parallel"),
    click.option(
        "--max-time", type=DURATION, metavar="D", help="Begin no job after this (90s, 30min, 2h); finish those begun."
    ),
    click.option("--job-timeout", type=DURATION, default=3600.0, metavar="D", help="Time limit per job (default 1h)."),
    click.option("--pull", is_flag=True, help="Fetch the model first, if it is missing."),
    base.file_option("--gguf", metavar="FILE", help="Answer with this file, by llama.cpp; `tiny`: a toy that ships with it."),
    click.option("--base-url", metavar="URL", help="Server URL (OpenAI-compatible or Ollama; overrides OLLAMA_HOST)."),
    click.option(
        "--map", "mapped", multiple=True, metavar="ASKED=MODEL",
        help="Answer jobs that ask for one model with another; `*=MODEL`: all jobs; repeatable.",
    ),
    click.option("--wait-for-engine", is_flag=True, help="Wait for an engine that does not answer, instead of ending at once."),
)  # fmt: skip


class AskedEngine(TypedDict):
    """The parameters of these options."""

    engine: str | None
    parallel: int
    max_time: float | None
    job_timeout: float
    pull: bool
    gguf: str | None
    base_url: str | None
    mapped: tuple[str, ...]
    wait_for_engine: bool


@contextmanager
def engine_and_worker(
    asked: AskedEngine,
    settings: Settings,
    *,
    model: str | None,
    num_ctx: int,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    forever: bool,
    poll_s: float = 5.0,
) -> Iterator[tuple[Engine, WorkerConfig]]:
    """An engine with its model, and how to work with it; let go afterwards. Raises what engines and models raise.

    What its table in bridge.toml says holds where the command line says nothing.
    """
    from bridge import wiring
    from bridge.engines.slotted import SlottedEngine, hold_for_jobs
    from bridge.worker.config import EVERY_MODEL, WorkerConfig

    lanes = asked["parallel"]
    meant = wiring.named_engine(settings, name=asked["engine"], gguf=asked["gguf"], base_url=asked["base_url"])
    model_map = _model_map(asked["mapped"])
    num_ctx = num_ctx if _was_given("num_ctx", "window") else meant.context or num_ctx
    timeout_s = asked["job_timeout"] if _was_given("job_timeout") else meant.timeout_seconds or asked["job_timeout"]
    with wiring.prepared_engine(
        meant, model or model_map.get(EVERY_MODEL), pull=asked["pull"], lanes=lanes, num_ctx=num_ctx, wait=asked["wait_for_engine"],
        also=model_map.values(), say=base.say
    ) as (engine, models):  # fmt: skip
        files = wiring.slot_files(meant, lanes=lanes, state=wiring.state_folder())
        # `bridge serve` may ask the same one.
        yield engine if files is None else SlottedEngine(engine, hold_for_jobs(files)), WorkerConfig(
            model=models.default, auto_model=models.auto, lanes=lanes, forever=forever, max_time_s=asked["max_time"],
            job_timeout_s=timeout_s, num_ctx=num_ctx, max_tokens=max_tokens, poll_s=poll_s, model_map=model_map,
            waits_for_engine=asked["wait_for_engine"],
        )  # fmt: skip


def _model_map(mapped: Sequence[str]) -> dict[str, str]:
    """{what a job asks for: what answers it}. Raises UsageError."""
    pairs = [text.partition("=") for text in mapped]
    for asked, sign, model in pairs:
        if not (asked.strip() and sign and model.strip()):
            raise UsageError(f"--map {asked}{sign}{model}: write ASKED=MODEL, such as gpt-4o-mini=qwen2.5-coder:14b")
    return {asked.strip(): model.strip() for asked, _, model in pairs}


def _was_given(*names: str) -> bool:
    """Whether one of these parameters stands on the command line, and is not its default."""
    context = click.get_current_context()
    return any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in names)
