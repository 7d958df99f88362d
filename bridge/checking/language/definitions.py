"""Which names a text defines, as far as a line tells, in most languages. Pure."""

from __future__ import annotations

import re

_DEFINES = re.compile(
    r"^(?!\s*(?:for|if|while|return|else|elif|switch|case|catch|throw|new|await|yield|assert|print|echo)\b)"
    r"\s*(?:export\s+|default\s+|public\s+|private\s+|protected\s+|internal\s+|static\s+|final\s+|abstract\s+|async\s+|pub(?:\([^)]*\))?\s+"
    r"|unsafe\s+|inline\s+|constexpr\s+|virtual\s+|override\s+)*"
    r"(?:(?:def|class|function\*?|func|fn|fun|sub|interface|enum|struct|trait|record|object|module)\s+(?P<word>[\w$]+)"
    r"|(?:const|let|var)\s+(?P<bound>[\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|\w+\s*=>)"
    r"|(?:[\w:<>\[\],.*&?]+[\s*&]+)+(?P<typed>[A-Za-z_]\w*)\s*\([^;=]*\)?[^;=]*$"
    r"|(?P<shell>[\w-]+)\s*\(\)\s*\{?)"
)
_STATEMENTS = frozenset({"if", "for", "while", "switch", "return", "else", "catch", "elif", "new", "throw", "do"})


def definitions(code: str) -> frozenset[str]:
    """The names that a text defines at its top level."""
    found = (name for line in code.split("\n") if line[:1].strip() for name in defined(line))
    return frozenset(found)


def is_definition(line: str) -> bool:
    """Whether a line begins a function, a class or the like."""
    return bool(defined(line)) and not line.rstrip().endswith(")")


def defined(line: str) -> tuple[str, ...]:
    """The names that a line begins to define: of a function, a class or the like."""
    match = _DEFINES.match(line)
    return tuple(n for n in match.groups() if n and n not in _STATEMENTS) if match else ()
