"""`bridge add`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bridge.cli import base
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.job import NewJob


@base.command("add")
@click.argument("prompt", required=False)
@click.option("-f", "--file", "files", multiple=True, metavar="FILE|-", help="Read a prompt from a file; repeatable.")
@click.option("--jsonl", metavar="FILE|-", help="Read a batch: our lines or OpenAI Batch lines.")
@click.option("--skip-bad", is_flag=True, help="Add the good lines of a batch although others are bad.")
@click.option("--lang", help="Language that the code should be in.")
@click.option("--out", metavar="PATH", help="Where the code belongs, below your project.")
@click.option("--context", "context", multiple=True, metavar="FILE", help="A file to show the model; repeatable.")
@click.option("--system", metavar="TEXT", help="A system prompt.")
@click.option("--model", help="The model, as the engine names it.")
@click.option("--max-tokens", type=int, help="Longest answer, in tokens.")
@click.option("--temperature", type=float, help="0 to 2.")
@click.option("--priority", type=int, default=0, help="Higher runs earlier; default 0.")
@click.option("--caller", metavar="NAME", help="Who asks.")
@click.option("--key", help="Your own name for the job; the same key again gives the first job.")
@click.option("--allow-secrets", is_flag=True, help="Do not look for secrets.")
def command(
    *, prompt: str | None, files: tuple[str, ...], jsonl: str | None, skip_bad: bool, caller: str | None,
    allow_secrets: bool, queue: str | None, as_json: bool, **asked: Any,
) -> None:  # fmt: skip
    """Add prompts to the queue; prints one job id a line.

    \b
    bridge add "Write a Python function that ..." --lang python --out src/x.py
    bridge add -f prompt.md --context src/models.py
    bridge add --jsonl batch.jsonl

    A job is on disk when its id is printed. Nothing is added if anything is wrong.
    """
    if sum(map(bool, (prompt is not None, files, jsonl))) != 1:
        raise UsageError("give one of: a prompt, -f FILE, --jsonl FILE (see `bridge add --help`)")
    if jsonl:
        jobs, problems = _from_batch(jsonl, asked, skip_bad=skip_bad)
    else:
        texts = [prompt] if prompt is not None else [base.read_text(file) for file in files]
        jobs, problems = _from_prompts(texts, asked, allow_secrets=allow_secrets), []
    with base.open_bridge(queue, caller=caller) as bridge:
        added = bridge.add_many(jobs, allow_secrets=allow_secrets)
    for line, reason in problems:
        click.echo(f"bridge: skipped line {line}: {reason}", err=True)
    for job in added:
        if job.existed:
            other = " and asks something else" if job.differs else ""
            click.echo(f"bridge: {job.id} has that key already{other}; nothing was added for it", err=True)
    if as_json:
        skipped = [{"line": line, "reason": reason} for line, reason in problems]
        base.print_json(
            {"jobs": [{"id": a.id, "existed": a.existed, "differs": a.differs} for a in added], "skipped": skipped}
        )
        return
    click.echo("\n".join(job.id for job in added))


def _options(asked: dict[str, Any]) -> dict[str, Any]:
    from bridge.kernel import grammar

    given = {name: asked[name] for name in ("lang", "out", "model", "max_tokens", "temperature", "priority")}
    for name, value in given.items():
        if value is not None:
            try:
                grammar.OPTIONS[name](grammar.format_number(value))
            except grammar.GrammarError as error:
                raise UsageError(f"--{name.replace('_', '-')}: {error}") from error
    return {name: value for name, value in given.items() if value is not None}


def _from_prompts(texts: list[str], asked: dict[str, Any], *, allow_secrets: bool) -> list[NewJob]:
    from bridge.intake.leaks import look_for_secrets
    from bridge.intake.prompt import compose
    from bridge.job import NewJob, Options

    if asked["key"] and len(texts) > 1:
        raise UsageError("--key names one job, and there are several prompts")
    context = [(file, base.read_text(file)) for file in asked["context"]]
    if not allow_secrets:
        look_for_secrets(context)  # by file, because in the finished prompt the lines count differently
    options = Options(**_options(asked))
    jobs = []
    for text in texts:
        body, chat = compose(text, system=asked["system"], context=context)
        jobs.append(NewJob(body=body, chat=chat, options=options, key=asked["key"]))
    return jobs


def _from_batch(jsonl: str, asked: dict[str, Any], *, skip_bad: bool) -> tuple[list[NewJob], list[tuple[int, str]]]:
    from bridge.intake.batch import read_batch
    from bridge.job import NewJob, Options

    if asked["key"] or asked["system"] or asked["context"]:
        raise UsageError("--key, --system and --context do not go with --jsonl: say it in the lines")
    source = "standard input" if jsonl == "-" else jsonl
    defaults = NewJob(body="", options=Options(**_options(asked)))
    batch = read_batch(base.read_bytes(jsonl), defaults=defaults, source=source, skip_bad=skip_bad)
    return batch.jobs, batch.problems
