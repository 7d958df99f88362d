"""Which texts of a compiled language are only a piece of a file. Pure."""

from __future__ import annotations

import re

#: What a text of a compiled language must hold to be judged for names and types; without it, it is a piece.
_WHOLE = {
    "java": re.compile(r"\b(?:class|interface|enum|record)\s+\w+"),
    "c": re.compile(r"(?m)^\s*#\s*include"),
    "cpp": re.compile(r"(?m)^\s*#\s*include"),
    "go": re.compile(r"(?m)^package \w+"),
    "rust": re.compile(r"(?m)^\s*(?:pub )?(?:fn|struct|impl|use|mod|enum|trait) "),
}


def is_piece(language: str, code: str, *, named: bool = False) -> bool:
    """Whether a text cannot be a file of its language; `named`: it has a path of its own."""
    if language in ("c", "cpp") and named:
        return False  # a header or a module that includes nothing: its compiler can tell
    whole = _WHOLE.get(language)
    return whole is not None and not whole.search(code)
