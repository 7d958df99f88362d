"""Go: gofmt for syntax, `go vet` for names and types of what needs the standard library only."""

from __future__ import annotations

import re

from bridge.checking.checkers.base import CheckStep, Command, lines_like
from bridge.checking.values import FindingKind
from bridge.sandbox.process import ResourceLimits


def _go_needs_more(code: str) -> str | None:
    if re.search(r"//go:embed|import\s+\"C\"|//go:generate|//go:linkname|(?m:^\s*\"C\"\s*$)", code):
        return "reads other files when it is compiled"
    return None


def _go_foreign(code: str) -> str | None:
    """Only the standard library is here: the first part of any other import path has a dot."""
    block = "\n".join(
        re.findall(r"(?ms)^import\s*\((.*?)^\)|^import\s+(?:[\w.]+\s+)?(\"[^\"]+\")", code)
        and re.findall(
            r"\"([^\"\s]+)\"",
            "\n".join(
                "".join(m) for m in re.findall(r"(?ms)^import\s*\((.*?)\)|^import\s+(?:[\w.]+\s+)?(\"[^\"]+\")", code)
            ),
        )
    )
    foreign = [name for name in block.split("\n") if "." in name.split("/")[0]]
    return f"imports {foreign[0]}" if foreign else _go_needs_more(code)


_GO_LINE = r"^(?:vet: )?(?!#)\S*?:(?P<line>\d+):(?P<column>\d+): (?P<message>.*)$"

GOFMT = Command(
    name="gofmt",
    program="gofmt",
    languages=frozenset({"go"}),
    step=CheckStep.SYNTAX,
    argv=lambda _program, path, _box: ["-e", "-l", str(path)],
    read=lines_like(_GO_LINE, FindingKind.SYNTAX),
    limits=ResourceLimits(memory_mb=2048),
    exit_codes=frozenset({0, 1, 2}),
    extensions={"go": "go"},
)
GOVET = Command(
    name="go vet",
    program="go",
    languages=frozenset({"go"}),
    step=CheckStep.MEANING,
    argv=lambda _program, path, _box: ["vet", str(path)],
    read=lines_like(_GO_LINE, FindingKind.TYPE),
    limits=ResourceLimits(memory_mb=4096, wall_s=20, cpu_s=20, file_mb=64),
    exit_codes=frozenset({0, 1, 2}),
    extensions={"go": "go"},
    refuse=_go_foreign,
    env=lambda: {
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GO111MODULE": "off",
    },
    exposed=True,
)
