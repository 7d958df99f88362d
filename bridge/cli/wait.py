"""`bridge wait`."""

from __future__ import annotations

import sys
import threading
from typing import Unpack

import click

from bridge.cli import base, complete, delivery_options
from bridge.cli.duration import DURATION
from bridge.cli.job_filter import AskedFilter, chosen, job_filter


@base.command("wait")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
@click.option("--timeout", type=DURATION, metavar="D", help="Give up after this (90s, 30min, 2h); exit code 124.")
@click.option("--no-check", is_flag=True, help="Take answers as they come, unchecked.")
@delivery_options.notice_options
@delivery_options.rule_options
def command(
    *, ids: tuple[str, ...], timeout: float | None, no_check: bool, notify: tuple[str, ...], repair: bool, max_rounds: int, project_lint: bool,
    project: str | None, queue: str | None, as_json: bool, **asked: Unpack[AskedFilter],
) -> None:  # fmt: skip
    """Wait for jobs; prints a line for each as it becomes ready: id, state, verdict.

    \b
    bridge wait 01M7 && bridge apply 01M7
    bridge wait --batch nightly --timeout 2h --json > results.json

    If no `bridge watch` runs, this checks the answers itself, and asks for repairs; else the watcher does, by its own
    rules. Exit code 0 if every job has an answer and none has errors, 1 otherwise.
    """
    from bridge import wiring

    rules = delivery_options.rules(repair=repair, max_rounds=max_rounds, project_lint=project_lint, project=project)
    notifiers = wiring.open_notifiers(notify, say=base.say)
    stopped = threading.Event()
    base.stop_on_signals(stopped.set)
    with base.open_bridge(queue) as bridge:
        views = bridge.wait(
            chosen(bridge, ids, asked), timeout_s=timeout, check=not no_check, max_rounds=rules.max_rounds, project_lint=rules.project,
            project=rules.patch_root, on_ready=None if as_json else base.print_ready,
            give_up=stopped.is_set,
        )  # fmt: skip
        delivery_options.tell_done(notifiers, bridge.opened.shown, views)
    if as_json:
        base.print_json({"jobs": [view.handover().to_json() for view in views]})
    sys.exit(0 if all(view.good for view in views) else 1)
