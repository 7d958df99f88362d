"""Comments that tell a checker to look away. A model may write them; what it writes must still be checked.

Each is replaced by a word of the same length, so that every line and column stays where it is. Pure.
"""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"eslint-(?:disable|enable)(?:-next-line|-line)?|oxlint-(?:disable|enable)(?:-next-line|-line)?"
    r"|biome-ignore(?:-all|-start|-end)?|"
    r"@ts-(?:nocheck|ignore|expect-error)|shellcheck\s+(?:disable|shell|source)|(?:ruff|flake8)\s*:\s*noqa"
    r"|\bnoqa\b|ruff:\s*(?:disable|ignore)|"
    r"\b(?:ty|type|mypy|pyright|pyrefly)\s*:\s*ignore|prettier-ignore|sqlfluff\s*:|jshint\s+ignore|jslint\s|NOLINT(?:NEXTLINE|BEGIN)?|lint:ignore|nolint\b|"
    r"#\s*pragma\s+GCC\s+(?:system_header|diagnostic)|#!\[allow\b|@SuppressWarnings|/\*\s*eslint\s",
    re.IGNORECASE,
)


def neutral(code: str) -> str:
    """The text with every suppression made meaningless; as long as before, line by line."""
    return _WORDS.sub(
        lambda match: re.sub(r"[A-Za-z]", "x", match[0]) if not match[0].startswith("#") else _comment(match[0]),
        code,
    )


def _comment(directive: str) -> str:
    """A directive of C or Rust as a comment of the same length; it must not become other code."""
    if directive.startswith("#!["):
        return "#![" + "warn".ljust(len(directive) - 3)
    return "//" + "x" * (len(directive) - 2)
