"""Fences that stand in a string of a Python block, and so end nothing. Pure."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Sequence

from bridge.checking.extraction.fence import Fence, dedent
from bridge.checking.extraction.open_ends import ends_open


def past(lines: Sequence[str], at: int, fence: Fence, closes: Callable[[str, Fence], bool]) -> int | None:
    """Not CommonMark: the line of the fence that ends a Python block, where the one at hand stands in one of its strings."""
    body = "\n".join(fence.body)
    if fence.label != "python" or not re.search(r"\"\"\"|'''", body) or not ends_open("python", body):
        return None
    text, tried = list(fence.body), 0
    for i in range(at, min(len(lines), at + 400)):
        if i > at and closes(lines[i], fence):
            tried += 1
            if _parses("\n".join(text)):
                return i
            if tried == 8:
                return None
        text.append(dedent(lines[i], fence.indent))
    return None


def _parses(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
