"""`bridge run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from bridge.cli import base, delivery_options, engine_options, prompt_options
from bridge.cli.generation_options import read_options
from bridge.core.errors import UsageError
from bridge.core.options import DEFAULT_NUM_CTX

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge
    from bridge.api.views import JobView


class AskedRun(prompt_options.AskedPrompts, engine_options.AskedEngine):
    """What the two families of options give this command."""


@base.command("run")
@click.argument("texts", nargs=-1, metavar="[PROMPT|FILE]...")
@prompt_options.prompt_options
@engine_options.worker_options
@delivery_options.way_out_options
@click.option("--apply", is_flag=True, help="Write the code into the project: to --out, and to the paths it names.")
@base.folder_option("--root", default=".", show_default=True, help="The project of --apply.")
@click.option("--force", is_flag=True, help="With --apply: overwrite changes of your own.")
@delivery_options.notice_options
@delivery_options.rule_options
def command(
    *, texts: tuple[str, ...], caller: str | None, outbox: str | None, program: str | None, webhook: str | None, notify: tuple[str, ...],
    apply: bool, root: str, force: bool, repair: bool, max_rounds: int, project_lint: bool, project: str | None, queue: str | None,
    as_json: bool, **asked: Unpack[AskedRun],
) -> None:  # fmt: skip
    """Add prompts, answer them here, and hand the checked results over: `add`, `work` and `watch` in one process.

    \b
    bridge run "Write a Python function that ..." --lang python --out src/x.py --apply
    bridge run prompts/*.md --engine llamacpp --gguf model.gguf --outbox results
    bridge run --jsonl batch.jsonl --model qwen2.5-coder:7b --pull --parallel 4

    An argument that is a file's path stands for the file's text. Prints a line for each job as it becomes ready. Exit code
    0 if every job has an answer and none has errors, 1 otherwise. Ctrl-C ends it cleanly, with 130: the jobs stay queued.
    """
    from bridge import wiring
    from bridge.api.local_run import prepared
    from bridge.cli.progress import Reporter

    if bool(texts) == bool(asked["jsonl"]):
        raise UsageError("give prompts or files, or --jsonl FILE (see `bridge run --help`)")
    options = read_options(asked)
    tried_on = project or (root if apply else None)
    rules = delivery_options.rules(repair=repair, max_rounds=max_rounds, project_lint=project_lint, project=tried_on)
    channels = wiring.open_channels(outbox=outbox, program=program, webhook=webhook)
    notifiers = wiring.open_notifiers(notify, say=base.say)
    reporter = Reporter(as_json=False)
    refused: list[str] = []

    with base.open_bridge(queue, caller=caller) as bridge:
        added, _ = prompt_options.add(bridge, [_text(text) for text in texts], asked)
        ids = list(dict.fromkeys(job.id for job in added))

        def ready(view: JobView) -> None:
            if apply and view.good and not _applied(bridge, view, Path(root), force=force):
                refused.append(view.id)
            if not as_json:
                base.print_ready(view)

        with engine_options.engine_and_worker(
            asked, bridge.opened.settings, model=asked["model"], num_ctx=options.window or DEFAULT_NUM_CTX, forever=True, poll_s=0.2
        ) as (engine, plan):  # fmt: skip
            made = prepared(bridge, engine, plan, queue=queue, channels=channels, rules=rules, listener=reporter.tell)
            with made as local_run:
                base.stop_on_signals(local_run.ask_to_stop)
                with reporter.watching(local_run.worker):
                    views, summary = local_run.run(ids, on_ready=ready)
        delivery_options.tell_done(notifiers, bridge.opened.shown, views)
    if as_json:
        base.print_json({"jobs": [view.handover().to_json() for view in views]})
    else:
        base.say(f"{summary.answered} answered, {summary.failed} failed")
    sys.exit(0 if all(view.good for view in views) and not refused else 1)


def _applied(bridge: Bridge, view: JobView, root: Path, *, force: bool) -> bool:
    """Write a job's code into the project; whether that was allowed, else says why not."""
    try:
        bridge.apply_result(view.id, root, force=force)
    except UsageError as error:
        base.say(f"{view.id} is not applied: {error}")
        return False
    return True


def _text(argument: str) -> str:
    """A prompt, or the text of the file that the argument names."""
    try:
        is_file = argument == "-" or Path(argument).is_file()
    except (OSError, ValueError):  # too long for a name, or holding NUL
        is_file = False
    if not is_file:
        prompt_options.refuse_path(argument, how="there is no such file here")
    return base.read_text(argument) if is_file else argument
