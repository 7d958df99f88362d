"""PHP, Ruby and Lua: each interpreter's own syntax check, none of which runs anything. Perl has none that is safe."""

from __future__ import annotations

from bridge.results.base import Kind
from bridge.results.checkers.base import Command, Step, lines_like
from bridge.results.process import Limits

PHP = Command(
    name="php",
    program="php",
    languages=frozenset({"php"}),
    step=Step.SYNTAX,
    argv=lambda _program, path, _box: ["-n", "-d", "display_errors=1", "-l", str(path)],
    read=lines_like(r"^(?:PHP )?Parse error:\s*(?P<message>.*) in .* on line (?P<line>\d+)$", Kind.SYNTAX),
    limits=Limits(memory_mb=1024),
    exit_codes=frozenset({0, 1, 255}),
    extensions={"php": "php"},
)
RUBY = Command(
    name="ruby",
    program="ruby",
    languages=frozenset({"ruby"}),
    step=Step.SYNTAX,
    argv=lambda _program, path, _box: ["--disable=gems,rubyopt", "-c", str(path)],
    read=lines_like(r"^.*?:(?P<line>\d+): (?P<message>(?!warning).*)$", Kind.SYNTAX),
    limits=Limits(memory_mb=1024),
    extensions={"ruby": "rb"},
)
LUAC = Command(
    name="luac",
    program="luac",
    languages=frozenset({"lua"}),
    step=Step.SYNTAX,
    argv=lambda _program, path, _box: ["-p", "--", str(path)],
    read=lines_like(r"^\S+: .*?:(?P<line>\d+): (?P<message>.*)$", Kind.SYNTAX),
    limits=Limits(memory_mb=256),
    extensions={"lua": "lua"},
)
