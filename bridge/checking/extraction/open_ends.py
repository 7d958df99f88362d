"""Whether a text ends in the middle of something: a bracket, a literal or a comment that it opened is still open. Pure.

It reads as far as one can without a parser: where a language's literals are not known well enough, it says nothing.
"""

from __future__ import annotations

import re
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
    kind = _LIKE.get(language or "", language or "")
    if kind not in _LITERALS:
        return False
    pattern = _pattern(kind)
    if "begun" in pattern.groupindex and any(match["begun"] for match in pattern.finditer(code)):
        return True
    wanted = "{}" if kind == "bash" else "()[]{}"  # a shell's `case` closes what nothing opened
    stack: list[str] = []
    for char in pattern.sub(" ", code):
        if char not in wanted:
            continue
        if char in "([{":
            stack.append(char)
        elif stack and stack[-1] == _PAIRS[char]:
            stack.pop()
        else:
            return False  # wrong, or the end of something that stands before: not for us to tell
    return bool(stack)


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
