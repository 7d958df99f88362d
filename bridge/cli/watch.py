"""`bridge watch`."""

from __future__ import annotations

import click

from bridge.cli import base, delivery_options
from bridge.cli.duration import DURATION


@base.command("watch")
@click.option("--once", is_flag=True, help="One round, then end.")
@delivery_options.way_out_options
@click.option(
    "--poll", default=5.0, type=DURATION, metavar="D", show_default=True, help="Longest time between two looks."
)
@delivery_options.notice_options
@delivery_options.rule_options
@click.option(
    "--archive-after",
    type=DURATION,
    default=3600.0,
    metavar="D",
    help="Archive what was handed over so long ago; default 1h.",
)
@click.option("--no-archive", is_flag=True, help="Archive nothing.")
def command(
    *, once: bool, outbox: str | None, program: str | None, webhook: str | None, notify: tuple[str, ...], poll: float, repair: bool,
    max_rounds: int, project_lint: bool, project: str | None, archive_after: float, no_archive: bool, queue: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Check finished answers, have failures repaired, and hand the results over, until stopped.

    \b
    bridge watch --outbox results                  a folder for each job
    bridge watch --exec "python take.py"           a program for each job
    bridge watch --webhook https://host/hook       a signed POST for each job
    bridge watch --once --outbox results           what is ready now, for cron
    bridge watch --notify desktop                  a notice whenever the queue ran empty

    Takes in what Colab, Drive and other agents write, puts back what vanished, and merges second copies. Each answer is checked
    once, without running it, and handed over once on every way that was asked for; a way that fails is tried again.
    """
    from bridge import wiring
    from bridge.api.bridge import Bridge
    from bridge.cli.progress import Reporter

    reporter = Reporter(as_json=as_json)
    rules = delivery_options.rules(repair=repair, max_rounds=max_rounds, project_lint=project_lint, project=project)
    channels = wiring.open_channels(outbox=outbox, program=program, webhook=webhook)
    notifiers = wiring.open_notifiers(notify, say=base.say)
    with Bridge(queue, listener=reporter.tell) as bridge:
        watcher = wiring.open_watcher(
            bridge.opened,
            bridge.archive_delivered,
            bridge.toolchain(),
            rules,
            channels=channels,
            poll_s=poll,
            archive_after_s=None if no_archive else archive_after,
            listener=reporter.tell,
            notifiers=notifiers,
        )
        if once:
            watcher.once()
        else:
            base.stop_on_signals(watcher.ask_to_stop)
            watcher.run()
        taken = {channel.name.partition(":")[0]: 0 for channel in channels} | watcher.dispatch.counted
        left = watcher.dispatch.waiting()
        unanswered = len(bridge.ids(state=["queued", "running"]))
    if as_json:
        base.print_line({
            "event": "summary", "checked": watcher.checked, "handed_over": watcher.handed_over, "channels": taken,
            "left_to_hand_over": left, "unanswered": unanswered,
        })  # fmt: skip
        return
    ways = "".join(f", {number} to {name}" for name, number in taken.items())
    base.show(f"{watcher.checked} checked, {watcher.handed_over} handed over{ways}; "
              f"left: {left} to hand over, {unanswered} to answer")  # fmt: skip
