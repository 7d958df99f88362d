"""`bridge cancel`."""

from __future__ import annotations

from typing import Unpack

import click

from bridge.cli import base, complete
from bridge.cli.job_filter import AskedFilter, chosen, job_filter


@base.command("cancel")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
@click.option(
    "--doubted",
    "suspect_deletion",
    flag_value="cancel",
    help="Open jobs that a version of the notebook lacked (suspect deletions).",
)
@click.option("--keep-doubted", "suspect_deletion", flag_value="keep", help="Keep these jobs.")
def command(
    *,
    ids: tuple[str, ...],
    suspect_deletion: str | None,
    queue: str | None,
    as_json: bool,
    **asked: Unpack[AskedFilter],
) -> None:
    """Cancel jobs, by id, key or filter. One that is running keeps its result if that still arrives.

    \b
    bridge cancel 01M7
    bridge cancel --state queued --batch nightly
    """
    with base.open_bridge(queue) as bridge:
        if suspect_deletion:
            done = bridge.confirm_doubted(cancel=suspect_deletion == "cancel")
            base.print_ids(done, as_json=as_json, done="cancelled" if suspect_deletion == "cancel" else "kept")
            return
        done = bridge.cancel(*chosen(bridge, ids, asked))
        base.print_ids(done, as_json=as_json, done="cancelled")
