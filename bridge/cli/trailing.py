"""Words of a command that has one name of a few, and after `--` options that belong to another command."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.errors import UsageError


def name_and_options(words: Sequence[str], names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """One of the names, by default the first, and the options after it. Raises UsageError."""
    name, rest = (words[0], words[1:]) if words and words[0] in names else (names[0], words)
    if rest and not rest[0].startswith("-"):
        known = f"{', '.join(names[:-1])} or {names[-1]}"
        raise UsageError(f"{rest[0]} is none of them: write {known}, and options of the command after `--`")
    return name, tuple(rest)
