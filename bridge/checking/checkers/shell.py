"""Shell: `bash -n` for syntax, shellcheck for what is likely wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding, lines_like
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.process import ProcessResult, ResourceLimits

_LANGUAGES = frozenset({"bash"})


def _other_shell(code: str) -> str | None:
    """Bash is no judge of a script that names another shell."""
    match = re.match(r"#!.*\b(zsh|ksh|fish|csh|tcsh)\b", code)
    return f"is written for {match[1]}" if match else None


BASH = Command(
    name="bash",
    program="bash",
    languages=_LANGUAGES,
    step=CheckStep.SYNTAX,
    argv=lambda _program, path, _box: ["--norc", "--noprofile", "-n", "--", str(path)],
    read=lines_like(r"^\S*: line (?P<line>\d+): (?P<message>(?!warning:).*)$", FindingKind.SYNTAX),
    limits=ResourceLimits(memory_mb=512),
    exit_codes=frozenset({0, 1, 2, 127}),
    extensions={"bash": "sh"},
    refuse=_other_shell,
)

#: About files that are not here.
_IGNORED = frozenset({1090, 1091})


#: A variable in lower case that the script never sets; those in capitals come from the environment.
_NEVER_SET = 2154
_NEVER_SET_NAME = re.compile(r"^(\w+) is")


def _severity(row: Mapping[str, object]) -> Severity:
    if row["code"] == _NEVER_SET:
        return Severity.ERROR
    return Severity.WARNING if row["level"] in ("error", "warning") else Severity.HINT


def _read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    del path
    try:
        rows = json.loads(ran.stdout)["comments"]
    except (ValueError, KeyError, TypeError):
        return None
    return [
        Finding(
            line=row["line"],
            column=row["column"],
            end_line=row["endLine"],
            end_column=row["endColumn"],
            kind=FindingKind.UNDEFINED if row["code"] == _NEVER_SET else FindingKind.STYLE,
            severity=_severity(row),
            code=f"SC{row['code']}",
            message=_NEVER_SET_NAME.sub(r"'\1' is", row["message"]) if row["code"] == _NEVER_SET else row["message"],
        )
        for row in rows
        if row["code"] not in _IGNORED
    ]


SHELLCHECK = Command(
    name="shellcheck",
    program="shellcheck",
    languages=_LANGUAGES,
    step=CheckStep.MEANING,
    argv=lambda _program, path, _box: ["--norc", "-f", "json1", "-s", "bash", "--", str(path)],
    read=_read,
    limits=ResourceLimits(memory_mb=8192),  # GHC reserves far more address space than it uses
    extensions={"bash": "sh"},
)
