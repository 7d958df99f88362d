"""`bridge answer`."""

from __future__ import annotations

import click

from bridge.cli import base, complete


@base.command("answer")
@click.argument("job", shell_complete=complete.jobs)
@base.file_option("-f", "--file", default="-", metavar="FILE|-", show_default=True, help="Where the answer is.")
@click.option("--by", metavar="NAME", help="Who or what answered; default: the caller.")
@click.option("--allow-secrets", is_flag=True, help="Do not look for secrets.")
def command(job: str, *, file: str, by: str | None, allow_secrets: bool, queue: str | None, as_json: bool) -> None:
    """Give a job an answer that you bring from any chat or notebook: a result like any other.

    \b
    bridge show 01M7 --prompt | pbcopy       then paste it into a chat, and copy what comes back
    pbpaste | bridge answer 01M7
    bridge answer 01M7 -f answer.md --by "a chat"
    """
    text = base.read_text(file)
    with base.open_bridge(queue) as bridge:
        base.print_ids([bridge.answer(job, text, by=by, allow_secrets=allow_secrets)], as_json=as_json, done="answered")
