"""`bridge retry`."""

from __future__ import annotations

from typing import TypedDict, Unpack

import click

from bridge.cli import base, complete
from bridge.cli.generation_options import job_option, read_given
from bridge.cli.job_filter import AskedFilter, chosen, job_filter
from bridge.core.options import OPTIONS


class AskedRetry(TypedDict):
    """The options that a job may have from now on, as texts."""

    model: str | None
    max_tokens: str | None
    window: str | None


@base.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
@job_option(OPTIONS["model"])
@job_option(OPTIONS["max_tokens"])
@job_option(OPTIONS["window"])
def command(
    *, ids: tuple[str, ...], model: str | None, max_tokens: str | None, window: str | None, queue: str | None,
    as_json: bool, **asked: Unpack[AskedFilter],
) -> None:  # fmt: skip
    """Put finished or cancelled jobs back into the queue, by id, key or filter, with other options if you like.

    \b
    bridge retry --state failed
    bridge retry 01M7 --model qwen2.5-coder:14b --max-tokens 8000 --window 16384

    What they have so far does not count any more, and is kept in their attempts.
    """
    changed = read_given(AskedRetry(model=model, max_tokens=max_tokens, window=window))
    with base.open_bridge(queue) as bridge:
        done = bridge.retry(*chosen(bridge, ids, asked), **changed)
        base.print_ids(done, as_json=as_json, done="put back into the queue")
