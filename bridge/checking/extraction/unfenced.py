"""Code that stands in an answer without an opening fence, or with none at all. Pure.

What is found here is a guess: it helps a caller who gets plain code back, and no verdict of `errors` is built on it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from bridge.checking.extraction.open_ends import blanked
from bridge.checking.language.detect import code_share, is_code_line, is_prose, scores


def run(lines: Sequence[str], asked: str | None) -> tuple[int, int] | None:
    """First and last line, from 0, of the code in some text; None if there is none worth naming.

    All of it if it reads as code from end to end, else the longest run of lines that read like code. At least two
    statements: a single line such as `Hello` is valid in many languages and proves nothing.
    """
    full = [i for i, line in enumerate(lines) if line.strip()]
    if not full:
        return None
    first, last = full[0], full[-1]
    if _is_code(lines[first : last + 1], asked):
        return first, last
    inner = [i for i in full if is_code_line(lines[i])]
    if inner and _is_code(lines[inner[0] : inner[-1] + 1], None, sentences=1):
        return inner[0], inner[
            -1
        ]  # a sentence between two lines of code belongs to what is handed over, and is found there
    return _longest(lines)


def before_stray(lines: Sequence[str]) -> tuple[int, int] | None:
    """The code in the lines before a closing fence that no fence opened; an introduction in prose is left out."""
    full = [i for i, line in enumerate(lines) if line.strip()]
    start = next((i for i in full if not is_prose(lines[i])), None)
    if start is None or code_share(lines[start : full[-1] + 1]) < 0.5:
        return None
    return start, full[-1]


def _is_code(lines: Sequence[str], asked: str | None, *, sentences: int = 0) -> bool:
    text = "\n".join(lines)
    full = [line for line in lines if line.strip()]
    if len(full) < 2:
        return False
    if asked == "python":
        try:
            return len(ast.parse(text[:100_000]).body) >= 2 or len(full) >= 3
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    ranked = scores(text)
    language = asked if asked in ranked else next(iter(ranked), None)
    prose = sum(is_prose(line) for line in blanked(language, text).split("\n"))
    if any(line.lstrip().startswith(("```", "~~~")) for line in full):
        return False
    return prose <= max(sentences, len(full) // 20) and code_share(lines) >= 0.6 and bool(ranked)


def _longest(lines: Sequence[str]) -> tuple[int, int] | None:
    """The run of lines with the most code in it: it may hold blank lines and comments, but no two lines of prose."""
    best: tuple[int, int, int] = (0, 0, -1)
    start: int | None = None
    end = gain = 0
    for i, line in enumerate([*lines, "The end of the text."]):
        if is_prose(line) or i == len(lines) or line.lstrip().startswith(("```", "~~~")):
            if start is not None and gain > best[0]:
                best = (gain, start, end)
            start, gain = None, 0
        elif is_code_line(line):
            start = i if start is None else start
            end = i
            gain += 1
    gain, first, last = best
    block = lines[first : last + 1]
    if gain < 3 or code_share(block) < 0.6 or not _has_shape("\n".join(block)):
        return None
    return first, last


def _has_shape(text: str) -> bool:
    """Whether a run holds what only code has: brackets and an assignment, a definition or a call."""
    ranked = scores(text)
    return bool(ranked) and next(iter(ranked.values())) >= 6 and bool(re.search(r"[=(){};]", text))
