"""`bridge top`."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from bridge.cli import base
from bridge.cli.duration import DURATION
from bridge.core.job import State

if TYPE_CHECKING:
    from bridge.api.status import Overview
    from bridge.ui.top.model import Shown


@base.command("top")
@click.option("--once", is_flag=True, help="Print one frame as plain text, and end.")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only jobs in this state.")
@click.option("--caller", metavar="NAME", help="Only jobs of this caller.")
@click.option("--poll", default=2.0, type=DURATION, metavar="D", show_default=True, help="Time between two refreshes.")
def command(
    *, once: bool, state: str | None, caller: str | None, poll: float, queue: str | None, as_json: bool
) -> None:
    """Watch the queue live: jobs by state, workers and their lanes, tokens a second, time left, results, errors.

    \b
    bridge top
    bridge top --state failed --once

    Keys: q quits; s and c go through states and callers (S and C backwards), a shows all; r puts the failed jobs that are
    shown back into the queue, x cancels the queued ones, each after a question. Looking writes no notebook. From 120 columns on,
    the arrows choose a job to see whole: what went wrong, its prompt, its code.

    Where standard output is no terminal, it prints one frame and ends.
    """
    from bridge.api.bridge import Bridge
    from bridge.ui.top.model import Shown

    shown = Shown(state=State(state) if state else None, caller=caller)
    if as_json or once or not sys.stdout.isatty():
        with base.open_bridge(queue) as bridge:
            overview = bridge.overview(state=shown.state, caller=shown.caller)
        if as_json:
            base.print_json(overview.to_json())
        else:
            _print(shown, overview)
        return
    from rich.console import Console

    from bridge.ui.top.live import Top

    top = Top(shown, poll_s=max(0.1, poll))
    base.stop_on_signals(top.ask_to_stop)
    with Bridge(queue, listener=top.tell) as bridge:
        top.run(bridge, Console())


def _print(shown: Shown, overview: Overview) -> None:
    """One frame, in as many lines as it takes; without colour where standard output is no terminal."""
    from rich.console import Console

    from bridge.ui.top.draw import draw
    from bridge.ui.top.model import TopScreen

    width = shutil.get_terminal_size((100, 24)).columns
    frame = draw(TopScreen(shown=shown, overview=overview, seen=shown), width=width, height=None, now=overview.at)
    for line in frame.renderables:
        if sys.stdout.isatty():
            Console().print(line)
        else:
            base.show(str(line).rstrip())
