"""The line on which each key of a TOML file stands. Pure.

tomllib tells no lines, and neither does tomlkit, which keeps comments and blanks but forgets where they were. So the text
is cut into its statements, each the fewest lines that tomllib itself can parse: no grammar of ours is needed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str, ...]  #: of a key: ("gateway", "port")


def lines_of(text: str) -> dict[Path, int]:
    """{path of a key or table: line on which its statement begins, from 1}. The text must be valid TOML."""
    found: dict[Path, int] = {}
    table: Path = ()
    statement, began = "", 1
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        began = began if statement else number
        statement += line + "\n"
        try:
            values = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # a text or list of several lines: not at its end yet
        is_header = statement.lstrip().startswith("[")
        paths = list(_paths(values))
        if is_header:
            table = paths[-1]
        for path in paths:
            found.setdefault(path if is_header else table + path, began)
        statement = ""
    return found


def _paths(values: Mapping[str, object]) -> Iterator[Path]:
    """Every path in a parsed statement, tables before what they hold."""
    for name, value in values.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *path) for path in _paths(value))
