"""C and C++: gcc and g++, told to check syntax and types only.

tree-sitter parses first; the compiler is asked about what parses. A text that would make it read other files is not shown
to it at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.checking.checkers.base import CheckContext, CheckOutcome, CheckStep, Command, Finding, Source
from bridge.checking.header_names import includes
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.process import ProcessResult, ResourceLimits


def _c_reads_files(code: str) -> str | None:
    joined = re.sub(r"\\\r?\n|\?\?/\n", "", code)
    if re.search(
        r"(?m)^\s*(?:#|%:|\?\?=)\s*(?:include(?:_next)?|import|embed)\s*(?![<\"\s]|\s)|#\s*embed"
        r"|__has_(?:include|embed)",
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
    r"undeclared|was not declared|does not name a type|unknown type name|has not been declared"
    r"|is not a member of|not found"
)


def _c_kind(message: str) -> FindingKind:
    if "No such file or directory" in message:
        return FindingKind.DEPENDENCY
    if _C_SYNTAX.search(message):
        return FindingKind.SYNTAX
    return FindingKind.UNDEFINED if _C_UNKNOWN.search(message) else FindingKind.TYPE


def _c_read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
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
        kind = _c_kind(row["message"]) if error else FindingKind.STYLE
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


_MODES = {"c": ("-std=gnu17", "-x", "c"), "cpp": ("-std=gnu++20", "-ftemplate-depth=200", "-x", "c++")}
_OPTIONS = ("-fsyntax-only", "-fdiagnostics-format=json", "-fmax-errors=20", "-fno-diagnostics-show-caret")


def _gcc(name: str, language: str, extension: str) -> Gcc:
    return Gcc(
        name=name,
        program=name,
        languages=frozenset({language}),
        step=CheckStep.MEANING,
        argv=lambda _program, path, _box: [*_OPTIONS, *_MODES[language], str(path)],
        read=_c_read,
        limits=ResourceLimits(memory_mb=1024, file_mb=1),
        extensions={language: extension},
        refuse=_c_reads_files,
        exposed=True,
    )


@dataclass(frozen=True, kw_only=True)
class Gcc(Command):
    """gcc or g++; for C++ with headers that it has read before, as far as the answer is the same."""

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        """What the compiler says, with prepared headers if there are any."""
        return self._with_prepared(source, context) or super().check(source, context)

    def _with_prepared(self, source: Source, context: CheckContext) -> CheckOutcome | None:
        program = context.toolbox.find(self.program)
        wanted = includes(source.code)
        if context.headers is None or source.language != "cpp" or program is None or wanted is None:
            return None
        if not context.box.within.holds or self.refuse(source.code):
            return None
        for prepared in context.headers.ready(program, _MODES["cpp"][:2], wanted):
            outcome = Command.check(
                self._including(prepared.file, context.headers.folder), replace(source, code=wanted.rest), context
            )
            context.box.put(self.stored(source), source.code)  # other files of the answer may include it
            sound = not outcome.failure and not outcome.unknown
            if sound and (prepared.exact or not outcome.findings):
                return outcome
        return None

    def _including(self, file: Path, folder: Path) -> Command:
        return replace(
            self,
            argv=lambda _program, path, _box: [*_OPTIONS, "-include", str(file), *_MODES["cpp"], str(path)],
            readable=lambda: (folder,),
        )


GCC = _gcc("gcc", "c", "c")
GXX = _gcc("g++", "cpp", "cpp")
