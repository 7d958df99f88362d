"""`bridge retry`."""

from __future__ import annotations

import click

from bridge.cli import base, complete
from bridge.cli.job_filter import job_filter


@base.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
def command(
    *, ids: tuple[str, ...], states: tuple[str, ...], caller: str | None, queue: str | None, as_json: bool
) -> None:
    """Put finished or cancelled jobs back into the queue, by id or filter: `bridge retry --state failed`.

    What they have so far does not count any more, and is kept in their attempts.
    """
    with base.open_bridge(queue) as bridge:
        done = bridge.retry(*base.chosen(bridge, ids, states, caller))
        base.print_ids(done, as_json=as_json, done="put back into the queue")
