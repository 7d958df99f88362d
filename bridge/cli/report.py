"""`bridge report`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypedDict, Unpack

import click

from bridge.cli import base, complete
from bridge.cli.job_filter import AskedFilter, job_filter


@base.command("report")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
@base.file_option(
    "-o",
    "--output",
    "file",
    default="bridge-report.html",
    metavar="FILE|-",
    show_default=True,
    help="Where the page goes.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def command(
    *, ids: tuple[str, ...], file: str, show: bool, queue: str | None, as_json: bool, **asked: Unpack[AskedFilter]
) -> None:  # fmt: skip
    """Make one HTML page about a queue or a batch: counts, times, verdicts, models, every answer with its findings.

    \b
    bridge report --open
    bridge report --batch nightly -o nightly.html

    The page needs nothing else, runs no script, and shows everything that came from a model as text. With ids: those jobs and
    their rounds of repair. With --json, the same facts on standard output, and no page.
    """
    from bridge.ui.report import facts_of, gather, write_page

    with base.busy("reading the jobs"), base.open_bridge(queue) as bridge:
        family = [view.id for view in bridge.views(ids)] if ids else None
        wanted = bridge.ids(
            state=list(asked["states"]) or None, caller=asked["caller"], batch=asked["batch"], family=family
        )
        jobs = map(facts_of, bridge.each(wanted))
        about = _About(
            queue=bridge.opened.shown, queue_id=bridge.store.journal.queue_id, at=bridge.store.clock.now(),
            chosen=_chosen(ids, asked),
        )  # fmt: skip
        if as_json:
            base.print_json(gather(jobs, **about).to_json())
            return
        with base.output(file) as out:
            write_page(out, jobs, **about)
    if file == "-":
        return
    base.show(file)
    if show:
        click.launch(str(Path(file).absolute()))


class _About(TypedDict):
    """What a report says of itself."""

    queue: str
    queue_id: str
    at: datetime
    chosen: str


def _chosen(ids: tuple[str, ...], asked: AskedFilter) -> str:
    said = [f"{len(ids)} chosen, with their rounds of repair"] if ids else []
    said += [f"state {' or '.join(asked['states'])}"] if asked["states"] else []
    said += [f"caller {asked['caller']}"] if asked["caller"] else []
    said += [f"batch {asked['batch']}"] if asked["batch"] else []
    return "jobs: " + ", ".join(said) if said else "all jobs"
