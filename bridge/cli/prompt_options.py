"""What `bridge add` and `bridge run` take of prompts, and the jobs that come of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict

import click

from bridge.cli import base
from bridge.cli.generation_options import job_option, read_options
from bridge.core.errors import UsageError
from bridge.core.options import OPTIONS

#: One word with a slash in it, or with an ending such as those of files.
_PATH = re.compile(r"\S*[/\\]\S*|\S+\.[A-Za-z]\w{0,7}")
_LONGEST_PATH = 4096

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge
    from bridge.core.job import NewJob
    from bridge.store.enqueue import Added

#: The options that say what to ask for and how.
prompt_options = base.options(
    base.file_option("--jsonl", metavar="FILE|-", help="Read a batch: our lines or OpenAI Batch lines."),
    click.option("--skip-bad", is_flag=True, help="Add the good lines of a batch although others are bad."),
    job_option(OPTIONS["lang"]),
    job_option(OPTIONS["out"], metavar="PATH"),
    base.file_option(
        "--context", "context", multiple=True, metavar="FILE", help="A file to show the model; repeatable."
    ),
    click.option("--system", metavar="TEXT", help="A system prompt."),
    *(job_option(option) for name, option in OPTIONS.items() if name not in ("lang", "out")),
    click.option("--domain", metavar="NAME", help="Domain of bridge.toml whose model it gets (default: by --out)."),
    click.option("--caller", metavar="NAME", help="Who asks, for filters and reports."),
    click.option("--batch", metavar="NAME", help="Name of a group, to list, wait for, retry and apply its jobs by."),
    click.option("--key", help="Your own name for the job; the same key again gives the first job."),
    click.option("--allow-secrets", is_flag=True, help="Do not look for secrets."),
)


class AskedPrompts(TypedDict):
    """The parameters of these options, but for `caller`, as `add` takes them; those of `OPTIONS` as texts."""

    jsonl: str | None
    skip_bad: bool
    context: tuple[str, ...]
    system: str | None
    domain: str | None
    key: str | None
    batch: str | None
    allow_secrets: bool
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


def add(bridge: Bridge, texts: Sequence[str], asked: AskedPrompts) -> tuple[list[Added], list[tuple[int, str]]]:
    """Add prompts, or the batch of `--jsonl`; gives what was added and (line, reason) of what was skipped, and says so.

    Raises UsageError, and what `Bridge.add_many` raises.
    """
    if asked["jsonl"]:
        jobs, problems = _from_batch(asked)
    else:
        jobs, problems = _from_prompts(texts, asked), []
    jobs = _in_domains(bridge, jobs, asked["domain"])
    looked = bool(asked["jsonl"])  # line by line, so that all that is wrong is told at once
    added = bridge.add_many(jobs, allow_secrets=asked["allow_secrets"] or looked)
    for line, reason in problems:
        base.say(f"skipped line {line}: {reason}")
    for job in added:
        if job.existed:
            other = " and asks something else" if job.differs else ""
            base.say(f"{job.id} has that key already{other}; nothing was added for it")
    return added, problems


def _in_domains(bridge: Bridge, jobs: list[NewJob], name: str | None) -> list[NewJob]:
    """The jobs, with the model that their domain prefers where they name none. Raises UsageError."""
    from bridge import wiring
    from bridge.router.domains import domain_of

    domains = wiring.domains_of(bridge.opened.settings)
    if name is not None and domain_of(domains, name, ()) is None:
        known = ", ".join(domain.name for domain in domains) or "none"
        raise UsageError(f"there is no domain {name}; known are {known}: [domains.{name}] in bridge.toml adds it")
    found = []
    for job in jobs:
        domain = domain_of(domains, name, [job.options.out] if job.options.out else [])
        wants = domain is not None and domain.models and job.options.model is None
        options = replace(job.options, model=domain.models[0]) if domain is not None and wants else job.options
        found.append(replace(job, options=options))
    return found


def refuse_path(text: str, *, how: str) -> None:
    """Refuse a prompt that is one word and looks like a path: it was meant to be read. `how`: what to do. Raises UsageError."""
    word = text.strip()
    if len(word) < _LONGEST_PATH and _PATH.fullmatch(word):
        raise UsageError(f"{word} looks like a path: {how}. A prompt has more than one word")


def _from_prompts(texts: Sequence[str], asked: AskedPrompts) -> list[NewJob]:
    from bridge.core.job import NewJob
    from bridge.intake.prompt import compose
    from bridge.intake.secret_scan import scan_for_secrets

    if asked["key"] and len(texts) > 1:
        raise UsageError("--key names one job, and there are several prompts")
    context = [(file, base.read_text(file)) for file in asked["context"]]
    if not asked["allow_secrets"]:
        scan_for_secrets(context)  # by file, because in the finished prompt the lines count differently
    options = read_options(asked)
    jobs = []
    for text in texts:
        body, form = compose(text, system=asked["system"], context=context)
        jobs.append(NewJob(body=body, form=form, options=options, key=asked["key"], batch=asked["batch"]))
    return jobs


def _from_batch(asked: AskedPrompts) -> tuple[list[NewJob], list[tuple[int, str]]]:
    from bridge.core.job import NewJob
    from bridge.intake.batch import read_batch

    if asked["key"] or asked["system"] or asked["context"]:
        raise UsageError("--key, --system and --context do not go with --jsonl: say it in the lines")
    jsonl = asked["jsonl"] or "-"
    source = "standard input" if jsonl == "-" else jsonl
    defaults = NewJob(body="", options=read_options(asked), batch=asked["batch"])
    batch = read_batch(
        base.read_bytes(jsonl),
        defaults=defaults,
        source=source,
        skip_bad=asked["skip_bad"],
        allow_secrets=asked["allow_secrets"],
    )
    return batch.jobs, batch.problems
