"""The options that choose jobs, the same for every command that takes them."""

from __future__ import annotations

import click

from bridge.cli import base
from bridge.core.job import State

_STATES = [state.value for state in State]


#: `--state` (repeatable) and `--caller`.
job_filter = base.options(
    click.option(
        "--state", "states", multiple=True, type=click.Choice(_STATES), help="Only jobs in this state; repeatable."
    ),
    click.option("--caller", metavar="NAME", help="Only jobs of this caller."),
)
