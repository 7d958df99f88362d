"""Programs that are known to work, whole and broken in one place: false alarms, and what is found of a mutation."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.material import SEED, rows
from bridge.checking import Toolchain, Verdict, examine

NAMES = {
    "C#": "csharp", "CPP": "cpp", "F#": "fsharp", "Common Lisp": "commonlisp", "Emacs Lisp": "elisp",
    "VimScript": "vim",
    "Visual Basic": "vb", "Shell": "bash",
}  # fmt: skip


def programs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Language, whole program and row: the beginning that the prompt gives, and the canonical solution."""
    for row in rows("prompts_multilang.jsonl"):
        solution = row["canonical_solution"]
        if not solution:
            continue
        prompt = row["prompt"]
        language = NAMES.get(row["language"], row["language"].lower())
        fenced = re.findall(r"(?ms)^```[^\n]*\n(.*?)^```", prompt)
        inline = re.findall(r"(?s)`([^`]{6,})`", prompt) or re.findall(
            r"'((?:def|function|int|List|String|Future|bool|void)\b[^\n]{4,}?)'\s", prompt
        )
        head = fenced[0] if fenced else inline[0] if inline and row["entry_point"] else ""
        if head.strip() and head.strip().split("\n")[-1] in solution:
            head = ""
        yield language, (head.rstrip("\n") + "\n" + solution if head else solution), row


_HASH = {"python", "ruby", "perl", "r", "bash", "julia", "elixir", "tcl", "powershell", "awk", "coffeescript", "php"}
_DASHES = {"lua", "haskell", "sql"}


def noise(language: str, code: str) -> list[tuple[int, int, bool]]:
    """Spans of comments and strings with whether it is a string: a mutation in them would often break nothing."""
    parts = [r"(?P<s>\"{3}.*?\"{3}|'{3}.*?'{3}|\"(?:\\.|[^\"\\\n])*\""]
    if language in _LISPS | {"rust", "vb", "haskell", "fsharp"}:
        parts.append(")")
    else:
        parts.append(r"|'(?:\\.|[^'\\\n])*')")
    if language in _HASH:
        parts.append(r"|#[^\n]*")
    elif language in _DASHES:
        parts.append(r"|--[^\n]*|\{-.*?-\}")
    elif language in _LISPS:
        parts.append(r"|;[^\n]*|#\\.")
    elif language == "erlang":
        parts.append(r"|%[^\n]*")
    elif language not in ("fortran", "pascal", "vb", "vim"):
        parts.append(r"|//[^\n]*|/\*.*?\*/")
    return [(m.start(), m.end(), bool(m["s"])) for m in re.finditer("".join(parts), code, re.DOTALL)]


_LISPS = {"commonlisp", "elisp", "scheme", "racket", "clojure"}


def balanced(language: str, code: str) -> bool:
    """Whether the brackets outside of strings and comments pair; if not, head and solution do not make a program."""
    stack = []
    spans = noise(language, code)
    inside = {i for start, end, _ in spans for i in range(start, end)}
    for i, char in enumerate(code):
        if i in inside:
            continue
        if char in "([{":
            stack.append(char)
        elif char in ")]}" and (not stack or stack.pop() != {")": "(", "]": "[", "}": "{"}[char]):
            return False
    return not stack


def mutate(language: str, code: str, how: str, rng: random.Random) -> str | None:
    """One mutation outside of comments, in a string only at its end; None if the text has no place for it."""
    spans = noise(language, code)
    inside = {i for start, end, _ in spans for i in range(start, end)}
    lines = code.rstrip().split("\n")
    if how == "truncation":
        return "\n".join(lines[: max(1, int(len(lines) * rng.uniform(0.4, 0.8)))]) + "\n" if len(lines) > 4 else None
    if how == "prose":
        starts = [i + 1 for i, char in enumerate(code) if char == "\n" and i not in inside] or [0]
        at = rng.choice(starts)
        return code[:at] + "Now we handle the remaining cases as described above.\n" + code[at:]
    places = (
        [i for i, char in enumerate(code) if char in "()[]{}" and i not in inside]
        if how == "bracket"
        else [e - 1 for _, e, s in spans if s]
    )
    if not places:
        return None
    at = rng.choice(places)
    return code[:at] + code[at + 1 :]


MUTATIONS = ("bracket", "quote", "truncation", "prose")


@dataclass
class Detection:
    """What was found of the programs of one language."""

    programs: int = 0
    false_alarms: list[str] = field(default_factory=list)
    answer_alarms: list[str] = field(default_factory=list)
    unchecked: int = 0
    parts: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    advised: Counter[str] = field(default_factory=Counter)


def canonical(toolchain: Toolchain, only: Iterable[str] | None = None, per_language: int = 99) -> dict[str, Detection]:
    """False alarms and detection per language."""
    wanted = set(only) if only is not None else None
    found: dict[str, Detection] = defaultdict(Detection)
    for language, program, row in programs():
        tally = found[language]
        if (wanted is not None and language not in wanted) or tally.programs >= per_language:
            continue
        tally.programs += 1
        _measure(toolchain, language, program, row, tally)
    return {name: tally for name, tally in found.items() if tally.programs}


def _measure(toolchain: Toolchain, language: str, program: str, row: dict[str, Any], tally: Detection) -> None:
    rng = random.Random(f"{SEED} {row['id']}")
    answered = examine(
        f"```{language}\n{row['canonical_solution'].rstrip()}\n```\n",
        prompt=row["prompt"],
        finish_reason="stop",
        toolchain=toolchain,
    )
    if answered.verdict is Verdict.ERRORS:
        tally.answer_alarms.append(row["id"])
    if language not in ("bash", "awk", "vim", "fortran") and not balanced(language, program):
        tally.parts += 1  # the beginning that the prompt gives lacks something: there is no program to mutate
        return
    whole = examine(f"```{language}\n{program.rstrip()}\n```\n", finish_reason="stop", toolchain=toolchain)
    if whole.verdict is Verdict.ERRORS:
        tally.false_alarms.append(row["id"])
    tally.unchecked += whole.verdict is Verdict.UNCHECKED
    if whole.verdict is Verdict.ERRORS:
        return
    quiet = len(whole.diagnostics)
    for how in MUTATIONS:
        mutant = mutate(language, program, how, rng)
        if mutant is None:
            continue
        report = examine(f"```{language}\n{mutant.rstrip()}\n```\n", finish_reason="stop", toolchain=toolchain)
        tally.tried[how] += 1
        tally.caught[how] += report.verdict is not Verdict.CLEAN and report.verdict is Verdict.ERRORS
        tally.advised[how] += report.verdict is not Verdict.ERRORS and len(report.diagnostics) > quiet
