"""`bridge rebuild`."""

from __future__ import annotations

import click

from bridge.cli import base


@base.command("rebuild")
@click.option("--journal", is_flag=True, help="Set the journal aside and make it from the notebooks.")
@click.option(
    "--notebooks", is_flag=True, help="Move damaged notebooks aside and write what is missing from the journal."
)
def command(*, journal: bool, notebooks: bool, queue: str | None, as_json: bool) -> None:
    """Make the journal from the notebooks, or the notebooks from the journal.

    Without a flag: the journal only if it cannot be used, and the notebooks that are missing or damaged. Nothing is
    deleted: an old journal stays beside the new one, a damaged notebook goes to damaged/.
    """
    from bridge.api.bridge import rebuild

    done = rebuild(queue, journal=journal, notebooks=notebooks or not journal, listener=base.tell)
    if as_json:
        base.print_json({"journal": done.journal, "notebooks": done.notebooks, "jobs": done.jobs})
        return
    base.show(f"journal: {'made anew' if done.journal else 'kept'}, {done.jobs} job(s)")
    for name in done.notebooks:
        base.show(f"written again: {name}")
