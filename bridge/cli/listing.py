"""`bridge list`."""

from __future__ import annotations

import click

from bridge.cli import base
from bridge.cli.job_filter import job_filter


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
    if as_json:
        base.print_json({"jobs": [line_json(line) for line in lines]})
        return
    base.print_table(
        ["id", "state", "lang", "model", "caller", "created", "where"],
        [
            (j.id, j.state.value, j.lang, j.model, j.caller, base.ago(j.created_at), j.archive or f"part {j.part}")
            for j in lines
        ],
    )
