"""`bridge apply`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from bridge.api.bridge import Bridge
from bridge.cli import base, complete
from bridge.core.errors import BridgeError, UsageError


@base.command("apply")
@click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=complete.jobs)
@click.option("--all", "which", flag_value="all", help="Every checked job; those that are not clean are left out.")
@click.option("--clean", "which", flag_value="clean", help="The same, and nothing is said of those that are not clean.")
@click.option("--batch", metavar="NAME", help="Every checked job of this batch; those that are not clean are left out.")
@base.folder_option("--root", default=".", show_default=True, help="The project; nothing outside of it is touched.")
@click.option(
    "--branch", metavar="NAME", help="Commit to this git branch, one commit a job, and leave the project as it is."
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--force", is_flag=True, help="Overwrite changes of your own, and write results that are not clean.")
@click.option(
    "--allow-sensitive",
    "allowed",
    multiple=True,
    metavar="PATH",
    help="Also write this file, which programs run or obey.",
)
def command(
    jobs: tuple[str, ...],
    *,
    which: str | None,
    batch: str | None,
    root: str,
    branch: str | None,
    dry_run: bool,
    force: bool,
    allowed: tuple[str, ...],
    queue: str | None,
    as_json: bool,
) -> None:
    """Write the code of checked jobs into your project: to their --out paths, and to the paths that the answers name.

    \b
    bridge apply 01M7 --dry-run        the changes, as a diff
    bridge apply 01M7 --root ../app
    bridge apply --batch nightly --branch qwen

    Verdict and findings come first; only clean results are written. A file with changes of your own is not overwritten. Paths
    that leave the project, through `..` or a symbolic link, are refused; files that programs run or obey, such as a Makefile
    or .github/workflows, need --allow-sensitive. Exit code 1 if one of several jobs was refused.
    """
    if bool(jobs) == bool(which or batch):
        raise UsageError("give job ids, or --all, --clean or --batch NAME")
    with ExitStack() as stack:
        bridge = stack.enter_context(base.open_bridge(queue))
        commits = stack.enter_context(bridge.branch(Path(root), branch)) if branch and not dry_run else None
        found = list(jobs) or _checked(bridge, batch, clean_only=which == "clean")
        results: list[Mapping[str, object]] = []
        refused: list[str] = []
        for job in found:
            try:
                results.append(_apply(bridge, job, Path(root), dry_run, force, allowed, commits, as_json=as_json))
            except BridgeError as error:
                if len(jobs) == 1:
                    raise
                refused.append(job)
                base.say(f"{job} is not applied: {error}")
    if as_json:
        base.print_json(results[0] if len(jobs) == 1 else {"jobs": results, "refused": refused})
    sys.exit(1 if refused else 0)


def _checked(bridge: Bridge, batch: str | None, *, clean_only: bool) -> list[str]:
    lines = bridge.jobs(state=["checked", "delivered"], batch=batch)
    return [line.id for line in lines if line.parent is None and (line.verdict == "clean" or not clean_only)]


def _apply(
    bridge: Bridge,
    job: str,
    root: Path,
    dry_run: bool,
    force: bool,
    allowed: tuple[str, ...],
    commits: Path | None,
    *,
    as_json: bool,
) -> dict[str, object]:
    """Apply one job; gives what is printed as JSON."""
    from bridge.checking.values import FindingKind

    told = bridge.get(job).handover()
    verdict = told.verdict.value if told.verdict else "not checked"
    base.say(f"{told.job} {verdict}")
    for found in told.diagnostics:
        if found.blocking or found.kind is FindingKind.PACKAGE:  # what is installed next should be looked at first
            base.say(f"{told.job} line {found.range.start.line + 1}: {found.message} [{found.source} {found.code}]")
    planned = bridge.plan(job, commits or root)
    if not as_json:
        for diff in filter(None, (change.diff() for change in planned)):
            base.show(diff.removesuffix("\n"))
    if commits is not None:
        written = bridge.commit_result(job, commits, force=force, allow_sensitive=allowed)
    else:
        written = [] if dry_run else bridge.apply_result(job, root, force=force, allow_sensitive=allowed)
    if not as_json:
        for change in planned:
            done = "wrote" if change in written else "would " + change.step.value if dry_run else change.step.value
            base.say(f"{done} {change.path}")
    return {
        "job": told.job,
        "verdict": verdict,
        "files": [{"path": c.path, "step": c.step.value, "diff": c.diff()} for c in planned],
        "written": [c.path for c in written],
    }
