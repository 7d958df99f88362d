"""`bridge archive`."""

from __future__ import annotations

from typing import Unpack

import click

from bridge.cli import base, complete
from bridge.cli.job_filter import AskedFilter, chosen, given, job_filter


@base.command("archive")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
def command(*, ids: tuple[str, ...], queue: str | None, as_json: bool, **asked: Unpack[AskedFilter]) -> None:
    """Move finished jobs to the notebooks in archive/: by id, by filter, or, without either, all that were delivered.

    \b
    bridge archive
    bridge archive --state failed --caller nightly

    The archive is the audit trail: prompt, answer, verdict and hand-over, for people to read and commit.
    """
    with base.open_bridge(queue) as bridge:
        some = bool(ids) or given(asked)
        wanted = chosen(bridge, ids, asked) if some else ()
        done = bridge.archive(*wanted) if wanted or not some else []
        base.print_ids(done, as_json=as_json, done="archived")
