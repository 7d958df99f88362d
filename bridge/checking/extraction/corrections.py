"""Blocks that an answer takes back itself: it calls them wrong, or says that a later one is right. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.checking.extraction.clean_lines import Lines
from bridge.checking.language.definitions import definitions
from bridge.checking.values import CodeBlock, Role

_WRONG_ONE = re.compile(
    r"(?i)\b(?:broken|wrong|incorrect|buggy|bad|doesn't work|does not work|don't do this|original code)\b"
)
_RIGHT_ONE = re.compile(
    r"(?i)\b(?:corrected|fixed|revised|wait\b|my mistake|I made (?:a|an) (?:mistake|error)|here(?:'s| is) the correct)"
)


def superseded(blocks: Sequence[CodeBlock], lines: Lines) -> frozenset[int]:
    """The blocks that the answer itself takes back: it calls them wrong, or says that a later one of the same names is right."""
    text = dict(zip(lines.number, lines.text, strict=True))
    gone: set[int] = set()
    for i, old in enumerate(blocks):
        names = (
            definitions(old.code)
            if old.role in (Role.FILE, Role.FRAGMENT) and not old.path and old.fence
            else frozenset()
        )
        for new in blocks[i + 1 :] if names else ():
            if new.path or new.language != old.language or not names <= definitions(new.code):
                continue
            between = " ".join(text.get(n, "") for n in range(old.span[1] + 1, new.span[0]))
            before = " ".join(text.get(n, "") for n in range(max(1, old.span[0] - 2), old.span[0]))
            if _WRONG_ONE.search(before) or _RIGHT_ONE.search(between[-400:]):
                gone.add(old.index)
    return frozenset(gone)
