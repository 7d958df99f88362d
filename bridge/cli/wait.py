"""`bridge wait`."""

from __future__ import annotations

import sys

import click

from bridge.cli import base
from bridge.cli.duration import DURATION


@base.command("wait")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--timeout", type=DURATION, metavar="D", help="Give up after this (90s, 30min, 2h); exit code 124.")
@click.option("--no-check", is_flag=True, help="Take answers as they come, unchecked.")
@click.option("--repair/--no-repair", default=True, help="Ask again about code that does not pass (default), or not.")
@click.option("--max-rounds", default=2, show_default=True, type=click.IntRange(0, 3), help="Repair rounds at most.")
def command(
    *, ids: tuple[str, ...], timeout: float | None, no_check: bool, repair: bool, max_rounds: int, queue: str | None, as_json: bool
) -> None:  # fmt: skip
    """Wait for jobs; prints a line for each as it becomes ready.

    If no `bridge watch` runs, this checks the answers itself, and asks for repairs. Exit code 0 if every job has an answer
    and none has errors, 1 otherwise.
    """

    def ready(view) -> None:  # type: ignore[no-untyped-def]  # a JobView; its module is heavy
        if not as_json:
            click.echo(f"{view.id}\t{view.line.state.value}\t{view.verdict or view.error or ''}")

    with base.open_bridge(queue) as bridge:
        views = bridge.wait(
            ids, timeout_s=timeout, check=not no_check, max_rounds=max_rounds if repair else 0, on_ready=ready
        )
    if as_json:
        base.print_json({"jobs": [view.handover() for view in views]})
    sys.exit(0 if all(view.good for view in views) else 1)
