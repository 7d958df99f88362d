"""`bridge purge`."""

from __future__ import annotations

from datetime import timedelta

import click

from bridge.cli import base
from bridge.cli.duration import DURATION
from bridge.core.errors import UsageError
from bridge.core.job import State
from bridge.core.text import counted

#: What may be purged: whatever waits for nobody.
_STATES = [state.value for state in (State.ARCHIVED, State.CANCELLED, State.FAILED, State.DELIVERED)]


@base.command("purge")
@click.option(
    "--older-than", type=DURATION, required=True, metavar="D", help="Only jobs that ended so long ago (30d, 12h)."
)
@click.option(
    "--state", "states", multiple=True, type=click.Choice(_STATES), default=["archived"], show_default=True,
    help="Jobs in this state; repeatable.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say which, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    *, older_than: float, states: tuple[str, ...], dry_run: bool, yes: bool, queue: str | None, as_json: bool
) -> None:
    """Delete old jobs for good, as `bridge forget` does: those of the archive, or of other states that you name.

    \b
    bridge purge --older-than 90d --dry-run
    bridge purge --older-than 30d --state archived --state cancelled --yes
    """
    with base.open_bridge(queue) as bridge:
        before = bridge.store.clock.now() - timedelta(seconds=older_than)
        lines = bridge.jobs(state=list(states))
        found = [
            line.id
            for line in lines
            if line.parent is None and (ended := line.finished_at or line.created_at) is not None and ended <= before
        ]
        if dry_run:
            base.print_ids(found, as_json=as_json, done="would be forgotten")
            return
        if found and not (yes or base.agreed(f"Delete {counted(len(found), 'job')} for good?")):
            raise UsageError(f"{counted(len(found), 'job')} found, none deleted: --yes agrees to it")
        base.print_ids(bridge.forget(*found), as_json=as_json, done="forgotten")
