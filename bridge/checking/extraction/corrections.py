"""Blocks that an answer takes back itself: it calls them wrong, or says that a later one is right. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from bridge.checking.extraction.clean_lines import Lines
from bridge.checking.language.definitions import definitions
from bridge.checking.values import CodeBlock, Role

_WRONG_ONE = re.compile(
    r"(?i)\b(?:broken|wrong|incorrect|buggy|bad|doesn't work|does not work|don't do this|original code)\b"
)
_RIGHT_ONE = re.compile(
    r"(?i)\b(?:corrected|fixed|revised|wait\b|my mistake|I made (?:a|an) (?:mistake|error)|here(?:'s| is) the correct)"
)

#: Characters before a block in which the answer may say that it is the right one.
_REACH = 400


def superseded(blocks: Sequence[CodeBlock], lines: Lines) -> frozenset[int]:
    """The blocks that the answer itself takes back: it calls them wrong, or says that a later one of the same names is right."""
    text = dict(zip(lines.number, lines.text, strict=True))
    gone: set[int] = set()
    # From the end, so that each block is compared with the kinds of block that follow it and not with each of them.
    later: dict[tuple[str | None, frozenset[str]], int] = {}
    for block in reversed(blocks):
        names = definitions(block.code)
        if names and block.role in (Role.FILE, Role.FRAGMENT) and not block.path and block.fence:
            right = [said for (kind, all_of), said in later.items() if kind == block.language and names <= all_of]
            if right and (max(right) > block.span[1] or _is_called_wrong(text, block.span[0])):
                gone.add(block.index)
        if not block.path:
            key = (block.language, names)
            later[key] = max(later.get(key, 0), _called_right(text, block.span[0]))
    return frozenset(gone)


def _is_called_wrong(text: Mapping[int, str], start: int) -> bool:
    before = " ".join(text.get(n, "") for n in range(max(1, start - 2), start))
    return _WRONG_ONE.search(before) is not None


def _called_right(text: Mapping[int, str], start: int) -> int:
    """The last line shortly before line `start` that calls what follows right; 0: none does."""
    before, at = "", list[int]()
    for line in range(start - 1, 0, -1):
        if len(before) > _REACH:
            break
        before = f"{text.get(line, '')} {before}"
        at.append(len(before))
    said = [match.start() - len(before) for match in _RIGHT_ONE.finditer(before)]
    return start - 1 - bisect_left(at, -said[-1]) if said and -said[-1] <= _REACH + 1 else 0
