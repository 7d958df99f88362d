"""`bridge apply`."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli import base, complete


@base.command("apply")
@click.argument("job", shell_complete=complete.jobs)
@click.option(
    "--root",
    default=".",
    metavar="DIR",
    shell_complete=complete.folders,
    show_default=True,
    help="The project; nothing outside of it is touched.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--force", is_flag=True, help="Overwrite changes of your own.")
@click.option(
    "--allow-sensitive",
    "allowed",
    multiple=True,
    metavar="PATH",
    help="Also write this file, which programs run or obey.",
)
def command(
    job: str, *, root: str, dry_run: bool, force: bool, allowed: tuple[str, ...], queue: str | None, as_json: bool
) -> None:
    """Write the code of a checked job into your project: to its --out path, and to the paths that it names.

    \b
    bridge apply 01M7 --dry-run        the changes, as a diff
    bridge apply 01M7 --root ../app

    A file with changes of your own is not overwritten. Paths that leave the project, through `..` or a symbolic link, are
    refused; files that programs run or obey, such as a Makefile or .github/workflows, need --allow-sensitive.
    """
    folder = Path(root)
    with base.open_bridge(queue) as bridge:
        planned = bridge.plan(job, folder)
        if not as_json:
            for diff in filter(None, (change.diff() for change in planned)):
                base.show(diff.removesuffix("\n"))
        written = [] if dry_run else bridge.apply_result(job, folder, force=force, allow_sensitive=allowed)
    if as_json:
        files = [{"path": c.path, "step": c.step.value, "diff": c.diff()} for c in planned]
        base.print_json({"files": files, "written": [c.path for c in written]})
        return
    for change in planned:
        done = "wrote" if change in written else "would " + change.step.value if dry_run else change.step.value
        base.say(f"{done} {change.path}")
