"""`bridge retry`."""

from __future__ import annotations

from typing import Unpack

import click

from bridge.cli import base, complete
from bridge.cli.job_filter import AskedFilter, chosen, job_filter


@base.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
def command(*, ids: tuple[str, ...], queue: str | None, as_json: bool, **asked: Unpack[AskedFilter]) -> None:
    """Put finished or cancelled jobs back into the queue, by id or filter: `bridge retry --state failed`.

    What they have so far does not count any more, and is kept in their attempts.
    """
    with base.open_bridge(queue) as bridge:
        done = bridge.retry(*chosen(bridge, ids, asked))
        base.print_ids(done, as_json=as_json, done="put back into the queue")
