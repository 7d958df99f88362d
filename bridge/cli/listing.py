"""`bridge list`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from bridge.cli import base
from bridge.cli.job_filter import job_filter

if TYPE_CHECKING:
    from bridge.store.query import JobLine


@base.command("list")
@job_filter
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
def command(
    *, states: tuple[str, ...], caller: str | None, limit: int | None, queue: str | None, as_json: bool
) -> None:
    """The jobs, oldest first. Piped, it prints columns divided by tabs."""
    from bridge.api.views import line_json

    with base.open_bridge(queue) as bridge:
        lines = bridge.jobs(state=list(states) or None, caller=caller, limit=limit)
        keys = bridge.key_ids()
    if as_json:
        base.print_json({"jobs": [line_json(line) for line in lines]})
        return
    base.print_table(
        ["id", "state", "lang", "model", "caller", "created", "where"],
        [
            (j.id, _state(j, keys), j.lang, j.model, j.caller, base.ago(j.created_at), j.archive or f"part {j.part}")
            for j in lines
        ],
    )


def _state(line: JobLine, keys: Collection[str]) -> str:
    """The state; where this machine has keys of the queue, also whether its answer is signed."""
    odd = keys and line.finished_at is not None and line.signer not in keys
    return f"{line.state.value}, not signed" if odd else line.state.value
