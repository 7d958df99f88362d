"""`bridge add`."""

from __future__ import annotations

from typing import Unpack

import click

from bridge.cli import base, prompt_options
from bridge.core.errors import UsageError


@base.command("add")
@click.argument("prompt", required=False)
@base.file_option(
    "-f", "--file", "files", multiple=True, metavar="FILE|-", help="Read a prompt from a file; repeatable."
)
@prompt_options.prompt_options
def command(
    *,
    prompt: str | None,
    files: tuple[str, ...],
    caller: str | None,
    queue: str | None,
    as_json: bool,
    **asked: Unpack[prompt_options.AskedPrompts],
) -> None:
    """Add prompts to the queue; prints one job id a line.

    \b
    bridge add "Write a Python function that ..." --lang python --out src/x.py
    bridge add -f prompt.md --context src/models.py
    bridge add --jsonl batch.jsonl --batch nightly

    A job is on disk when its id is printed. Nothing is added if anything is wrong.
    """
    if sum(map(bool, (prompt is not None, files, asked["jsonl"]))) != 1:
        raise UsageError("give one of: a prompt, -f FILE, --jsonl FILE (see `bridge add --help`)")
    if prompt is not None:
        prompt_options.refuse_path(prompt, how=f"`bridge add -f {prompt}` reads a prompt from a file")
    texts = [prompt] if prompt is not None else [base.read_text(file) for file in files]
    with base.open_bridge(queue, caller=caller) as bridge:
        added, problems = prompt_options.add(bridge, texts, asked)
    if as_json:
        skipped = [{"line": line, "reason": reason} for line, reason in problems]
        base.print_json(
            {"jobs": [{"id": a.id, "existed": a.existed, "differs": a.differs} for a in added], "skipped": skipped}
        )
        return
    base.show("\n".join(job.id for job in added))
