"""Every checker, in the order in which they are asked. The only place that lists them."""

from __future__ import annotations

from bridge.checking.checkers import (
    biome,
    c_cpp,
    data,
    eslint,
    go,
    java,
    javascript,
    python,
    rust,
    scripting,
    shell,
    sql,
    treesitter,
    tsc,
    ty,
    web,
)
from bridge.checking.checkers.base import Checker, CheckStep

#: For each step and language the first that is installed judges; tree-sitter comes last.
CHECKERS: tuple[Checker, ...] = (
    python.RUFF,
    python.AST,
    ty.TY,
    javascript.OXLINT,
    biome.BIOME,
    eslint.ESLINT,
    javascript.NODE,
    tsc.TSGO,
    tsc.TSC,
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
    go.GOFMT,
    go.GOVET,
    rust.RUSTC,
    java.JAVAC,
    c_cpp.GCC,
    c_cpp.GXX,
    treesitter.TREE_SITTER,
)


def serving(language: str, step: CheckStep, checkers: tuple[Checker, ...] = CHECKERS) -> tuple[Checker, ...]:
    """The checkers of a language for a step, in order."""
    return tuple(c for c in checkers if c.step is step and c.serves(language))
