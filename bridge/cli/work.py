"""`bridge work`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Unpack

import click

from bridge.cli import base, engine_options
from bridge.cli.generation_options import worker_option
from bridge.core.options import WORKER_OPTIONS

if TYPE_CHECKING:
    from bridge.worker.config import WorkSummary


@base.command("work")
@click.option(
    "--model",
    help="Model for jobs that name none; `auto`: the largest that fits (default: qwen2.5-coder:32b, or the engine's only one).",
)
@click.option("--until-empty/--forever", default=True, help="End when no job waits (default), or wait for more.")
@worker_option(WORKER_OPTIONS["num_ctx"], "--window", "--context", "num_ctx")
@worker_option(WORKER_OPTIONS["max_tokens"], "--max-tokens")
@engine_options.worker_options
def command(
    *, model: str | None, until_empty: bool, num_ctx: int, max_tokens: int, queue: str | None, as_json: bool, **asked: Unpack[engine_options.AskedEngine]
) -> None:  # fmt: skip
    """Answer the jobs of the queue, unattended, until none is left.

    \b
    bridge work --model qwen2.5-coder:7b --pull           with Ollama, here or at OLLAMA_HOST
    bridge work --engine openai --base-url URL --parallel 8 --max-time 2h
    bridge work --engine llamacpp --gguf model.gguf --forever

    Answers are on disk at once and in the notebook every few seconds. Ctrl-C or SIGTERM ends it cleanly: what is under way
    goes back into the queue and costs no attempt. Killed in any other way, it is simply started again. Several workers on
    one queue share the work.
    """
    from bridge import wiring
    from bridge.cli.progress import Reporter

    opened = wiring.open_queue(queue, listener=base.tell)
    reporter = Reporter(as_json=as_json)
    try:
        with engine_options.engine_and_worker(
            asked, opened.settings, model=model, num_ctx=num_ctx, max_tokens=max_tokens, forever=not until_empty
        ) as (engine, plan):  # fmt: skip
            worker = wiring.open_worker(opened, engine, plan, listener=reporter.tell)
            opened.store.notify = reporter.tell
            base.stop_on_signals(worker.ask_to_stop)
            with reporter.watching(worker):
                summary = worker.run()
    finally:
        opened.close()
    reporter.summary(summary)
    sys.exit(_exit_code(summary))


def _exit_code(summary: WorkSummary) -> int:
    from bridge.worker.config import End

    if summary.unpublished or summary.end in (End.OUT_OF_MEMORY, End.TOLD_TO_WAIT, End.NO_ANSWERS):
        return 3
    return 1 if summary.failed else 0
