"""`bridge rebuild`."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli import base
from bridge.core.text import counted


@base.command("rebuild")
@click.option("--journal", is_flag=True, help="Set the journal aside and make it from the notebooks.")
@click.option(
    "--notebooks", is_flag=True, help="Move damaged notebooks aside and write what is missing from the journal."
)
@base.folder_option(
    "--outbox",
    "outboxes",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Count what lies in this outbox as handed over.",
)
@click.option("--salvage", is_flag=True, help="Keep the whole cells of a notebook that is cut.")
def command(
    *, journal: bool, notebooks: bool, outboxes: tuple[Path, ...], salvage: bool, queue: str | None, as_json: bool
) -> None:
    """Make the journal from the notebooks, or the notebooks from the journal.

    \b
    bridge rebuild
    bridge rebuild --journal

    Without a flag: the journal only if it cannot be used, and the notebooks that are missing or damaged. Nothing is
    deleted: an old journal stays beside the new one, a damaged notebook goes to damaged/.

    The new journal takes over what the old one knew of checks, hand-overs and applied files. Where that cannot be read,
    what the archive shows as handed over counts, and what --outbox shows; other results are checked and sent again.

    With --salvage, half a notebook is used as far as its cells are whole, if no journal has them; the file goes to damaged/.
    """
    from bridge.api.rebuild import rebuild

    done = rebuild(
        queue,
        journal=journal,
        notebooks=notebooks or not journal,
        outboxes=outboxes,
        salvage=salvage,
        listener=base.tell,
    )
    if as_json:
        base.print_json(done.to_json())
        return
    made = "made anew" if done.journal else "kept"
    base.show(f"journal: {made}, {counted(done.jobs, 'job')}, {done.handed_over} handed over")
    for name, cells in done.salvaged.items():
        base.show(f"salvaged: {counted(cells, 'cell')} of {name}; the file as it was lies in damaged/")
    for name in done.notebooks:
        base.show(f"written again: {name}")
