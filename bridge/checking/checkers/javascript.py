"""JavaScript, TypeScript and JSX: oxlint, and node where it is absent.

Each gets its own configuration by absolute path, so that nothing beside the text is read as one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding, lines_like
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits

SCRIPTS = frozenset({"javascript", "jsx", "typescript", "tsx"})
PLAIN = frozenset({"javascript", "jsx"})
TYPED = frozenset({"typescript", "tsx"})
#: JSX may stand in any JavaScript, and `.jsx` lets it.
EXTENSIONS = {"javascript": "jsx", "jsx": "jsx", "typescript": "ts", "tsx": "tsx"}

#: Names that pages and frameworks bring along; an answer may use them without saying where they come from.
GLOBALS = [
    "$",
    "jQuery",
    "_",
    "angular",
    "inject",
    "module",
    "React",
    "ReactDOM",
    "Vue",
    "d3",
    "axios",
    "moment",
    "Chart",
    "THREE",
    "L",
    "google",
    "gapi",
    "chrome",
    "browser",
    "process",
    "Buffer",
    "require",
    "exports",
    "module",
    "global",
    "__dirname",
    "__filename",
    "JSX",
    "NodeJS",
    "Deno",
    "Bun",
    "describe",
    "it",
    "test",
    "expect",
    "beforeEach",
    "afterEach",
    "beforeAll",
    "afterAll",
    "before",
    "after",
    "jest",
    "vi",
    "cy",
    "sinon",
    "chai",
    "assert",
    "spyOn",
    "jasmine",
    "fetchMock",
    "Component",
    "Handlebars",
    "Backbone",
    "Promise",
    "socket",
    "io",
    "firebase",
    "Stripe",
    "bootstrap",
    "Swal",
    "Plotly",
    "ko",
    "Ember",
    "Meteor",
    "ethers",
    "web3",
    "p5",
    "setup",
    "draw",
    "createCanvas",
]
_ENVIRONMENTS = [
    "browser",
    "node",
    "commonjs",
    "es2024",
    "worker",
    "serviceworker",
    "jest",
    "mocha",
    "jasmine",
    "vitest",
    "jquery",
    "amd",
    "qunit",
    "protractor",
    "webextensions",
]
#: Rules whose breach cannot work when it runs.
_CERTAIN = frozenset(
    {"no-const-assign", "no-class-assign", "no-import-assign", "constructor-super", "no-this-before-super"}
)


def rule_kind(rule: str) -> FindingKind:
    """What a breach of a rule of ESLint's is about; without a rule, the text does not parse."""
    name = re.sub(r"^[\w-]+[(/]([\w-]+/)?|\)$", "", rule)
    if not name:
        return FindingKind.SYNTAX
    if name == "no-undef":
        return FindingKind.UNDEFINED
    return FindingKind.TYPE if name in _CERTAIN else FindingKind.STYLE


def _oxlint_argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program
    own = box.settings(
        "oxlint.json",
        json.dumps({"env": dict.fromkeys(_ENVIRONMENTS, True), "globals": dict.fromkeys(GLOBALS, "writable")}),
    )
    return [
        "-c", str(own), "--disable-nested-config", "--no-ignore", "--threads", "1",
        "-A", "all", "-D", "correctness", "-D", "no-undef", "-f", "json", str(path),
    ]  # fmt: skip


def _oxlint_read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    del path
    try:
        rows = json.loads(ran.stdout)["diagnostics"]
    except (ValueError, KeyError, TypeError):
        return None
    found = []
    for row in rows:
        labels = row.get("labels") or [{}]
        span = labels[0].get("span", {})
        kind = rule_kind(row.get("code", ""))
        found.append(
            Finding(
                line=span.get("line", 1),
                column=span.get("column", 1),
                kind=kind,
                severity=Severity.WARNING if kind is FindingKind.STYLE else Severity.ERROR,
                code=row.get("code", "") or "syntax",
                message=row["message"],
            )
        )
    return found


OXLINT = Command(
    name="oxlint",
    program="oxlint",
    languages=SCRIPTS,
    step=CheckStep.SYNTAX,
    argv=_oxlint_argv,
    read=_oxlint_read,
    limits=ResourceLimits(memory_mb=1024),
    extensions=EXTENSIONS,
)


def _perhaps_jsx(found: Sequence[Finding]) -> str | None:
    jsx = any(f.message == "Unexpected token '<'" for f in found)
    return "it may hold JSX, which node does not read" if jsx else None


NODE = Command(
    name="node",
    program="node",
    languages=frozenset({"javascript"}),
    step=CheckStep.SYNTAX,
    argv=lambda _program, path, _box: ["--check", str(path)],
    read=lines_like(r"^.*:(?P<line>\d+)\n(?:.*\n){0,4}?SyntaxError: (?P<message>.*)$", FindingKind.SYNTAX),
    unfit=_perhaps_jsx,
    limits=ResourceLimits(memory_mb=8192),
    extensions={"javascript": "mjs"},
)
