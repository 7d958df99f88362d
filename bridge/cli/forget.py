"""`bridge forget`."""

from __future__ import annotations

import click

from bridge.cli import base, complete
from bridge.core.errors import UsageError
from bridge.core.text import counted


@base.command("forget")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=complete.jobs)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(*, ids: tuple[str, ...], yes: bool, queue: str | None, as_json: bool) -> None:
    """Delete finished jobs for good: prompt, answers and verdicts, from the notebooks, the archive and this machine's journal.

    \b
    bridge forget 01M7
    bridge forget nightly-3 nightly-4 --yes

    `bridge archive` only moves them. What was handed over (an outbox, your project), second copies in forks/, and other machines
    keep what they have. An open job has to be cancelled first. The job's key is free again.
    """
    if not (yes or base.agreed(f"Delete {counted(len(ids), 'job')} for good?")):
        raise UsageError("nothing was deleted: --yes agrees to it")
    with base.open_bridge(queue) as bridge:
        base.print_ids(bridge.forget(*ids), as_json=as_json, done="forgotten")
