"""tsc and tsgo, where they are installed: types of TypeScript, less what is about packages that are not here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding
from bridge.checking.checkers.javascript import EXTENSIONS, TYPED
from bridge.checking.values import BLOCKING_KINDS, FindingKind, Severity
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits

#: What is only about packages that are not here, or about types that come with them.
_NOT_HERE = frozenset(
    [
        "TS2307",
        "TS2792",
        "TS7016",
        "TS2580",
        "TS2582",
        "TS2584",
        "TS2591",
        "TS2593",
        "TS2503",
        "TS2686",
        "TS2875",
        "TS7026",
        "TS7031",
    ]
)
#: A `return` outside of a function: the body of one that the prompt begins. The parser that was asked before lets it pass.
_OF_A_BODY = "TS1108"


def _tsc_argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    """Not strict: how strictly types are meant is the project's to say, and what is wrong without it is wrong with it."""
    del program, box
    return [
        "--noEmit", "--pretty", "false", "--target", "esnext", "--module", "esnext",
        "--moduleResolution",
        "bundler", "--noResolve", "--skipLibCheck", "--strict", "false", "--noImplicitAny", "false", "--jsx", "preserve",
        "--allowJs",
        "--lib", "esnext,dom,dom.iterable", str(path),
    ]  # fmt: skip


_TSC = re.compile(r"^.*?\((\d+),(\d+)\): error (TS\d+): (.*)$", re.MULTILINE)


def _tsc_read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    del path
    if ran.code != 0 and not _TSC.search(ran.stdout):
        return (
            None  # it could not even begin: an option that this version does not know, or a part of it that is missing
        )
    found = []
    for line, column, code, message in _TSC.findall(ran.stdout):
        kind = (
            FindingKind.SYNTAX
            if re.fullmatch(r"TS1\d{3}", code)
            else FindingKind.UNDEFINED
            if code == "TS2304"
            else FindingKind.TYPE
        )
        if code == _OF_A_BODY:
            kind = FindingKind.STYLE
        if code in _NOT_HERE:
            kind = FindingKind.DEPENDENCY
        found.append(
            Finding(
                line=int(line),
                column=int(column),
                kind=kind,
                severity=Severity.ERROR if kind in BLOCKING_KINDS else Severity.INFORMATION,
                code=code,
                message=message,
            )
        )
    return found


def _compiler(name: str, memory_mb: int) -> Command:
    return Command(
        name=name,
        program=name,
        languages=TYPED,
        step=CheckStep.MEANING,
        argv=_tsc_argv,
        read=_tsc_read,
        limits=ResourceLimits(memory_mb=memory_mb, wall_s=15),
        exit_codes=frozenset({0, 1, 2}),
        extensions=EXTENSIONS,
        exposed=True,
    )


TSGO = _compiler("tsgo", 8192)  # Go and node reserve far more address space than they use
TSC = _compiler("tsc", 8192)
