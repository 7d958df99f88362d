"""The options that choose jobs, the same for every command that takes them."""

from __future__ import annotations

from collections.abc import Callable

import click

from bridge.core.job import State

_STATES = [state.value for state in State]


def job_filter(function: Callable[..., object]) -> Callable[..., object]:
    """`--state` (repeatable) and `--caller`."""
    for option in (
        click.option("--caller", metavar="NAME", help="Only jobs of this caller."),
        click.option(
            "--state", "states", multiple=True, type=click.Choice(_STATES), help="Only jobs in this state; repeatable."
        ),
    ):
        function = option(function)
    return function
