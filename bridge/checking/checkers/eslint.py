"""ESLint, where it is installed: JavaScript, with a configuration that no comment in the text can turn off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding
from bridge.checking.checkers.javascript import EXTENSIONS, PLAIN, rule_kind
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits

_ESLINT_SETTINGS = """export default [{
  files: ["**/*"],
  linterOptions: { noInlineConfig: true },
  languageOptions: { ecmaVersion: "latest", sourceType: "module", parserOptions: { ecmaFeatures: { jsx: true } } },
  rules: { "no-const-assign": 2, "no-class-assign": 2, "no-import-assign": 2, "constructor-super": 2,
           "no-this-before-super": 2, "no-dupe-keys": 1, "no-unreachable": 1, "no-dupe-args": 2 },
}];
"""


def _eslint_argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program
    own = box.settings("eslint.mjs", _ESLINT_SETTINGS)
    return [
        "--no-config-lookup",
        "-c",
        str(own),
        "--no-ignore",
        "--no-inline-config",
        "--format",
        "json",
        str(path),
    ]


def _eslint_read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    del path
    try:
        files = json.loads(ran.stdout)
    except ValueError:
        return None
    found = []
    for row in (m for file in files for m in file["messages"]):
        kind = FindingKind.SYNTAX if row.get("fatal") else rule_kind(row.get("ruleId") or "style")
        found.append(
            Finding(
                line=row.get("line") or 1,
                column=row.get("column") or 1,
                kind=kind,
                severity=Severity.WARNING if kind is FindingKind.STYLE else Severity.ERROR,
                code=row.get("ruleId") or "syntax",
                message=row["message"],
            )
        )
    return found


ESLINT = Command(
    name="eslint",
    program="eslint",
    languages=PLAIN,
    step=CheckStep.SYNTAX,
    argv=_eslint_argv,
    read=_eslint_read,
    limits=ResourceLimits(memory_mb=8192, wall_s=15),  # node reserves far more address space than it uses
    extensions=EXTENSIONS,
    exposed=True,
)
