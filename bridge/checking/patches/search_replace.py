"""Search/replace blocks as typed hunks. Pure.

    path/of/the/file.py
    <<<<<<< SEARCH
    lines that are there
    =======
    lines that come in their place
    >>>>>>> REPLACE

The markers are those that aider takes (https://aider.chat/docs/more/edit-formats.html): 5 to 9 characters. The path stands in
a line of its own above the block, inside or outside of the fence; a block without one is about the file of the block before.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence

from bridge.checking.extraction import paths
from bridge.checking.patches.base import FilePatch, Hunk, LineSign, ParsedPatch, PatchFault, PatchLine
from bridge.core.paths import normal

OPENS = re.compile(r"<{5,9} SEARCH>?\s*$")
_DIVIDES = re.compile(r"={5,9}\s*$")
CLOSES = re.compile(r">{5,9} REPLACE\s*$")


def read(lines: Sequence[str], default: str | None) -> ParsedPatch:
    """The blocks in some lines; what stands between them does not count, but for paths."""
    files: list[FilePatch] = []
    faults: list[PatchFault] = []
    path, at = default, 0
    while at < len(lines):
        if not OPENS.match(lines[at]):
            path = path_line(lines[at]) or path
            at += 1
            continue
        end = closing(lines, at)
        if end is None:
            faults.append(PatchFault(at=at, reason="the SEARCH block has no `>>>>>>> REPLACE`"))
            at += 1
            continue
        dividers = [i for i in range(at + 1, end) if _DIVIDES.match(lines[i])]
        if len(dividers) == 1:
            hunk = Hunk(lines=tuple(_lines(lines, at + 1, dividers[0], end)), at=at)
            files.append(FilePatch(path=path, at=at, creates=not hunk.before, hunks=(hunk,)))
        else:
            several = (
                "several lines of `=======`, and it is not clear which one divides it" if dividers else "no `=======`"
            )
            faults.append(PatchFault(at=at, reason=f"the SEARCH block has {several}"))
        at = end + 1
    if not faults and not any(hunk.changes for file in files for hunk in file.hunks):
        faults.append(PatchFault(at=0, reason="it changes nothing"))
    return ParsedPatch(files=tuple(files), faults=tuple(faults))


def closing(lines: Sequence[str], at: int, shaped: Callable[[str], str] = str) -> int | None:
    """The line that closes the block which opens at a line; None if the text or another block comes first."""
    for i in range(at + 1, len(lines)):
        line = shaped(lines[i])
        if CLOSES.match(line):
            return i
        if OPENS.match(line):
            return None
    return None


def extent(lines: Sequence[str], at: int) -> int | None:
    """The line after some blocks that follow each other, the first of which opens at this line; None if it never closes."""
    end = None
    while at < len(lines) and OPENS.match(lines[at]) and (last := closing(lines, at)) is not None:
        end = at = last + 1
        while at < len(lines) and (not lines[at].strip() or path_line(lines[at])):
            at += 1
    return end


def path_line(line: str) -> str | None:
    """The path that is all of a line, as a heading or as a comment."""
    found = paths.before(line) or paths.in_comment(line)
    return normal(found.text) if found else None


def _lines(lines: Sequence[str], first: int, divider: int, end: int) -> Iterator[PatchLine]:
    """Lines of both sides; what both have is kept, so that it stays in the file as it is there."""
    old, new = lines[first:divider], lines[divider + 1 : end]
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        sign = LineSign.KEEP if what == "equal" else LineSign.REMOVE
        yield from (PatchLine(sign=sign, text=old[i] + "\n", at=first + i) for i in range(a, b))
        if what != "equal":
            yield from (PatchLine(sign=LineSign.ADD, text=new[i] + "\n", at=divider + 1 + i) for i in range(c, d))
