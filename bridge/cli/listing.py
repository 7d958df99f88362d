"""`bridge list`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

import click

from bridge.cli import base
from bridge.cli.job_filter import AskedFilter, job_filter
from bridge.core import text

if TYPE_CHECKING:
    from bridge.store.query import JobLine

#: Characters of a key on a terminal, and of a prompt anywhere.
_KEY, _PROMPT = 16, 80


@base.command("list")
@job_filter
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
def command(*, limit: int | None, queue: str | None, as_json: bool, **asked: Unpack[AskedFilter]) -> None:
    """List jobs, oldest first, each with its rounds of repair below it.

    \b
    bridge list --state failed
    bridge list --batch nightly --json

    On a terminal an id is the end of one, which stands for it in every command, as a key does. Piped, ids are whole, and the
    columns are divided by tabs.
    """
    from bridge.api.views import line_json

    with base.open_bridge(queue) as bridge:
        lines = _families(
            bridge.jobs(state=list(asked["states"]) or None, caller=asked["caller"], batch=asked["batch"], limit=limit)
        )
        keys = bridge.key_ids()
        words = {} if as_json else bridge.first_words([line.id for line in lines if line.parent is None], _PROMPT)
    if as_json:
        base.print_json({"jobs": [line_json(line) for line in lines]})
        return
    head = ["id", "state", "verdict", "key", "age", "prompt"]
    base.print_table(head, list(_rows(lines, words, keys)), one_line=True)


def _families(lines: Sequence[JobLine]) -> list[JobLine]:
    """The same, with rounds of repair right below their job, if it is among them."""
    listed = {line.id for line in lines}
    rounds: dict[str, list[JobLine]] = {}
    for line in lines:
        if line.parent in listed:
            rounds.setdefault(str(line.parent), []).append(line)
    return [each for line in lines if line.parent not in listed for each in (line, *rounds.get(line.id, ()))]


def _rows(lines: Sequence[JobLine], words: Mapping[str, str], keys: Collection[str]) -> list[tuple[str | None, ...]]:
    from bridge.store.job_names import short_ids

    is_terminal = sys.stdout.isatty()
    ids = short_ids([line.id for line in lines]) if is_terminal else {line.id: line.id for line in lines}
    rows: list[tuple[str | None, ...]] = []
    for line in lines:
        is_round = line.parent is not None
        shown = f"└ {ids[line.id]}" if is_round and is_terminal else ids[line.id]
        key = None if is_round else text.line(line.key, _KEY) if line.key and is_terminal else line.key
        about = f"repair of {ids.get(str(line.parent), line.parent)}" if is_round else words.get(line.id, "")
        rows.append((shown, _state(line, keys), line.verdict, key, base.age(line.created_at), about))
    return rows


def _state(line: JobLine, keys: Collection[str]) -> str:
    """The state; where this machine has keys of the queue, also whether its answer is signed."""
    odd = keys and line.finished_at is not None and line.signer not in keys
    return f"{line.state.value}, not signed" if odd else line.state.value
