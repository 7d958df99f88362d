"""Which texts are patches, and what they say. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.checking.patches import search_replace, unified
from bridge.checking.patches.base import ParsedPatch, PatchFault

_COMMIT = re.compile(r"(?:commit [0-9a-f]{7,64}|From [0-9a-f]{40,64} )")

#: Each hunk is looked for in its whole file: more are no answer.
MAX_HUNKS = 500


def is_patch(code: str) -> bool:
    """Whether a text is a patch from its first line on, whatever its label: a program that holds one in a string is none."""
    lines = code.split("\n")
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        if search_replace.OPENS.match(line):
            return True
        if unified.begins(lines, at):
            return True
        if _COMMIT.match(line):
            return any(unified.begins(lines, i) for i in range(at, len(lines)))
        if not search_replace.path_line(line):
            return False
    return False


def extent(lines: Sequence[str], at: int) -> int | None:
    """The line after a patch that begins at this line of a text without a fence; None if none begins there."""
    line = lines[at]
    if search_replace.OPENS.match(line):
        return search_replace.extent(lines, at)
    if line.startswith("diff --git ") or (
        unified.is_head(lines, at) and lines[at + 2 : at + 3] and _goes_on(lines[at + 2])
    ):
        return unified.extent(lines, at)
    return None


def _goes_on(line: str) -> bool:
    return line.startswith(("@@", "-", "+", " "))


def read(code: str, *, default: str | None = None) -> ParsedPatch:
    """What a patch says.

    Args:
        code: its text; of CRLF the whole of it or nothing.
        default: the file that it is about if it names none.
    """
    lines = code.split("\n")
    if lines[-1] == "":
        lines.pop()
    if lines and all(line.endswith("\r") for line in lines):
        lines = [line[:-1] for line in lines]
    first = next(
        (at for at, line in enumerate(lines) if search_replace.OPENS.match(line) or unified.begins(lines, at)), None
    )
    if first is not None and search_replace.OPENS.match(lines[first]):
        found = search_replace.read(lines, default)
    else:
        found = unified.read(lines, default)
    if sum(len(file.hunks) for file in found.files) > MAX_HUNKS:
        return ParsedPatch(faults=(PatchFault(at=0, reason=f"it has more than {MAX_HUNKS} hunks"),))
    return found
