"""Whether a text ends in the middle of something: a bracket, a literal or a comment that it opened is still open. Pure.

It reads as far as one can without a parser: where a language's literals are not known well enough, it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

_LINE = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
_SLASHES = r"//[^\n]*"
_REGEX = r"(?<=[=(,:!&|?{};\n])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/"
_COMMENT = (r"/\*", r"\*/")
_TRIPLE = ('"""', '"""')
_BACKTICK = ("`", r"(?<!\\)`")
#: Of each language: what may go over several lines (its beginning, its end), and what ends with its line.
_LITERALS: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "python": ((_TRIPLE, ("'''", "'''")), rf"{_LINE}|#[^\n]*"),
    "javascript": ((_COMMENT, _BACKTICK), rf"{_LINE}|{_SLASHES}|{_REGEX}"),
    "java": ((_COMMENT, _TRIPLE), rf"{_LINE}|{_SLASHES}"),
    "go": ((_COMMENT, ("`", "`")), rf"{_LINE}|{_SLASHES}"),
    "rust": ((_COMMENT, ('"', r'(?<!\\)"')), rf"'(?:\\.|[^'\\\n])'|{_SLASHES}"),
    "php": ((_COMMENT,), rf"{_LINE}|{_SLASHES}|#(?!\[)[^\n]*"),
    "bash": ((), r"\\.|\"(?:\\.|[^\"\\])*\"|'[^']*'|(?:(?<=\s)|^)#[^\n]*|\$\{#?[^{}\n]*\}"),
    "json": ((), _LINE),
    "css": ((_COMMENT,), _LINE),
}
_LIKE = {
    "jsx": "javascript", "typescript": "javascript", "tsx": "javascript", "c": "java", "cpp": "java", "csharp": "java",
    "kotlin": "java", "scala": "java", "swift": "java", "dart": "java", "jsonc": "json", "scss": "css", "less": "css",
}  # fmt: skip
_PAIRS = {")": "(", "]": "[", "}": "{"}


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    """Matches literals and comments of a language; the group `begun` is one over several lines that nothing ends."""
    long, short = _LITERALS[kind]
    ended = [f"{begin}.*?{end}" for begin, end in long]
    begun = ["(?P<begun>" + "|".join(begin for begin, _ in long) + ")"] if long else []
    return re.compile("|".join([*ended, *begun, short]), re.DOTALL | re.MULTILINE)


def ends_open(language: str | None, code: str) -> bool:
    """Whether a text leaves open what it opened; False where that cannot be known."""
    return opened_at(language, code) is not None


def opened_at(language: str | None, code: str) -> int | None:
    """The line, from 0, of what a text opens and does not close; None if there is nothing, or it cannot be known.

    Of several brackets it is the one whose partner stands further left than its own line: that partner belongs to another one.
    """
    kind = _LIKE.get(language or "", language or "")
    if kind not in _LITERALS:
        return None
    pattern = _pattern(kind)
    begun = (match for match in pattern.finditer(code) if "begun" in pattern.groupindex and match["begun"])
    if (literal := next(begun, None)) is not None:
        return code.count("\n", 0, literal.start())
    return _bracket(blanked(language, code).split("\n"), "{}" if kind == "bash" else "()[]{}")


def _bracket(lines: Sequence[str], wanted: str) -> int | None:
    """The line of the bracket that is never closed; a shell's `case` closes what nothing opened, so only braces count there."""
    stack: list[tuple[str, int]] = []
    suspect: int | None = None
    margins = [len(line) - len(line.lstrip()) for line in lines]
    for at, line in enumerate(lines):
        for place, char in enumerate(line):
            if char not in wanted:
                continue
            if char in "([{":
                stack.append((char, at))
            elif stack and stack[-1][0] == _PAIRS[char]:
                _, begun = stack.pop()
                if suspect is None and place == margins[at] and margins[at] < margins[begun]:
                    suspect = begun
            else:
                return None  # wrong, or the end of something that stands before: not for us to tell
    if not stack:
        return None
    return stack[-1][1] if suspect is None else suspect


def blanked(language: str | None, code: str) -> str:
    """A text with blanks where its literals and comments stand, line by line as before."""
    kind = _LIKE.get(language or "", language or "")
    if kind not in _LITERALS:
        return code

    def blank(match: re.Match[str]) -> str:
        return match[0] if match.groupdict().get("begun") else "\n" * match[0].count("\n")

    bare = _pattern(kind).sub(blank, code)
    open_end = re.search(r"(?s)(?:\"\"\"|''').*", bare) if kind == "python" else None
    return bare[: open_end.start()] + "\n" * open_end[0].count("\n") if open_end else bare
