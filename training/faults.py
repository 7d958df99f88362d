"""Syntax errors of the kind that models make, put into good code (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable

#: A pattern and what stays of its first match: one fault each.
_FAULTS = {
    "python": (
        (r"(?m)^(\s*(?:def|class|if|for|while|with) .*):$", r"\1"),
        (r"\)(\n)", r"\1"),
        (r"\](\n)", r"\1"),
    ),
    "javascript": ((r"\)( \{\n)", r"\1"), (r"\)(;\n)", r"\1"), (r"(?s)(.*)\n\}$", r"\1")),
    "typescript": ((r"\)( \{\n)", r"\1"), (r"\)(;\n)", r"\1"), (r"(?s)(.*)\n\}$", r"\1")),
    "java": ((r";(\n)", r"\1"), (r"\)( \{\n)", r"\1")),
    "go": ((r"\)(\n)", r"\1"),),
    "rust": ((r"\)(\n)", r"\1"),),
}


def faults(language: str, code: str) -> tuple[str, ...]:
    """Versions of the code with one fault each; none for languages that this knows no faults of."""
    patterns: tuple[tuple[str, str], ...] = _FAULTS.get(language, ())
    broken: list[str] = [_once(pattern, kept)(code) for pattern, kept in patterns]
    return tuple(dict.fromkeys(text for text in broken if text != code))


def _once(pattern: str, kept: str) -> Callable[[str], str]:
    return lambda code: re.sub(pattern, kept, code, count=1)
