"""One value in the text of a settings file, everything else as it stands, comments and blanks too. Pure."""

from __future__ import annotations

import json
import re
import tomllib

from bridge.wiring.settings.toml_lines import Path, lines_of

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def with_value(text: str, path: Path, value: str) -> str:
    """The text of a TOML file with a key set: in its place, at the end of its table, or in a new table at the end.

    `value`: as TOML writes it. The text must be valid TOML.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    said = f"{_name(path[-1])} = {value}\n"
    known = lines_of(text)
    if path in known:
        begin = known[path] - 1
        lines[begin : _end(lines, begin)] = [said]
    else:
        lines[(at := _end_of_table(text, lines, path[:-1])) : at] = _with_table(text, path[:-1], said)
    return "".join(lines)


def as_toml(text: str) -> list[str]:
    """What a text of a command line may mean as a TOML value, the likeliest first: a number, a list, a truth, else a text."""
    try:
        tomllib.loads(f"x = {text}")
    except tomllib.TOMLDecodeError:
        return [json.dumps(text)]
    return [text, json.dumps(text)]


def _name(part: str) -> str:
    return part if _BARE.fullmatch(part) else json.dumps(part)


def _end(lines: list[str], begin: int) -> int:
    """Behind the last line of the statement that begins here."""
    for end in range(begin + 1, len(lines) + 1):
        try:
            tomllib.loads("".join(lines[begin:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return begin + 1


def _headers(text: str) -> list[tuple[int, Path]]:
    """(index of its line, table) of every header, in order."""
    begins = {line - 1: path for path, line in lines_of(text).items()}  # of a header's paths the innermost is last
    lines = text.splitlines()
    return [(at, path) for at, path in sorted(begins.items()) if lines[at].lstrip().startswith("[")]


def _end_of_table(text: str, lines: list[str], table: Path) -> int:
    """Where another key of a table belongs: behind its last line that is not blank."""
    headers = _headers(text)
    if table:
        begin = next((at for at, path in headers if path == table), None)
        if begin is None:
            return len(lines)
    else:
        begin = -1
    end = next((at for at, _ in headers if at > begin), len(lines))
    while end > begin + 1 and not lines[end - 1].strip():
        end -= 1
    return end


def _with_table(text: str, table: Path, said: str) -> list[str]:
    if not table or any(path == table for _, path in _headers(text)):
        return [said]
    return [*(["\n"] if text.strip() else []), f"[{'.'.join(map(_name, table))}]\n", said]
