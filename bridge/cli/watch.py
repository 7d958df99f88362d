"""`bridge watch`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from bridge.cli import base
from bridge.cli.duration import DURATION

if TYPE_CHECKING:
    from types import FrameType

    from bridge.watcher.watch import Watcher


@base.command("watch")
@click.option("--once", is_flag=True, help="One round, then end.")
@click.option("--outbox", metavar="DIR", help="Write each result to DIR/<id>/.")
@click.option(
    "--exec", "program", metavar="CMD", help="Run CMD (no shell) for each result, JSON on its standard input."
)
@click.option("--webhook", metavar="URL", help="POST each result; signed if BRIDGE_WEBHOOK_SECRET is set.")
@click.option(
    "--poll", default=5.0, type=DURATION, metavar="D", show_default=True, help="Longest time between two looks."
)
@click.option("--repair/--no-repair", default=True, help="Ask again about code that does not pass (default), or not.")
@click.option("--max-rounds", default=2, show_default=True, type=click.IntRange(0, 3), help="Repair rounds at most.")
@click.option(
    "--archive-after",
    type=DURATION,
    default=3600.0,
    metavar="D",
    help="Archive what was handed over so long ago; default 1h.",
)
@click.option("--no-archive", is_flag=True, help="Archive nothing.")
def command(
    *, once: bool, outbox: str | None, program: str | None, webhook: str | None, poll: float, repair: bool,
    max_rounds: int, archive_after: float, no_archive: bool, queue: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Check finished answers, have failures repaired, and hand the results over, until stopped.

    Takes in what Colab, Drive and other agents write, puts back what vanished, and folds forks in. Each answer is checked
    once, without running it, and handed over once on every way that was asked for; a way that fails is tried again.
    """
    from bridge import wiring
    from bridge.api import Bridge
    from bridge.cli.progress import Reporter

    reporter = Reporter(as_json=as_json)
    channels = wiring.open_channels(outbox=outbox, program=program, webhook=webhook)
    with Bridge(queue, listener=reporter.tell) as bridge:
        watcher = wiring.open_watcher(
            bridge.opened,
            bridge.enqueue,
            bridge.archive_delivered,
            channels=channels,
            max_rounds=max_rounds if repair else 0,
            poll_s=poll,
            archive_after_s=None if no_archive else archive_after,
            listener=reporter.tell,
        )
        with watcher.desk.bench:
            if once:
                watcher.once()
            else:
                _stop_on_signals(watcher)
                watcher.run()
    if as_json:
        base.print_line({"event": "summary", "checked": watcher.checked, "handed_over": watcher.handed_over})
    else:
        click.echo(f"{watcher.checked} checked, {watcher.handed_over} handed over")


def _stop_on_signals(watcher: Watcher) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        watcher.ask_to_stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
