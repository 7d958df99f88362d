"""`bridge sync`."""

from __future__ import annotations

import click

from bridge.cli import base
from bridge.cli.duration import DURATION


@base.command("sync")
@click.option("--once", is_flag=True, help="One round, then end (default).")
@click.option("--watch", is_flag=True, help="Go on until stopped.")
@click.option(
    "--poll",
    default=10.0,
    type=DURATION,
    metavar="D",
    show_default=True,
    help="Time between two checks of Drive, with --watch.",
)
@click.option("--to", metavar="ADDRESS", help="Where on Drive: drive:FILE_ID, drive:FOLDER_ID or drive:FOLDER_ID/name.")
def command(*, once: bool, watch: bool, poll: float, to: str | None, queue: str | None, as_json: bool) -> None:
    """Keep the queue in a folder and its copy on Google Drive in sync.

    \b
    bridge sync --once
    bridge sync --watch --to drive:FOLDER_ID

    The copy is known by the queue's id, wherever it was moved and whatever it is called; if there is none, it is made, in a
    new folder or in the one that --to (or `drive` in bridge.toml) names. Both sides are merged, so nothing is lost whoever
    writes at the same time. While Drive cannot be reached, --watch goes on trying, and all that is local goes on.

    `bridge auth login` comes first; docs/drive.md tells how.
    """
    from bridge.api.bridge import Bridge
    from bridge.cli.progress import Reporter
    from bridge.core.errors import UsageError
    from bridge.wiring.drive import colab_link
    from bridge.wiring.sync import open_both, open_sync

    if once and watch:
        raise UsageError("give either --once or --watch")
    reporter = Reporter(as_json=as_json)
    both = open_both(queue, to, listener=reporter.tell)
    try:
        bridge = Bridge(listener=reporter.tell, _opened=both.local)
        sync = open_sync(both, shrink=bridge.shrink, poll_s=poll, listener=reporter.tell)
        if watch:
            base.stop_on_signals(sync.ask_to_stop)
            sync.run()
        else:
            sync.once()
        status = bridge.status()
    finally:
        both.close()
    link = colab_link(both.file_id)
    if as_json:
        base.print_line(
            {
                "event": "summary",
                "drive": both.remote.shown,
                "colab": link,
                "rounds": sync.rounds,
                "counts": {state.value: n for state, n in status.counts.items()},
            }
        )
    else:
        counts = ", ".join(f"{n} {state.value}" for state, n in status.counts.items() if n) or "no jobs"
        base.show(f"{both.local.shown} and {both.remote.shown} are one: {counts}")
        base.show(f"in Colab: {link}")
