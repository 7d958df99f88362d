"""PHP, Ruby and Lua: each interpreter's own syntax check, none of which runs the text. Perl has none that is safe."""

from __future__ import annotations

from bridge.checking.checkers.base import CheckStep, Command, lines_like
from bridge.checking.values import FindingKind
from bridge.sandbox.process import ResourceLimits

PHP = Command(
    name="php",
    program="php",
    languages=frozenset({"php"}),
    step=CheckStep.SYNTAX,
    argv=lambda _program, path, _box: ["-n", "-d", "display_errors=1", "-l", str(path)],
    read=lines_like(r"^(?:PHP )?Parse error:\s*(?P<message>.*) in .* on line (?P<line>\d+)$", FindingKind.SYNTAX),
    limits=ResourceLimits(memory_mb=1024),
    exit_codes=frozenset({0, 1, 255}),
    extensions={"php": "php"},
)
RUBY = Command(
    name="ruby",
    program="ruby",
    languages=frozenset({"ruby"}),
    step=CheckStep.SYNTAX,
    argv=lambda _program, path, _box: ["--disable=gems,rubyopt", "-c", str(path)],
    read=lines_like(r"^.*?:(?P<line>\d+): (?P<message>(?!warning).*)$", FindingKind.SYNTAX),
    limits=ResourceLimits(memory_mb=1024),
    extensions={"ruby": "rb"},
    exposed=True,
)
LUAC = Command(
    name="luac",
    program="luac",
    languages=frozenset({"lua"}),
    step=CheckStep.SYNTAX,
    argv=lambda _program, path, _box: ["-p", "--", str(path)],
    read=lines_like(r"^\S+: .*?:(?P<line>\d+): (?P<message>.*)$", FindingKind.SYNTAX),
    limits=ResourceLimits(memory_mb=256),
    extensions={"lua": "lua"},
)
