"""Python: ruff for syntax, undefined names and likely bugs; the interpreter's own parser where ruff is absent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding
from bridge.checking.checkers.in_worker import InWorker
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits

_LANGUAGES = frozenset({"python"})
#: Rules about what the compiler would refuse; the rest of PLE are likely bugs, not certain ones.
_SYNTAX = ("invalid-syntax", "E9", "F404", "F70", "PLE0117", "PLE0118")
_UNDEFINED = ("F821", "F823")


def _argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program, box
    return [
        "check", "--isolated", "--no-cache", "--ignore-noqa", "--no-respect-gitignore", "--select", "E9,F,PLE,B",
        "--target-version", "py313", "--output-format", "json", "--", str(path),
    ]  # fmt: skip


def _kind(code: str) -> FindingKind:
    if code.startswith(_SYNTAX):
        return FindingKind.SYNTAX
    return FindingKind.UNDEFINED if code in _UNDEFINED else FindingKind.STYLE


def _read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    del path
    try:
        rows = json.loads(ran.stdout)
    except ValueError:
        return None
    found = []
    for row in rows:
        code = row["code"] or "invalid-syntax"
        kind = _kind(code)
        start, stop = row["location"], row["end_location"]
        found.append(
            Finding(
                line=start["row"],
                column=start["column"],
                end_line=stop["row"],
                end_column=stop["column"],
                kind=kind,
                severity=Severity.WARNING if kind is FindingKind.STYLE else Severity.ERROR,
                code=code,
                message=row["message"],
            )
        )
    return found


RUFF = Command(
    name="ruff",
    program="ruff",
    languages=_LANGUAGES,
    step=CheckStep.SYNTAX,
    argv=_argv,
    read=_read,
    limits=ResourceLimits(memory_mb=512),
    extensions={"python": "py"},
)
AST = InWorker(name="python", parser="python", languages=_LANGUAGES)
