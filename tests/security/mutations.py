"""Hostile notebooks by mutation: a real queue's notebook with values replaced, keys dropped, types swapped, cells doubled.

`python -m tests.security --count 20000 --seed 7` is the long form (`make attack`). Each notebook gets a few mutations and
is given to commands in this process; the journal begins as it was before, or does not know the queue. What must hold: every
command ends with an exit code of ours and, if it failed, a sentence; no job changes its state whose cell was not touched.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from bridge.cli import main

DEEP = "DEEP"  #: stands for a list in a list, 5,000 times; no JSON writer of Python's could write it
#: What may stand anywhere in JSON, and should nowhere in ours.
HOSTILE: tuple[Any, ...] = (
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2099-01-01T00:00:00Z", 2**63, -(2**63) - 1, 2**64, 10**400, 1e308, -1, 0,
    float("inf"), float("nan"), DEEP, "\ud800", "\x00", "\x1b]0;x\x07", "", "x" * 100_000, True, None, [], {}, [[]], ["a"], {"a": "b"},
    "~", "../..", "%%qwen", "NaN", 1.5,
)  # fmt: skip
OURS = {0, 1, 2, 3, 124}


@dataclass(frozen=True, kw_only=True)
class Base:
    """A queue as commands left it, to be put back before each notebook."""

    folder: Path  #: its notebook is in `queue`, its journal in `state`
    notebook: dict[str, Any]
    states: dict[str, str]

    @property
    def path(self) -> Path:
        return self.folder / "queue" / "qwen_bridge.ipynb"


@dataclass(kw_only=True)
class Tally:
    """What came of it."""

    notebooks: int = 0
    mutations: int = 0
    commands: int = 0
    slowest_s: float = 0.0
    faults: list[str] = field(default_factory=list)


def make_base(folder: Path, jobs: int = 9) -> Base:
    """A queue with answered, cancelled and waiting jobs, and a person's note."""
    (folder / "queue").mkdir(parents=True)
    os.chdir(folder)  # `init` writes a bridge.toml
    os.environ["BRIDGE_STATE_DIR"] = str(folder / "state")
    path = folder / "queue" / "qwen_bridge.ipynb"
    ran = [_run("init", str(path.parent))]
    for n in range(jobs):
        ran.append(
            _run("add", f"Write function number {n}.", "--lang", "python", "--key", f"k{n}", "--queue", str(path))
        )
        if n == jobs // 2:
            ran.append(_run("work", "--engine", "scripted", "--queue", str(path)))
            ran.append(_run("watch", "--once", "--no-repair", "--queue", str(path)))
    first_open = states_of(path)[1]
    ran.append(
        _run("cancel", next(job for job, state in first_open.items() if state == "queued"), "--queue", str(path))
    )
    (folder / "bridge.toml").unlink()
    failed = [result.output for result in ran if result.exit_code]
    assert not failed, failed
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"].append({"cell_type": "markdown", "id": "mine", "metadata": {}, "source": ["a person's note"]})
    path.write_text(json.dumps(notebook, indent=1), "utf-8")
    _, states = states_of(path)
    shutil.copytree(folder / "state", folder / "state.base")
    return Base(folder=folder, notebook=json.loads(path.read_text("utf-8")), states=states)


def _run(*args: str) -> Any:
    return CliRunner().invoke(main, list(args))


def states_of(path: Path) -> tuple[int, dict[str, str]]:
    """The exit code of `bridge list`, and {job: state}."""
    listed = _run("list", "--json", "--queue", str(path))
    if listed.exit_code:
        return listed.exit_code, {}
    return 0, {job["id"]: job["state"] for job in json.loads(listed.stdout)["jobs"]}


def attack(
    base: Base,
    *,
    mutations: int,
    rng: random.Random,
    commands: int = 5,
    progress: Callable[[Tally], None] | None = None,
) -> Tally:
    """Give so many mutations to commands, a few to a notebook."""
    tally = Tally()
    while tally.mutations < mutations:
        known = rng.random() < 0.6
        shutil.rmtree(base.folder / "state", ignore_errors=True)
        shutil.rmtree(base.folder / "queue")
        (base.folder / "queue").mkdir()
        if known:
            shutil.copytree(base.folder / "state.base", base.folder / "state")
        notebook = copy.deepcopy(base.notebook)
        wanted = rng.choice((1, 1, 2, 5, 12))
        done = [mutate(notebook, rng) for _ in range(wanted)]
        tally.mutations += wanted
        tally.notebooks += 1
        text = json.dumps(notebook, indent=rng.choice((1, 2, None))).replace(f'"{DEEP}"', "[" * 5000 + "]" * 5000)
        base.path.write_text(text, "utf-8")
        touched = set().union(*(what.touched for what in done))
        whole = not any(what.envelope for what in done)
        if progress and tally.notebooks % 200 == 0:
            progress(tally)
        _look(base, tally, rng, commands, touched, whole=whole, known=known, told="; ".join(what.told for what in done))
    return tally


def _look(
    base: Base,
    tally: Tally,
    rng: random.Random,
    commands: int,
    touched: set[str],
    *,
    whole: bool,
    known: bool,
    told: str,
) -> None:
    queue = ["--queue", str(base.path)]
    calls = [["status", *queue], ["list", *queue], ["show", rng.choice(list(base.states)), *queue],
             ["work", "--engine", "scripted", "--max-time", "20s", *queue], ["watch", "--once", "--no-repair", *queue]]  # fmt: skip
    before = _timed(tally, ["list", "--json", *queue], told)
    if whole and before is not None and before.exit_code == 0:
        now = {job["id"]: job["state"] for job in json.loads(before.stdout)["jobs"]}
        for job, state in base.states.items():
            expected = state if known or state not in ("checked", "delivered") else "succeeded"
            if job not in touched and now.get(job) != expected:
                tally.faults.append(f"{job} is {now.get(job)}, not {expected} (known {known}): {told}")
    elif whole and before is not None:
        tally.faults.append(f"exit {before.exit_code}: {before.output[-300:]}: {told}")
    for call in calls[:commands] if commands >= len(calls) else rng.sample(calls, commands):
        _timed(tally, call, told)


def _timed(tally: Tally, call: list[str], told: str) -> Any:
    began = time.perf_counter()
    ran = _run(*call)
    took = time.perf_counter() - began
    tally.commands += 1
    tally.slowest_s = max(tally.slowest_s, took)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        last = "".join(traceback.format_exception(ran.exception)[-4:])
        tally.faults.append(f"{call[0]} died of {ran.exception!r}: {told}\n{last}")
        return None
    if ran.exit_code not in OURS or (ran.exit_code in (2, 3) and not ran.stderr.strip()):
        tally.faults.append(f"{call[0]} ended with {ran.exit_code}: {ran.output[-300:]}: {told}")
    return ran


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """What was done to a notebook."""

    told: str
    touched: frozenset[str]  #: jobs whose cells it changed
    envelope: bool = False  #: it changed what all cells stand in


def mutate(notebook: dict[str, Any], rng: random.Random) -> Mutation:
    """Change a notebook in place, somewhere."""
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not cells or rng.random() < 0.03:
        return Mutation(
            told=spoil(notebook, rng, keep=("cells",) if rng.random() < 0.5 else ()),
            touched=frozenset(),
            envelope=True,
        )
    number = rng.randrange(len(cells))
    cell = cells[number]
    touched = frozenset(_jobs_in(cell))
    kind = rng.random()
    if kind < 0.06:
        cells.insert(rng.randrange(len(cells) + 1), copy.deepcopy(cell))
        return Mutation(told=f"cell {number} doubled", touched=touched)
    if kind < 0.10 or not isinstance(cell, dict):
        value = hostile(rng)
        cells[number] = value
        return Mutation(told=f"cell {number} is {str(value)[:30]!r}", touched=touched)
    told = _break_output(cell, rng) if kind < 0.30 and cell.get("outputs") else spoil(cell, rng)
    return Mutation(told=f"cell {number}: {told}", touched=touched | frozenset(_jobs_in(cell)))


def _break_output(cell: dict[str, Any], rng: random.Random) -> str:
    """Change the JSON of the record, in both forms."""
    try:
        data = cell["outputs"][0]["data"]
        line = data["text/plain"][0]
        record = json.loads(line[line.index("{") : line.rindex("}") + 1])
        told = spoil(record, rng)
        text = json.dumps(record).replace(f'"{DEEP}"', "[" * 5000 + "]" * 5000).replace(">", "\\u003e")
        for form in data.values():
            form[0] = f"<!-- bridge-result {text} -->\n"
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):  # an earlier mutation was here
        return spoil(cell, rng)
    return f"record: {told}"


def hostile(rng: random.Random) -> Any:
    """One of `HOSTILE`, to be changed by whoever gets it."""
    return copy.deepcopy(rng.choice(HOSTILE))


def spoil(value: Any, rng: random.Random, keep: tuple[str, ...] = ()) -> str:
    """Replace, drop or swap one value somewhere inside."""
    spots = [spot for spot in _spots(value) if spot[1] not in keep]
    if not spots:
        return "nothing"
    holder, key, path = rng.choice(spots)
    if rng.random() < 0.15:
        del holder[key]
        return f"{path} dropped"
    new = hostile(rng)
    if rng.random() < 0.15:
        new = [holder[key]] if rng.random() < 0.5 else {"it": holder[key]}
    holder[key] = new
    return f"{path} = {str(new)[:40]!r}"


def _spots(value: Any, path: str = "") -> Iterator[tuple[Any, Any, str]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key, f"{path}.{key}"
        yield from _spots(inner, f"{path}.{key}")


def _jobs_in(cell: object) -> Iterator[str]:
    text = json.dumps(cell)
    yield from re.findall(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", text)
