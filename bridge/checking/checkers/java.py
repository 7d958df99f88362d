"""Java: javac without annotation processors; one that stays, where there is its `java` beside it.

tree-sitter parses first; the compiler is asked about what parses. A text that would make it read other files is not shown
to it at all.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.checkers import javac_server
from bridge.checking.checkers.base import CheckStep, Command, Finding, Stays
from bridge.checking.checkers.residents import Residents
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits
from bridge.sandbox.resident import Resident, ResidentProgram

_JAVA_SYNTAX = re.compile(
    r"compiler\.err\.(?:expected|premature|illegal\.(?:start|char|esc|text|line|nonascii|underscore)|not\.stmt"
    r"|unclosed|else\.without|catch\.without|"
    r"finally\.without|orphaned|empty\.char|int\.number|malformed|invalid\.(?:meth\.decl|hex|binary)"
    r"|variable\.not\.allowed|class\.not\.allowed|"
    r"local\.enum|dot\.|try\.without|missing\.ret\.type|this\.as\.identifier|switch\.mixing|restricted)"
)


#: A variable that begins with a small letter: no package brings one, unless a class inherits it or it is imported as static.
_LOCAL = re.compile(r"kindname\.variable, [a-z]\w*, ")


def _java_read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    rows = re.findall(
        r"^\S+\.java:(\d+):(\d+): (compiler\.(err|warn)\.[\w.]+)(?:: (.*))?$",
        ran.stdout + "\n" + ran.stderr,
        re.MULTILINE,
    )
    if not rows and ran.code != 0:
        return None
    missing = any(code == "compiler.err.doesnt.exist" for _, _, code, _, _ in rows)
    sure = missing and not re.search(r"\bextends\b|\bimport\s+static\b", path.read_text("utf-8", "replace"))
    # Where every name is found, nothing of the missing package is used: what else is wrong is the answer's own.
    unused = missing and not any(code.startswith("compiler.err.cant.resolve") for _, _, code, _, _ in rows)
    found = []
    for line, column, code, level, rest in rows:
        kind = _java_kind(code, missing=missing) if level == "err" else FindingKind.STYLE
        local = sure and code.startswith("compiler.err.cant.resolve") and _LOCAL.match(rest)
        own = level == "err" and unused and code != "compiler.err.doesnt.exist"
        short = code.removeprefix("compiler.err.").removeprefix("compiler.warn.")
        found.append(
            Finding(
                line=int(line),
                column=int(column),
                kind=FindingKind.UNDEFINED if local else _java_kind(code, missing=False) if own else kind,
                trust=1.0 if local or own else None,
                severity=Severity.ERROR if level == "err" else Severity.WARNING,
                code=code,
                message=f"{short.replace('.', ' ')}: {rest}" if rest else short.replace(".", " "),
            )
        )
    return found


def _java_kind(code: str, *, missing: bool) -> FindingKind:
    if _JAVA_SYNTAX.match(code):
        return FindingKind.SYNTAX
    if missing or code == "compiler.err.doesnt.exist":
        return FindingKind.DEPENDENCY
    return FindingKind.UNDEFINED if code.startswith("compiler.err.cant.resolve") else FindingKind.TYPE


def _java_name(code: str) -> str | None:
    """javac wants a file to bear the name of its public class."""
    match = re.search(
        r"(?m)^\s*public\s+(?:(?:abstract|final|sealed|strictfp)\s+)*(?:class|interface|enum"
        r"|record)\s+([A-Za-z_]\w{0,80})",
        code,
    )
    return f"{match[1]}.java" if match else None


def _resident(program: str, residents: Residents) -> Resident | None:
    """The javac that stays, run by the `java` that is installed beside `javac`."""
    java = Path(os.path.realpath(program)).with_name("java")
    if not java.is_file():
        return None

    def make(folder: Path) -> ResidentProgram:
        server = folder / "JavacServer.java"
        server.write_text(javac_server.SOURCE, encoding="utf-8")
        return ResidentProgram(
            argv=(str(java), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                  "-XX:-UsePerfData", str(server)),
            limits=ResourceLimits(memory_mb=4096, wall_s=20, cpu_s=3600),
            readable=(folder,),
        )  # fmt: skip

    return residents.named("javac", make)


def _request(path: Path, box: Sandbox) -> bytes:
    name = path.relative_to(box.files).as_posix()
    beside = (each for each in box.texts if each.endswith(".java") and each != name)
    words = (word for each in (name, *beside) for word in (each, box.texts[each]))
    return b" ".join(base64.b64encode(word.encode("utf-8", "replace")) for word in words)


def _reply(line: bytes) -> ProcessResult:
    code, _, said = line.partition(b" ")
    text = base64.b64decode(said, validate=True).decode("utf-8", "replace")
    return ProcessResult(code=int(code), stdout=text, stderr="")


JAVAC = Command(
    name="javac",
    program="javac",
    languages=frozenset({"java"}),
    step=CheckStep.MEANING,
    argv=lambda _program, path, box: [
        "-J-Xmx256m", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto", "-proc:none",
        "-implicit:none", "-XDrawDiagnostics",
        "-encoding", "UTF-8", "-Xmaxerrs", "20", "-d", str(box.home), "-sourcepath", str(box.files),
        "-classpath", str(box.home), str(path),
    ],
    read=_java_read,
    limits=ResourceLimits(memory_mb=4096, wall_s=20, cpu_s=20),
    stays=Stays(program=_resident, request=_request, reply=_reply),
    extensions={"java": "java"},
    rename=_java_name,
    exposed=True,
)  # fmt: skip
