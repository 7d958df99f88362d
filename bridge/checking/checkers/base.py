"""What a checker is: a value that says which languages it judges, whether it is here, and what it finds.

Two shapes cover all of them: `Command` runs a program in the sandbox, `InWorker` (in_worker.py) asks the worker process. Nothing in
here runs what it checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

from bridge.checking.checkers.go_cache import GoCache
from bridge.checking.checkers.headers import Headers
from bridge.checking.checkers.patience import Trouble, twice
from bridge.checking.checkers.residents import Residents
from bridge.checking.language import languages
from bridge.checking.parsers.client import Parsers
from bridge.checking.values import FindingKind, Level, Severity
from bridge.sandbox.folder import Sandbox, Toolbox, storable
from bridge.sandbox.process import ProcessResult, ResourceLimits
from bridge.sandbox.resident import Resident, ResidentError


class CheckStep(Enum):
    """When a checker is asked."""

    SYNTAX = "syntax"  # decides whether a text parses; the first of a language that is here judges
    MEANING = "meaning"  # asked only about a text that parses: names, types, likely bugs


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text to check."""

    language: str
    code: str
    name: str  #: relative name that it is stored under, with an extension


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a tool said, with lines and columns from 1."""

    line: int
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None
    kind: FindingKind
    severity: Severity = Severity.ERROR
    code: str = ""
    message: str
    trust: float | None = None  #: if it differs from the checker's


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """What a checker came to: findings, or why there are none to be believed."""

    findings: tuple[Finding, ...] = ()
    failure: str | None = None  #: it crashed, hung or hit a limit
    unknown: str | None = None  #: it cannot judge this text
    version: str = ""
    again: str = ""  #: why it was asked twice; the rest is what it said the second time

    @property
    def broken(self) -> bool:
        """Whether the text does not parse."""
        return any(f.kind is FindingKind.SYNTAX and f.severity is Severity.ERROR for f in self.findings)


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """What a checker works with."""

    toolbox: Toolbox
    parsers: Parsers
    box: Sandbox
    residents: Residents | None = None  #: None: every program is started for each text
    headers: Headers | None = None  #: None: every compiler reads its headers for each text
    go_cache: GoCache | None = None  #: None: Go compiles its own packages for each text


class Checker(Protocol):
    """Judges texts of some languages."""

    @property
    def name(self) -> str:
        """As diagnostics name it."""

    @property
    def step(self) -> CheckStep:
        """When it is asked."""

    @property
    def level(self) -> Level:
        """How deep it looks."""

    def serves(self, language: str) -> bool:
        """Whether it knows a language."""

    def trust(self, language: str) -> float:
        """How often an error that it finds is one; below `BELIEVED` none of them blocks."""

    def available(self, context: CheckContext) -> bool:
        """Whether it is installed here."""

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        """What it says of a text; never raises for what the text does to it."""


#: Errors of a checker with less trust than this are advice.
BELIEVED = 0.98


def stored_name(source: Source) -> str:
    """The name to store a text under: its own if no tool could read it as configuration, else a neutral one."""
    if storable(source.name):
        return source.name
    return f"text.{languages.extension(source.language)}"


@dataclass(frozen=True, kw_only=True)
class Stays:
    """How the same program is asked where it stays, with no start for each text. It prints what it prints else."""

    program: Callable[[str, Residents], Resident | None]  #: given the program's path; None: it cannot stay here
    request: Callable[[Path, Sandbox], bytes]
    reply: Callable[[bytes], ProcessResult]  #: raises ValueError for what is no reply

    def asked(self, program: str, path: Path, context: CheckContext) -> ProcessResult | None:
        """What it says of the stored text; None if it cannot stay here."""
        resident = self.program(program, context.residents) if context.residents is not None else None
        if resident is None:
            return None
        try:
            return self.reply(context.box.spending(lambda: resident.ask(self.request(path, context.box))))
        except ResidentError as error:
            why, late = str(error), error.late
        except ValueError:
            why, late = "gave no answer", False
        return ProcessResult(code=None, stdout="", stderr="", failure=why, crashed=not late, late=late)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program that is run over the stored text."""

    name: str
    program: str
    languages: frozenset[str]
    step: CheckStep
    argv: Callable[[str, Path, Sandbox], Sequence[str]]  #: of the program, the stored file, and a place for settings
    read: Callable[[ProcessResult, Path], Sequence[Finding] | None]  #: None: what it printed cannot be read
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    exit_codes: frozenset[int] = frozenset({0, 1})
    believed: float = 1.0
    extensions: Mapping[str, str] = field(default_factory=dict)  #: language → extension that the program wants
    refuse: Callable[[str], str | None] = lambda _code: None  #: why a text must not be shown to it
    unfit: Callable[[Sequence[Finding]], str | None] = lambda _found: None  #: why its findings say nothing of the text
    rename: Callable[[str], str | None] = lambda _code: None  #: file name that the text itself demands
    env: Callable[[], Mapping[str, str]] = dict
    #: It can be told by the text to read other files, or to run something: it is started only where a sandbox holds.
    exposed: bool = False
    #: What it must be able to read beside the system and its own installation.
    readable: Callable[[], Sequence[Path]] = tuple
    stays: Stays | None = None
    level: Level = Level.LINTER

    def serves(self, language: str) -> bool:
        """Whether it knows a language."""
        return language in self.languages

    def trust(self, language: str) -> float:
        """The same for all its languages."""
        del language
        return self.believed

    def available(self, context: CheckContext) -> bool:
        """Whether its program is on the search path."""
        return context.toolbox.find(self.program) is not None

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        """Store the text, run the program, read what it printed."""
        program = context.toolbox.find(self.program)
        if program is None:
            return CheckOutcome(unknown=f"{self.program} is not installed")
        if self.exposed and not context.box.within.holds:
            return CheckOutcome(unknown="is not started without a sandbox that keeps it from other files")
        if reason := self.refuse(source.code) or self._beside(context.box):
            return CheckOutcome(unknown=reason)
        path = context.box.put(self.stored(source), source.code)
        argv = [program, *self.argv(program, path, context.box)]

        def run(times: float) -> ProcessResult:
            limits = replace(self.limits, wall_s=self.limits.wall_s * times)
            return context.box.run(argv, limits=limits, env=self.env(), readable=self.readable())

        def first() -> tuple[ProcessResult, Trouble | None]:
            stayed = self.stays.asked(program, path, context) if self.stays else None
            ran = stayed or run(1.0)
            trouble = ran.failure is not None and (ran.late or ran.crashed)
            return ran, Trouble(why=ran.failure or "", late=ran.late) if trouble else None

        ran, again = twice(first, run)
        return replace(self._outcome(ran, path), again=f"{self.name} {again}" if again else "")

    def _outcome(self, ran: ProcessResult, path: Path) -> CheckOutcome:
        if ran.failure:
            return CheckOutcome(failure=f"{self.name} {ran.failure}")
        found = self.read(ran, path) if ran.code in self.exit_codes else None
        if found is None:
            said = (ran.stderr or ran.stdout).strip().partition("\n")[0]
            return CheckOutcome(failure=f"{self.name} failed with exit code {ran.code}: {said[:200]}")
        reason = self.unfit(found)
        return CheckOutcome(unknown=reason) if reason else CheckOutcome(findings=tuple(found))

    def _beside(self, box: Sandbox) -> str | None:
        """Why the other files of the answer must not be read by it: what it includes is read like the text itself."""
        related = (text for name, text in box.texts.items() if languages.by_path(name) in {*self.languages, "c", None})
        return next((f"a file beside it {reason}" for text in related if (reason := self.refuse(text))), None)

    def stored(self, source: Source) -> str:
        """The name that it stores a text under."""
        name = stored_name(source)
        if demanded := self.rename(source.code):
            folder, _, _ = name.rpartition("/")
            name = f"{folder}/{demanded}" if folder else demanded
        extension = self.extensions.get(source.language)
        if extension and not name.endswith("." + extension):
            name = re.sub(r"\.[A-Za-z0-9]+$", "", name) + "." + extension
        return name


def lines_like(
    pattern: str, kind: FindingKind, severity: Severity = Severity.ERROR
) -> Callable[[ProcessResult, Path], Sequence[Finding]]:
    """Reads tools that print one finding a line; the pattern names `line`, `message`, perhaps `column` and `code`."""
    expression = re.compile(pattern, re.MULTILINE)

    def read(ran: ProcessResult, path: Path) -> Sequence[Finding]:
        del path
        return [
            Finding(
                line=int(m["line"]),
                column=int(m.groupdict().get("column") or 1),
                kind=kind,
                severity=severity,
                code=m.groupdict().get("code") or "",
                message=m["message"],
            )
            for m in expression.finditer(ran.stderr + "\n" + ran.stdout)
        ]

    return read
