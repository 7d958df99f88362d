"""`bridge show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bridge.cli import base, complete
from bridge.core.errors import UsageError
from bridge.core.text import counted

if TYPE_CHECKING:
    from bridge.api.views import JobView
    from bridge.delivery.payload import HandOver

#: Findings that are shown; --json has them all.
_FINDINGS = 20


@base.command("show")
@click.argument("job", shell_complete=complete.jobs)
@click.option("--answer", "what", flag_value="answer", help="Only the raw answer.")
@click.option("--code", "what", flag_value="code", help="Only the code in the answer.")
@click.option("--prompt", "what", flag_value="prompt", help="Only the prompt, to paste into any chat.")
@click.option("--facts", "what", flag_value="facts", help="All facts as a table: options, attempts, times, worker.")
def command(job: str, *, what: str | None, queue: str | None, as_json: bool) -> None:
    """One job: what went wrong, if anything did, and its answer. JOB: its id, the start or the end of it, or its key.

    \b
    bridge show 01M7
    bridge show nightly-3 --code > src/x.py

    The copy-and-paste way: `bridge show ID --prompt`, paste it into any chat, and bring the answer back with
    `bridge answer ID -f FILE`.
    """
    with base.open_bridge(queue) as bridge:
        view = bridge.get(job)
    if as_json:
        base.print_json(view.to_json())
    elif what == "prompt":
        base.verbatim(view.prompt)
    elif what == "facts":
        _print_facts(view.to_json())
    elif what:
        _print_part(view, what)
    else:
        _print_job(view)


def _print_part(view: JobView, what: str) -> None:
    """The answer, or its code, and nothing else."""
    if view.answer is None:
        base.say(f"job {view.id} is {view.state.value} and has no answer: {view.error or 'not yet'}")
        sys.exit(1)
    text = view.answer
    if what == "code":
        text = "\n".join(code for _, code in view.code)
        if not text:
            raise UsageError(f"the answer of job {view.id} holds no code: `bridge show {view.id} --answer`")
    base.verbatim(text if text.endswith("\n") else text + "\n")


def _print_job(view: JobView) -> None:
    told = view.handover()
    base.show(
        " ".join(filter(None, (view.id, view.state.value, view.verdict, view.line.key and f"key {view.line.key}")))
    )
    if view.error:
        base.show(f"error: {view.error}")
    for note in told.notes:
        base.show(f"note: {note}")
    _print_findings(told)
    if view.answer is None:
        waits = "no answer yet" if not view.error else "no answer"
        base.show(f"\n{waits}; `bridge show {view.id} --prompt` shows the prompt")
        return
    base.show(f"\n{view.answer.rstrip()}\n")
    seconds = base.span(view.line.seconds) if view.line.seconds is not None else None
    tokens = told.usage.get("completion_tokens")
    about = filter(None, (view.line.model, seconds, counted(tokens, "token") if tokens else None, told.finish_reason))
    base.show(f"({', '.join(about)}; --prompt shows what was asked, --facts all else)")


def _print_findings(told: HandOver) -> None:
    """What checking found, what blocks first."""
    found = sorted(told.diagnostics, key=lambda each: not each.blocking)
    paths = {file.block: file.path for file in told.files if file.path}
    for each in found[:_FINDINGS]:
        where = f"{paths.get(each.block) or f'block {each.block + 1}'}:{each.range.start.line + 1}"
        grade = "" if each.blocking else "warning: "
        rule = " ".join(filter(None, (each.source, each.code)))
        base.show(f"{where}: {grade}{each.message} [{rule}]")
    if len(found) > _FINDINGS:
        base.show(f"and {counted(len(found) - _FINDINGS, 'finding')} more: --json has them all")


def _print_facts(facts: dict[str, object]) -> None:
    texts = {name: facts.pop(name) for name in ("prompt", "answer", "error")}
    base.print_table(["", ""], [(name, value) for name, value in facts.items() if value not in (None, {}, [], 0)])
    for name, text in texts.items():
        if text:
            base.show(f"\n--- {name}\n{text}")
