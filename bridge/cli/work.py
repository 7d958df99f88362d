"""`bridge work`."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click

from bridge.cli import base
from bridge.cli.duration import DURATION

if TYPE_CHECKING:
    from types import FrameType

    from bridge.worker.loop import Summary, Worker


@base.command("work")
@click.option("--engine", default="ollama", show_default=True, help="ollama, openai, llamacpp, or scripted (a fake).")
@click.option("--model", help="For jobs that name none; default qwen2.5-coder:32b, or the engine's only one.")
@click.option(
    "--parallel", default=1, show_default=True, type=click.IntRange(1, 256), help="Lanes: requests at the same time."
)
@click.option("--until-empty/--forever", default=True, help="End when no job waits (default), or wait for more.")
@click.option(
    "--max-time", type=DURATION, metavar="D", help="Begin no job after this (90s, 30min, 2h); finish those begun."
)
@click.option("--job-timeout", type=DURATION, default=3600.0, metavar="D", help="Longest answer; default 1h.")
@click.option(
    "--context",
    "num_ctx",
    default=8192,
    show_default=True,
    type=click.IntRange(min=256),
    help="Tokens for prompt and answer.",
)
@click.option(
    "--max-tokens", default=4096, show_default=True, type=click.IntRange(min=1), help="Of answers that name no limit."
)
@click.option("--pull", is_flag=True, help="Fetch the model first, if it is missing.")
@click.option("--gguf", metavar="FILE", help="The model of the engine llamacpp.")
@click.option("--base-url", metavar="URL", help="Of the engine openai; of ollama, in place of OLLAMA_HOST.")
def command(
    *, engine: str, model: str | None, parallel: int, until_empty: bool, max_time: float | None, job_timeout: float, num_ctx: int,
    max_tokens: int, pull: bool, gguf: str | None, base_url: str | None, queue: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Answer the jobs of the queue, unattended, until none is left.

    Answers are on disk at once and in the notebook every few seconds. Ctrl-C or SIGTERM ends it cleanly: what is under way
    goes back into the queue and costs no attempt. Killed in any other way, it is simply started again. Several workers on
    one queue share the work.
    """
    from bridge import wiring
    from bridge.cli.progress import Reporter
    from bridge.worker.loop import Plan

    opened = wiring.open_queue(queue, listener=base.tell)
    brain = wiring.open_engine(engine, lanes=parallel, num_ctx=num_ctx, gguf=gguf, base_url=base_url)
    reporter = Reporter(as_json=as_json)
    try:
        model = wiring.ready_model(brain, model, pull=pull, say=lambda line: click.echo(f"bridge: {line}", err=True))
        plan = Plan(
            model=model, lanes=parallel, forever=not until_empty, max_time_s=max_time, job_timeout_s=job_timeout,
            num_ctx=num_ctx, max_tokens=max_tokens,
        )  # fmt: skip
        worker = wiring.open_worker(opened, brain, plan, listener=reporter.tell)
        opened.store.notify = reporter.tell
        _stop_on_signals(worker)
        with reporter.watching(worker):
            summary = worker.run()
    finally:
        brain.close()
        opened.store.journal.close()
    reporter.summary(summary)
    sys.exit(_exit_code(summary))


def _stop_on_signals(worker: Worker) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.ask_to_stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _exit_code(summary: Summary) -> int:
    if summary.unpublished:
        return 3
    return 1 if summary.failed else 0
