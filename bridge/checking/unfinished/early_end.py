"""The first sign that some code ends too early. Pure.

A text that is cut between two statements is right to every parser. What gives it away is what it has not come to: a value
that was promised and is never returned, a comment about what was to follow, a program that reads and never writes, a
function that the prompt calls and nobody defines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.checking.unfinished import python
from bridge.checking.unfinished.base import EarlyEnd

_MAX_CHARS = 100_000
_CALLED = re.compile(
    r"(?m)^\s*(?:assert\s+(?:not\s+)?|>>>\s*|console\.assert\(\s*|assert\w*\s*\(\s*)(?:\w+\s*\(\s*)?([A-Za-z_]\w*)\s*\("
)
_BUILT_IN = frozenset(
    ["abs", "all", "any", "bool", "dict", "float", "frozenset", "int", "isinstance", "len", "list", "max", "min", "not", "print",
     "range", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip", "isclose", "math", "deepEqual", "equal", "assert",
     "candidate"]
)  # fmt: skip


def early_end(language: str | None, code: str, *, prompt: str = "", others: Sequence[str] = ()) -> EarlyEnd | None:
    """The first sign that some code ends too early; None if there is none.

    Args:
        language: of the code.
        code: a whole file, or a piece joined with what stands around it.
        prompt: what was asked: its tests and examples name a function.
        others: the answer's other blocks, which may define what the prompt names.
    """
    text = code[:_MAX_CHARS]
    found = python.early_end(text) if language == "python" else None
    return (
        found
        or _silent(language, text, others)
        or _only_comments(language, text)
        or _never_defined(text, prompt, others)
    )


_READS = re.compile(r"\binput\s*\(|\bsys\.stdin\b|\bopen\s*\(\s*0\s*\)")
_WRITES = re.compile(r"\bprint\b|\bsys\.std(?:out|err)\b|\.write(?:lines)?\s*\(|\bos\.write\b|\blogging\b")


def _silent(language: str | None, code: str, others: Sequence[str]) -> EarlyEnd | None:
    """That a program in Python reads what it is given, and nothing of the answer writes anything."""
    if language != "python" or not _READS.search(code) or any(_WRITES.search(text) for text in (code, *others)):
        return None
    return EarlyEnd(line=max(0, code.rstrip().count("\n")), evidence="reads its input and writes nothing")


#: How a line of a comment begins, by language.
_COMMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("python", "bash", "ruby", "perl", "r"), ("#",)),
    **dict.fromkeys(
        ("javascript", "jsx", "typescript", "tsx", "java", "csharp", "c", "cpp", "go", "rust", "kotlin"),
        ("//", "/*", "*"),
    ),
    "php": ("//", "/*", "*", "#", "<?php"),
}


def _only_comments(language: str | None, code: str) -> EarlyEnd | None:
    """That nothing but comments is there."""
    begins = _COMMENTS.get(language or "")
    lines = [line.strip() for line in code.split("\n") if line.strip()]
    if begins is None or not lines or not all(line.startswith(begins) for line in lines):
        return None
    return EarlyEnd(line=max(0, code.rstrip().count("\n")), evidence="holds nothing but comments")


def _never_defined(code: str, prompt: str, others: Sequence[str]) -> EarlyEnd | None:
    """A function that the prompt's own tests or examples call, and that the answer does not even name."""
    names = [n for n in dict.fromkeys(_CALLED.findall(prompt[:_MAX_CHARS])) if n not in _BUILT_IN]
    if len(names) != 1 or any(re.search(rf"\b{re.escape(names[0])}\b", text) for text in (code, *others)):
        return None
    defined = re.search(rf"\b(?:def|function|func|fn|class)\s+{re.escape(names[0])}\b", prompt)
    evidence = f"{names[0]} is asked for and never defined"
    return None if defined else EarlyEnd(line=max(0, code.rstrip().count("\n")), evidence=evidence)
