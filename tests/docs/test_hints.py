"""A hint that names a command of ours names one that there is, with options that it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bridge.cli import main

ROOT = Path(__file__).parents[2]
_COMMAND = re.compile(r"`bridge ([a-z][^`]*)`")


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module, with its line; of one with fields in it the fields as `X`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def hints() -> list[tuple[str, str]]:
    found = []
    for file in sorted((ROOT / "bridge").rglob("*.py")):
        for line, text in texts(ast.parse(file.read_text(encoding="utf-8"))):
            found += [(f"{file.relative_to(ROOT)}:{line}", hint) for hint in _COMMAND.findall(" ".join(text.split()))]
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        if page.name != "decisions.md":  # it says what was
            found += [(page.name, hint) for hint in _COMMAND.findall(page.read_text(encoding="utf-8"))]
    return found


def wrong_with(hint: str) -> str:
    """What cannot work in a command line; empty: nothing."""
    words = [word.strip("'\",;") for word in re.split(r"\s", hint) if word not in ("|", "...", "…")]
    command: click.Command = main
    while words and isinstance(command, click.Group):
        inner = command.get_command(click.Context(command), words[0].partition("|")[0])
        if inner is None:
            return "" if re.fullmatch(r"[A-Z]+|X.*", words[0]) or command is not main else f"no command {words[0]}"
        command, words = inner, words[1:]
    known = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)} | {"--help", "-h"}
    flags = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
    behind = hint.partition(" -- ")[2]
    return ", ".join(sorted(flag for flag in flags - known if flag not in behind))


@pytest.mark.parametrize("place", sorted({place.partition(":")[0] for place, _ in hints()}))
def test_what_a_hint_names_is_there(place: str) -> None:
    wrong = {
        f"{where}: bridge {hint}": what
        for where, hint in hints()
        if where.partition(":")[0] == place and (what := wrong_with(hint))
    }

    assert wrong == {}


def test_a_hint_that_cannot_work_is_found() -> None:
    assert wrong_with("list --stat failed") == "--stat"
    assert wrong_with("lst") == "no command lst"
    assert wrong_with("service install serve -- --engine ollama") == ""
