"""The options that choose jobs, the same for every command that takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import click

from bridge.cli import base
from bridge.core.errors import UsageError
from bridge.core.job import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.api.bridge import Bridge

_STATES = [state.value for state in State]


#: `--state` (repeatable), `--caller` and `--batch`.
job_filter = base.options(
    click.option(
        "--state", "states", multiple=True, type=click.Choice(_STATES), help="Only jobs in this state; repeatable."
    ),
    click.option("--caller", metavar="NAME", help="Only jobs of this caller."),
    click.option("--batch", metavar="NAME", help="Only jobs of this batch (see `bridge add --batch`)."),
)


class AskedFilter(TypedDict):
    """The parameters of these options."""

    states: tuple[str, ...]
    caller: str | None
    batch: str | None


def given(asked: AskedFilter) -> bool:
    """Whether any of them was."""
    return bool(asked["states"] or asked["caller"] or asked["batch"])


def matching(bridge: Bridge, asked: AskedFilter) -> list[str]:
    """The ids of the jobs that these options choose, oldest first; without rounds of repair."""
    return bridge.ids(state=list(asked["states"]) or None, caller=asked["caller"], batch=asked["batch"], original=True)


def chosen(bridge: Bridge, ids: Sequence[str], asked: AskedFilter) -> list[str]:
    """The jobs that a command is about: given ids, or all that match. Raises UsageError if neither is given, or both are."""
    if bool(ids) == given(asked):
        raise UsageError("give either job ids or a filter (--state, --caller, --batch)")
    return list(ids) or matching(bridge, asked)
