"""JavaScript, TypeScript and JSX: oxlint; biome, eslint, tsc, tsgo and node where they are installed.

Each gets its own configuration by absolute path, so that nothing beside the text is read as one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from bridge.results.base import Kind, Severity
from bridge.results.checkers.base import Command, Finding, Step, lines_like
from bridge.results.sandbox import Limits, Ran, Sandbox

_ALL = frozenset({"javascript", "jsx", "typescript", "tsx"})
_PLAIN = frozenset({"javascript", "jsx"})
_TYPED = frozenset({"typescript", "tsx"})
#: JSX may stand in any JavaScript, and `.jsx` lets it.
_EXTENSIONS = {"javascript": "jsx", "jsx": "jsx", "typescript": "ts", "tsx": "tsx"}

#: Names that pages and frameworks bring along; an answer may use them without saying where they come from.
GLOBALS = (
    "$ jQuery _ angular inject module React ReactDOM Vue d3 axios moment Chart THREE L google gapi chrome browser process Buffer "
    "require exports module global __dirname __filename JSX NodeJS Deno Bun describe it test expect beforeEach afterEach "
    "beforeAll afterAll before after jest vi cy sinon chai assert spyOn jasmine fetchMock Component Handlebars Backbone "
    "Promise socket io firebase Stripe bootstrap Swal Plotly ko Ember Meteor ethers web3 p5 setup draw createCanvas"
).split()
_ENVIRONMENTS = "browser node commonjs es2024 worker serviceworker jest mocha jasmine vitest jquery amd qunit protractor webextensions".split()
#: Rules whose breach cannot work when it runs.
_CERTAIN = frozenset(
    {"no-const-assign", "no-class-assign", "no-import-assign", "constructor-super", "no-this-before-super"}
)


def _kind(rule: str) -> Kind:
    name = re.sub(r"^[\w-]+[(/]([\w-]+/)?|\)$", "", rule)
    if not name:
        return Kind.SYNTAX
    if name == "no-undef":
        return Kind.UNDEFINED
    return Kind.TYPE if name in _CERTAIN else Kind.STYLE


def _oxlint_argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program
    own = box.settings(
        "oxlint.json",
        json.dumps(
            {"env": dict.fromkeys(_ENVIRONMENTS, True), "globals": dict.fromkeys(GLOBALS, "writable")}
        ),
    )
    return [
        "-c", str(own), "--disable-nested-config", "--no-ignore", "--threads", "1",
        "-A", "all", "-D", "correctness", "-D", "no-undef", "-f", "json", str(path),
    ]  # fmt: skip


def _oxlint_read(ran: Ran, path: Path) -> Sequence[Finding] | None:
    del path
    try:
        rows = json.loads(ran.stdout)["diagnostics"]
    except (ValueError, KeyError, TypeError):
        return None
    found = []
    for row in rows:
        labels = row.get("labels") or [{}]
        span = labels[0].get("span", {})
        kind = _kind(row.get("code", ""))
        found.append(
            Finding(
                line=span.get("line", 1),
                column=span.get("column", 1),
                kind=kind,
                severity=Severity.WARNING if kind is Kind.STYLE else Severity.ERROR,
                code=row.get("code", "") or "syntax",
                message=row["message"],
            )
        )
    return found


OXLINT = Command(
    name="oxlint",
    program="oxlint",
    languages=_ALL,
    step=Step.SYNTAX,
    argv=_oxlint_argv,
    read=_oxlint_read,
    limits=Limits(memory_mb=1024),
    extensions=_EXTENSIONS,
)


def _biome_argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program
    folder = box.config / "biome"
    folder.mkdir(exist_ok=True)
    (folder / "biome.json").write_text("{}", encoding="utf-8")
    return ["lint", "--reporter=github", f"--config-path={folder}", str(path)]


_BIOME = re.compile(
    r"^::(error|warning) title=([^,]*),.*?line=(\d+),endLine=(\d+),col=(\d+),endColumn=(\d+)::(.*)$",
    re.MULTILINE,
)


def _biome_read(ran: Ran, path: Path) -> Sequence[Finding]:
    del path
    found = []
    for level, title, line, end_line, column, end_column, message in _BIOME.findall(
        ran.stdout + "\n" + ran.stderr
    ):
        syntax = title.startswith("parse")
        certain = title.rsplit("/", 1)[-1] in ("noConstAssign", "noInvalidConstructorSuper")
        kind = Kind.SYNTAX if syntax else Kind.TYPE if certain else Kind.STYLE
        found.append(
            Finding(
                line=int(line),
                column=int(column),
                end_line=int(end_line),
                end_column=int(end_column),
                kind=kind,
                severity=Severity.ERROR if level == "error" and kind is not Kind.STYLE else Severity.WARNING,
                code=title,
                message=message,
            )
        )
    return found


BIOME = Command(
    name="biome",
    program="biome",
    languages=_ALL | {"json", "jsonc", "css"},
    step=Step.SYNTAX,
    argv=_biome_argv,
    read=_biome_read,
    limits=Limits(memory_mb=1024),
    extensions={**_EXTENSIONS, "json": "json", "jsonc": "jsonc", "css": "css"},
)

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


def _eslint_read(ran: Ran, path: Path) -> Sequence[Finding] | None:
    del path
    try:
        files = json.loads(ran.stdout)
    except ValueError:
        return None
    found = []
    for row in (m for file in files for m in file["messages"]):
        kind = Kind.SYNTAX if row.get("fatal") else _kind(row.get("ruleId") or "style")
        found.append(
            Finding(
                line=row.get("line") or 1,
                column=row.get("column") or 1,
                kind=kind,
                severity=Severity.WARNING if kind is Kind.STYLE else Severity.ERROR,
                code=row.get("ruleId") or "syntax",
                message=row["message"],
            )
        )
    return found


ESLINT = Command(
    name="eslint",
    program="eslint",
    languages=_PLAIN,
    step=Step.SYNTAX,
    argv=_eslint_argv,
    read=_eslint_read,
    limits=Limits(memory_mb=8192, wall_s=15),  # node reserves far more address space than it uses
    extensions=_EXTENSIONS,
    offline=True,
)

#: What is only about packages that are not here, or about types that come with them.
_NOT_HERE = frozenset(
    "TS2307 TS2792 TS7016 TS2580 TS2582 TS2584 TS2591 TS2593 TS2503 TS2686 TS2875 TS7026 TS7031".split()
)


def _tsc_argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program, box
    return [
        "--noEmit", "--ignoreConfig", "--pretty", "false", "--target", "esnext", "--module", "esnext", "--moduleResolution",
        "bundler", "--noResolve", "--skipLibCheck", "--strict", "--noImplicitAny", "false", "--jsx", "preserve", "--allowJs",
        "--lib", "esnext,dom,dom.iterable", str(path),
    ]  # fmt: skip


_TSC = re.compile(r"^.*?\((\d+),(\d+)\): error (TS\d+): (.*)$", re.MULTILINE)


def _tsc_read(ran: Ran, path: Path) -> Sequence[Finding]:
    del path
    found = []
    for line, column, code, message in _TSC.findall(ran.stdout):
        kind = (
            Kind.SYNTAX
            if re.fullmatch(r"TS1\d{3}", code)
            else Kind.UNDEFINED
            if code == "TS2304"
            else Kind.TYPE
        )
        if code in _NOT_HERE:
            kind = Kind.DEPENDENCY
        found.append(
            Finding(
                line=int(line),
                column=int(column),
                kind=kind,
                severity=Severity.INFORMATION if kind is Kind.DEPENDENCY else Severity.ERROR,
                code=code,
                message=message,
            )
        )
    return found


def _compiler(name: str, memory_mb: int) -> Command:
    return Command(
        name=name,
        program=name,
        languages=_TYPED,
        step=Step.MEANING,
        argv=_tsc_argv,
        read=_tsc_read,
        limits=Limits(memory_mb=memory_mb, wall_s=15),
        exit_codes=frozenset({0, 1, 2}),
        extensions=_EXTENSIONS,
        offline=True,
    )


TSGO = _compiler("tsgo", 8192)  # Go and node reserve far more address space than they use
TSC = _compiler("tsc", 8192)

NODE = Command(
    name="node",
    program="node",
    languages=frozenset({"javascript"}),
    step=Step.SYNTAX,
    argv=lambda _program, path, _box: ["--check", str(path)],
    read=lines_like(r"^.*:(?P<line>\d+)\n(?:.*\n){0,4}?SyntaxError: (?P<message>.*)$", Kind.SYNTAX),
    limits=Limits(memory_mb=8192),
    extensions={"javascript": "mjs"},
    offline=True,
)
