"""`bridge work`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from bridge.cli import base, labour

if TYPE_CHECKING:
    from bridge.worker.plan import Summary


@base.command("work")
@click.option("--model", help="For jobs that name none; default qwen2.5-coder:32b, or the engine's only one.")
@click.option("--until-empty/--forever", default=True, help="End when no job waits (default), or wait for more.")
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
@labour.worker_options
def command(
    *, model: str | None, until_empty: bool, num_ctx: int, max_tokens: int, queue: str | None, as_json: bool, **asked: Any
) -> None:  # fmt: skip
    """Answer the jobs of the queue, unattended, until none is left.

    Answers are on disk at once and in the notebook every few seconds. Ctrl-C or SIGTERM ends it cleanly: what is under way
    goes back into the queue and costs no attempt. Killed in any other way, it is simply started again. Several workers on
    one queue share the work.
    """
    from bridge import wiring
    from bridge.cli.progress import Reporter

    opened = wiring.open_queue(queue, listener=base.tell)
    reporter = Reporter(as_json=as_json)
    try:
        with labour.worker(
            opened, asked, model=model, num_ctx=num_ctx, max_tokens=max_tokens, forever=not until_empty,
            listener=reporter.tell,
        ) as worker:  # fmt: skip
            opened.store.notify = reporter.tell
            base.stop_on_signals(worker.ask_to_stop)
            with reporter.watching(worker):
                summary = worker.run()
    finally:
        opened.close()
    reporter.summary(summary)
    sys.exit(_exit_code(summary))


def _exit_code(summary: Summary) -> int:
    if summary.unpublished:
        return 3
    return 1 if summary.failed else 0
