"""`bridge show`."""

from __future__ import annotations

import sys

import click

from bridge.cli import base, complete
from bridge.core.errors import UsageError


@base.command("show")
@click.argument("job", shell_complete=complete.jobs)
@click.option("--answer", "what", flag_value="answer", help="Only the raw answer.")
@click.option("--code", "what", flag_value="code", help="Only the code in the answer.")
@click.option("--prompt", "what", flag_value="prompt", help="Only the prompt, to paste into any chat.")
def command(job: str, *, what: str | None, queue: str | None, as_json: bool) -> None:
    """One job, by its id or an unambiguous start of it.

    The copy-and-paste way: `bridge show ID --prompt`, paste it into any chat, and bring the answer back with
    `bridge answer ID -f FILE`.
    """
    with base.open_bridge(queue) as bridge:
        view = bridge.get(job)
    if as_json:
        base.print_json(view.to_json())
    elif what == "prompt":
        base.verbatim(view.prompt)
    elif what:
        if view.answer is None:
            base.say(f"job {view.id} is {view.state.value} and has no answer: {view.error or 'not yet'}")
            sys.exit(1)
        text = view.answer
        if what == "code":
            text = "\n".join(code for _, code in view.code)
            if not text:
                raise UsageError(f"the answer of job {view.id} holds no code: `bridge show {view.id} --answer`")
        base.verbatim(text if text.endswith("\n") else text + "\n")
    else:
        _print_facts(view.to_json())


def _print_facts(facts: dict[str, object]) -> None:
    texts = {name: facts.pop(name) for name in ("prompt", "answer", "error")}
    base.print_table(["", ""], [(name, value) for name, value in facts.items() if value not in (None, {}, [], 0)])
    for name, text in texts.items():
        if text:
            base.show(f"\n--- {name}\n{text}")
