"""`bridge status`."""

from __future__ import annotations

from bridge.cli import base
from bridge.core.text import counted


@base.command("status")
def command(*, queue: str | None, as_json: bool) -> None:
    """The queue at a glance: jobs by state, the longest wait, workers, time left.

    \b
    bridge status
    bridge status --json
    """
    with base.open_bridge(queue) as bridge:
        status = bridge.status()
    if as_json:
        base.print_json(status.to_json())
        return
    base.show(f"{status.path}  ({counted(status.parts, 'part')}, {counted(status.archives, 'archive notebook')})")
    base.print_table(["state", "jobs"], [(state.value, n) for state, n in status.counts.items() if n])
    if status.oldest_queued_s is not None:
        base.show(f"longest wait: {base.span(status.oldest_queued_s)}; workers alive: {status.workers}"
                  f"{f' ({status.idle} idle)' if status.idle else ''}; "
                  f"time left: {base.span(status.eta_s)}")  # fmt: skip
    if status.new_cells:
        base.show(f"{counted(status.new_cells, 'new prompt cell')}; they become jobs with the next command that writes")
    for job, problem in status.problems:
        base.print_row(f"{job}: {problem}")
    if status.unsigned:
        base.show(f"not signed with a key of this queue: {counted(status.unsigned, 'answer')} (`bridge key`)")
    for cell in status.strange_cells:
        base.print_row(f"code that is not ours: {cell}; look at it before you press Run all")
    for worker, why in status.outages:
        base.print_row(f"{worker}: the engine answers nothing ({why}); the jobs stay queued")
    if status.copies_stay:
        base.show(f"second copies stay where they are: {status.copies_stay}")
    if status.doubted:
        base.show(
            f"a version of the notebook lacked {len(status.doubted)} open jobs at once, which was not believed: "
            "`bridge cancel --doubted` confirms, `bridge cancel --keep-doubted` dismisses"
        )
