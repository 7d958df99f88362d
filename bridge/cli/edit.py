"""`bridge edit`."""

from __future__ import annotations

from typing import TypedDict, Unpack

import click

from bridge.cli import base, complete
from bridge.cli.generation_options import job_option, read_given
from bridge.core.errors import UsageError
from bridge.core.options import OPTIONS


class AskedEdit(TypedDict):
    """Every option of a job, as texts."""

    lang: str | None
    out: str | None
    model: str | None
    max_tokens: str | None
    window: str | None
    temperature: str | None
    top_p: str | None
    seed: str | None
    stop: tuple[str, ...]
    priority: str | None


@base.command("edit")
@click.argument("job", shell_complete=complete.jobs)
@click.argument("prompt", required=False)
@base.file_option("-f", "--file", metavar="FILE|-", help="Read the new prompt from a file.")
@base.options(*(job_option(option) for option in OPTIONS.values()))
@click.option("--allow-secrets", is_flag=True, help="Do not look for secrets.")
def command(
    job: str, prompt: str | None, *, file: str | None, allow_secrets: bool, queue: str | None, as_json: bool,
    **asked: Unpack[AskedEdit],
) -> None:  # fmt: skip
    """Give a job another prompt or other options; with neither, your editor opens with its prompt.

    \b
    bridge edit 01M7
    bridge edit nightly-3 -f prompt.md --lang python --out src/x.py

    An answer to another prompt does not count: the job is queued again. New options alone leave an answer as it is.
    """
    if prompt is not None and file is not None:
        raise UsageError("give the prompt or -f FILE, not both")
    text = base.read_text(file) if file is not None else prompt
    changed = read_given(asked)
    with base.open_bridge(queue) as bridge:
        if text is None and not changed:
            text = click.edit(bridge.get(job).prompt, extension=".md")
            if text is None:
                raise UsageError("nothing was changed: the editor wrote nothing")
        done = bridge.edit(job, text, allow_secrets=allow_secrets, **changed)
        base.print_ids([done], as_json=as_json, done="edited")
