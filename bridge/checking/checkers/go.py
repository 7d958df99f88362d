"""Go: gofmt for syntax, `go vet` for names and types of what needs the standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bridge.checking.checkers.base import CheckContext, CheckOutcome, CheckStep, Command, Source, lines_like
from bridge.checking.checkers.go_cache import standard_imports
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
_ENV = {
    "GOPROXY": "off",
    "GOFLAGS": "-mod=mod",
    "GOTOOLCHAIN": "local",
    "CGO_ENABLED": "0",
    "GO111MODULE": "off",
}


@dataclass(frozen=True, kw_only=True)
class GoVet(Command):
    """`go vet`, with packages that are compiled already; without them if that fails."""

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        """What `go vet` says."""
        program = context.toolbox.find(self.program)
        if context.go_cache is not None and program and context.box.within.holds and not self.refuse(source.code):
            cache = context.go_cache.holding(program, _ENV, standard_imports(source.code))
            quick = replace(self, env=lambda: {**_ENV, "GOCACHE": str(cache)}, readable=lambda: (cache,))
            outcome = Command.check(quick, source, context)
            if not outcome.failure:
                return outcome
        return super().check(source, context)


GOVET = GoVet(
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
    env=lambda: _ENV,
    exposed=True,
)
