"""`bridge export`."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from bridge.cli import base, complete
from bridge.cli.job_filter import AskedFilter, job_filter, matching
from bridge.core.errors import UsageError
from bridge.core.text import counted


@base.command("export")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete.jobs)
@job_filter
@base.file_option("--jsonl", "file", default="-", metavar="FILE|-", show_default=True, help="Where the results go.")
@base.file_option("--errors", metavar="FILE", help="Where the errors go; default: with the results.")
def command(
    *, ids: tuple[str, ...], file: str, errors: str | None, queue: str | None, as_json: bool, **asked: Unpack[AskedFilter]
) -> None:  # fmt: skip
    """Finished jobs as OpenAI Batch output and error lines, all or those chosen; open ones are left out and counted.

    \b
    bridge export --jsonl results.jsonl --errors errors.jsonl
    bridge export --caller nightly --state delivered > results.jsonl
    """
    with base.open_bridge(queue) as bridge:
        wanted = list(ids) or matching(bridge, asked)
        results, failures, left = bridge.export(wanted)
    _write(file, results if errors else results + failures)
    if errors:
        _write(errors, failures)
    if as_json and file != "-":
        base.print_json({"results": len(results), "errors": len(failures), "open": left})
    base.say(f"{counted(len(results), 'result')}, {counted(len(failures), 'error')}, {counted(left, 'job')} still open")


def _write(file: str, lines: list[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    if file == "-":
        base.verbatim(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
