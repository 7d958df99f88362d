"""`bridge run`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli import base, checking, labour, prompts
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.views import JobView


@base.command("run")
@click.argument("texts", nargs=-1, metavar="[PROMPT|FILE]...")
@prompts.prompt_options
@labour.worker_options
@click.option(
    "--window", default=8192, show_default=True, type=click.IntRange(min=256), help="Tokens for prompt and answer."
)
@checking.way_out_options
@click.option("--apply", is_flag=True, help="Write the code into the project: to --out, and to the paths it names.")
@click.option("--root", default=".", metavar="DIR", show_default=True, help="The project of --apply.")
@click.option("--force", is_flag=True, help="With --apply: overwrite changes of your own.")
@checking.rule_options
def command(
    *, texts: tuple[str, ...], caller: str | None, window: int, outbox: str | None, program: str | None, webhook: str | None,
    apply: bool, root: str, force: bool, repair: bool, max_rounds: int, project_lint: bool, queue: str | None, as_json: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """Add prompts, answer them here, and hand the checked results over: `add`, `work` and `watch` in one process.

    An argument that is a file's path stands for the file's text. Prints a line for each job as it becomes ready. Exit code
    0 if every job has an answer and none has errors, 1 otherwise, 124 if it was stopped before: the jobs stay queued.
    """
    from bridge import wiring
    from bridge.cli.progress import Reporter
    from bridge.errand import Errand

    if bool(texts) == bool(asked["jsonl"]):
        raise UsageError("give prompts or files, or --jsonl FILE (see `bridge run --help`)")
    rules = checking.rules(repair=repair, max_rounds=max_rounds, project_lint=project_lint)
    channels = wiring.open_channels(outbox=outbox, program=program, webhook=webhook)
    reporter = Reporter(as_json=False)
    refused: list[str] = []

    with base.open_bridge(queue, caller=caller) as bridge:
        added, _ = prompts.add(bridge, [_text(text) for text in texts], {n: asked[n] for n in prompts.NAMES})
        ids = list(dict.fromkeys(job.id for job in added))

        def ready(view: JobView) -> None:
            if apply and view.good:
                try:
                    bridge.apply_result(view.id, Path(root), force=force)
                except UsageError as error:
                    refused.append(view.id)
                    click.echo(f"bridge: {view.id} is not applied: {error}", err=True)
            if not as_json:
                base.print_ready(view)

        opened = wiring.open_queue(queue, listener=reporter.tell)  # the worker's own connection to the journal
        try:
            with labour.worker(
                opened, {n: asked[n] for n in labour.NAMES}, model=asked["model"], num_ctx=window, forever=True, poll_s=0.2,
                listener=reporter.tell,
            ) as worker:  # fmt: skip
                errand = Errand(
                    bridge=bridge,
                    worker=worker,
                    dispatch=wiring.open_dispatch(bridge.opened, channels, reporter.tell),
                    now_s=time.monotonic,
                    max_rounds=rules.max_rounds,
                    project_lint=rules.project,
                )
                base.stop_on_signals(errand.ask_to_stop)
                with reporter.watching(worker):
                    views, summary = errand.run(ids, on_ready=ready)
        finally:
            opened.close()
    if as_json:
        base.print_json({"jobs": [view.handover() for view in views]})
    else:
        click.echo(f"bridge: {summary.answered} answered, {summary.failed} failed", err=True)
    sys.exit(0 if all(view.good for view in views) and not refused else 1)


def _text(argument: str) -> str:
    """A prompt, or the text of the file that the argument names."""
    try:
        is_file = argument == "-" or Path(argument).is_file()
    except (OSError, ValueError):  # too long for a name, or holding NUL
        is_file = False
    return base.read_text(argument) if is_file else argument
