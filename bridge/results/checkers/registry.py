"""Every checker, in the order in which they are asked. The only place that lists them."""

from __future__ import annotations

from bridge.results.checkers import compiled, data, floor, javascript, python, scripting, shell, sql, web
from bridge.results.checkers.base import Checker, Step

#: For each step and language the first that is installed judges; the floor comes last.
CHECKERS: tuple[Checker, ...] = (
    python.RUFF,
    python.AST,
    javascript.OXLINT,
    javascript.BIOME,
    javascript.ESLINT,
    javascript.NODE,
    javascript.TSGO,
    javascript.TSC,
    data.JSON,
    data.YAML,
    data.TOML,
    data.XML,
    sql.SQLGLOT,
    web.HTML,
    web.CSS,
    shell.BASH,
    shell.SHELLCHECK,
    scripting.PHP,
    scripting.RUBY,
    scripting.LUAC,
    compiled.GOFMT,
    compiled.GOVET,
    compiled.RUSTC,
    compiled.JAVAC,
    compiled.GCC,
    compiled.GXX,
    floor.FLOOR,
)


def serving(language: str, step: Step, checkers: tuple[Checker, ...] = CHECKERS) -> tuple[Checker, ...]:
    """The checkers of a language for a step, in order."""
    return tuple(c for c in checkers if c.step is step and c.serves(language))
