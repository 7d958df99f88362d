"""Go, Rust, Java, C and C++: their own compilers, told to check only and cut off from everything else.

The floor parses first; the compiler is asked about what parses. A text that would make a compiler read other files is
not shown to it at all.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.results.base import Kind, Severity
from bridge.results.checkers.base import Command, Finding, Step, lines_like
from bridge.results.sandbox import Limits, Ran

# ---- C and C++ ------------------------------------------------------------------------------------------------------


def _c_reads_files(code: str) -> str | None:
    joined = re.sub(r"\\\r?\n|\?\?/\n", "", code)
    if re.search(
        r"(?m)^\s*(?:#|%:|\?\?=)\s*(?:include(?:_next)?|import|embed)\s*(?![<\"\s]|\s)|#\s*embed|__has_(?:include|embed)",
        joined,
    ):
        return "names files by macros"
    for quoted in re.findall(r"(?:include(?:_next)?|import)\s*(?:/\*.*?\*/\s*)*[<\"]([^>\"\n]*)", joined):
        if quoted.startswith(("/", "~")) or ".." in quoted or ":" in quoted:
            return "includes files outside of it"
    if re.search(r"\.incbin|#\s*pragma\s+GCC\s+pch_preprocess|%:\s*include|\?\?=\s*include", joined):
        return "includes files outside of it"
    return None


_C_SYNTAX = re.compile(
    r"^(?:expected|stray|missing terminating|unterminated|extraneous|invalid preprocessing|#endif without)"
)
_C_UNKNOWN = re.compile(
    r"undeclared|was not declared|does not name a type|unknown type name|has not been declared|is not a member of|not found"
)


def _c_kind(message: str) -> Kind:
    if "No such file or directory" in message:
        return Kind.DEPENDENCY
    if _C_SYNTAX.search(message):
        return Kind.SYNTAX
    return Kind.UNDEFINED if _C_UNKNOWN.search(message) else Kind.TYPE


def _c_read(ran: Ran, path: Path) -> Sequence[Finding] | None:
    start = ran.stderr.find("[")
    if start < 0:
        return [] if ran.code == 0 else None
    try:
        rows, _ = json.JSONDecoder().raw_decode(ran.stderr[start:])
    except ValueError:
        return None
    found = []
    for row in rows:
        caret = (row.get("locations") or [{}])[0].get("caret", {})
        if caret.get("file") not in (None, str(path)):
            continue
        error = row["kind"] in ("error", "fatal error")
        kind = _c_kind(row["message"]) if error else Kind.STYLE
        found.append(
            Finding(
                line=caret.get("line", 1),
                column=caret.get("column", 1),
                kind=kind,
                severity=Severity.ERROR if error else Severity.WARNING,
                code=row.get("option", "") or "error",
                message=row["message"],
            )
        )
    return found


def _gcc(name: str, language: str, standard: str, extension: str) -> Command:
    return Command(
        name=name,
        program=name,
        languages=frozenset({language}),
        step=Step.MEANING,
        argv=lambda _program, path, _box: [
            "-fsyntax-only", "-fdiagnostics-format=json", f"-std={standard}", "-fmax-errors=20", "-ftemplate-depth=200",
            "-fno-diagnostics-show-caret", "-x", "c" if language == "c" else "c++", str(path),
        ],
        read=_c_read,
        limits=Limits(memory_mb=1024, file_mb=1),
        extensions={language: extension},
        refuse=_c_reads_files,
    )  # fmt: skip


GCC = _gcc("gcc", "c", "gnu17", "c")
GXX = _gcc("g++", "cpp", "gnu++20", "cpp")

# ---- Rust -----------------------------------------------------------------------------------------------------------


def _rust_reads_files(code: str) -> str | None:
    if re.search(
        r"\b(?:include|include_str|include_bytes|env|option_env)\s*!|#!?\s*\[\s*(?:path|cfg_attr\s*\(.*\bpath)\b",
        code,
    ):
        return "reads other files when it is compiled"
    if re.search(r"long_running_const_eval|\bproc_macro\b|#!\[feature", code):
        return "uses what a checker must not allow"
    return None


def _rust_read(ran: Ran, path: Path) -> Sequence[Finding] | None:
    del path
    found = []
    for line in ran.stderr.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        spans = [s for s in row.get("spans", ()) if s["is_primary"]]
        if row.get("level") not in ("error", "warning") or not spans:
            continue
        code = (row.get("code") or {}).get("code", "")
        error = row["level"] == "error"
        kind = _rust_kind(code) if error else Kind.STYLE
        found.append(
            Finding(
                line=spans[0]["line_start"],
                column=spans[0]["column_start"],
                end_line=spans[0]["line_end"],
                end_column=spans[0]["column_end"],
                kind=kind,
                severity=Severity.ERROR if error else Severity.WARNING,
                code=code,
                message=row["message"],
            )
        )
    return found if found or ran.code == 0 else None


def _rust_kind(code: str) -> Kind:
    if not code:
        return Kind.SYNTAX
    if code in ("E0432", "E0433", "E0463", "E0583"):
        return Kind.DEPENDENCY
    return Kind.UNDEFINED if code in ("E0405", "E0412", "E0422", "E0423", "E0425", "E0531") else Kind.TYPE


def _rust_env() -> Mapping[str, str]:
    """Where rustup keeps its toolchains: without it, its `rustc` does not know which to start. It must fetch none."""
    home = Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")
    return {"RUSTUP_HOME": str(home), "RUSTUP_DIST_SERVER": "http://127.0.0.1:9"} if home.is_dir() else {}


RUSTC = Command(
    name="rustc",
    program="rustc",
    languages=frozenset({"rust"}),
    step=Step.MEANING,
    argv=lambda _program, path, box: [
        "--edition", "2021", "--crate-type", "lib", "--crate-name", "text", "--emit=metadata", "--error-format=json",
        "--cap-lints", "warn", "-A", "dead_code", "--out-dir", str(box.home), str(path),
    ],
    read=_rust_read,
    limits=Limits(memory_mb=2048),
    extensions={"rust": "rs"},
    refuse=_rust_reads_files,
    env=_rust_env,
    offline=True,
)  # fmt: skip

# ---- Java -----------------------------------------------------------------------------------------------------------

_JAVA_SYNTAX = re.compile(
    r"compiler\.err\.(?:expected|premature|illegal\.(?:start|char|esc|text|line|nonascii|underscore)|not\.stmt|unclosed|else\.without|catch\.without|"
    r"finally\.without|orphaned|empty\.char|int\.number|malformed|invalid\.(?:meth\.decl|hex|binary)|variable\.not\.allowed|class\.not\.allowed|"
    r"local\.enum|dot\.|try\.without|missing\.ret\.type|this\.as\.identifier|switch\.mixing|restricted)"
)


def _java_read(ran: Ran, path: Path) -> Sequence[Finding] | None:
    del path
    rows = re.findall(
        r"^\S+\.java:(\d+):(\d+): (compiler\.(err|warn)\.[\w.]+)(?:: (.*))?$",
        ran.stdout + "\n" + ran.stderr,
        re.MULTILINE,
    )
    if not rows and ran.code != 0:
        return None
    missing = any(code == "compiler.err.doesnt.exist" for _, _, code, _, _ in rows)
    found = []
    for line, column, code, level, rest in rows:
        kind = _java_kind(code, missing=missing) if level == "err" else Kind.STYLE
        short = code.removeprefix("compiler.err.").removeprefix("compiler.warn.")
        found.append(
            Finding(
                line=int(line),
                column=int(column),
                kind=kind,
                severity=Severity.ERROR if level == "err" else Severity.WARNING,
                code=code,
                message=f"{short.replace('.', ' ')}: {rest}" if rest else short.replace(".", " "),
            )
        )
    return found


def _java_kind(code: str, *, missing: bool) -> Kind:
    if _JAVA_SYNTAX.match(code):
        return Kind.SYNTAX
    if missing or code == "compiler.err.doesnt.exist":
        return Kind.DEPENDENCY
    return Kind.UNDEFINED if code.startswith("compiler.err.cant.resolve") else Kind.TYPE


def _java_name(code: str) -> str | None:
    """javac wants a file to bear the name of its public class."""
    match = re.search(
        r"(?m)^\s*public\s+(?:(?:abstract|final|sealed|strictfp)\s+)*(?:class|interface|enum|record)\s+([A-Za-z_]\w{0,80})",
        code,
    )
    return f"{match[1]}.java" if match else None


JAVAC = Command(
    name="javac",
    program="javac",
    languages=frozenset({"java"}),
    step=Step.MEANING,
    argv=lambda _program, path, box: [
        "-J-Xmx256m", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto", "-proc:none", "-implicit:none", "-XDrawDiagnostics",
        "-encoding", "UTF-8", "-Xmaxerrs", "20", "-d", str(box.home), "-sourcepath", str(box.files), "-classpath", str(box.home), str(path),
    ],
    read=_java_read,
    limits=Limits(memory_mb=4096, wall_s=20, cpu_s=20),
    extensions={"java": "java"},
    rename=_java_name,
    offline=True,
)  # fmt: skip

# ---- Go -------------------------------------------------------------------------------------------------------------


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
                "".join(m)
                for m in re.findall(r"(?ms)^import\s*\((.*?)\)|^import\s+(?:[\w.]+\s+)?(\"[^\"]+\")", code)
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
    step=Step.SYNTAX,
    argv=lambda _program, path, _box: ["-e", "-l", str(path)],
    read=lines_like(_GO_LINE, Kind.SYNTAX),
    limits=Limits(memory_mb=2048),
    exit_codes=frozenset({0, 1, 2}),
    extensions={"go": "go"},
)
GOVET = Command(
    name="go vet",
    program="go",
    languages=frozenset({"go"}),
    step=Step.MEANING,
    argv=lambda _program, path, _box: ["vet", str(path)],
    read=lines_like(_GO_LINE, Kind.TYPE),
    limits=Limits(memory_mb=4096, wall_s=20, cpu_s=20, file_mb=64),
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
    offline=True,
)
