"""What `bridge add` and `bridge run` take of prompts, and the jobs that come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from bridge.cli import base, complete
from bridge.core.errors import UsageError

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge
    from bridge.core.job import NewJob
    from bridge.store.enqueue import Added

_OPTIONS = (
    click.option(
        "--jsonl",
        metavar="FILE|-",
        shell_complete=complete.files,
        help="Read a batch: our lines or OpenAI Batch lines.",
    ),
    click.option("--skip-bad", is_flag=True, help="Add the good lines of a batch although others are bad."),
    click.option("--lang", help="Language that the code should be in, such as python; what it is checked as."),
    click.option(
        "--out", metavar="PATH", help="Where the code belongs, below your project; `bridge apply` writes it there."
    ),
    click.option(
        "--context",
        "context",
        multiple=True,
        metavar="FILE",
        shell_complete=complete.files,
        help="A file to show the model; repeatable.",
    ),
    click.option("--system", metavar="TEXT", help="A system prompt."),
    click.option("--model", help="The model, as the engine names it."),
    click.option("--max-tokens", type=int, help="Longest answer, in tokens; default: the worker's."),
    click.option("--temperature", type=float, help="0 to 2; default: the engine's."),
    click.option("--priority", type=int, default=0, help="Higher runs earlier; default 0."),
    click.option("--caller", metavar="NAME", help="Who asks, for filters and reports."),
    click.option("--key", help="Your own name for the job; the same key again gives the first job."),
    click.option("--allow-secrets", is_flag=True, help="Do not look for secrets."),
)
#: The parameters of these options, but for `caller`, as `add` takes them.
NAMES = (
    "jsonl", "skip_bad", "lang", "out", "context", "system", "model", "max_tokens", "temperature", "priority", "key",
    "allow_secrets",
)  # fmt: skip


def prompt_options(function: Callable[..., object]) -> Callable[..., Any]:
    """The options that say what to ask for and how."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def add(bridge: Bridge, texts: Sequence[str], asked: dict[str, Any]) -> tuple[list[Added], list[tuple[int, str]]]:
    """Add prompts, or the batch of `--jsonl`; gives what was added and (line, reason) of what was skipped, and says so.

    Raises UsageError, and what `Bridge.add_many` raises.
    """
    if asked["jsonl"]:
        jobs, problems = _from_batch(asked)
    else:
        jobs, problems = _from_prompts(texts, asked), []
    added = bridge.add_many(jobs, allow_secrets=asked["allow_secrets"])
    for line, reason in problems:
        base.say(f"skipped line {line}: {reason}")
    for job in added:
        if job.existed:
            other = " and asks something else" if job.differs else ""
            base.say(f"{job.id} has that key already{other}; nothing was added for it")
    return added, problems


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


def _from_prompts(texts: Sequence[str], asked: dict[str, Any]) -> list[NewJob]:
    from bridge.core.job import NewJob, Options
    from bridge.intake.prompt import compose
    from bridge.intake.secret_scan import scan_for_secrets

    if asked["key"] and len(texts) > 1:
        raise UsageError("--key names one job, and there are several prompts")
    context = [(file, base.read_text(file)) for file in asked["context"]]
    if not asked["allow_secrets"]:
        scan_for_secrets(context)  # by file, because in the finished prompt the lines count differently
    options = Options(**_options(asked))
    jobs = []
    for text in texts:
        body, chat = compose(text, system=asked["system"], context=context)
        jobs.append(NewJob(body=body, chat=chat, options=options, key=asked["key"]))
    return jobs


def _from_batch(asked: dict[str, Any]) -> tuple[list[NewJob], list[tuple[int, str]]]:
    from bridge.core.job import NewJob, Options
    from bridge.intake.batch import read_batch

    if asked["key"] or asked["system"] or asked["context"]:
        raise UsageError("--key, --system and --context do not go with --jsonl: say it in the lines")
    jsonl = asked["jsonl"]
    source = "standard input" if jsonl == "-" else jsonl
    defaults = NewJob(body="", options=Options(**_options(asked)))
    batch = read_batch(base.read_bytes(jsonl), defaults=defaults, source=source, skip_bad=asked["skip_bad"])
    return batch.jobs, batch.problems
