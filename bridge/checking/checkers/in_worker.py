"""The parsers of the worker process as checkers."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.checking.checkers.base import CheckContext, CheckOutcome, CheckStep, Finding, Source
from bridge.checking.checkers.patience import Trouble, twice
from bridge.checking.parsers.base import Parsed
from bridge.checking.parsers.client import ParserError
from bridge.checking.values import FindingKind, Level, Severity
from bridge.sandbox.resident import ResidentError


@dataclass(frozen=True, kw_only=True)
class InWorker:
    """A parser of the worker process."""

    name: str
    parser: str
    languages: frozenset[str]
    step: CheckStep = CheckStep.SYNTAX
    believed: float = 1.0
    level: Level = Level.LINTER

    def serves(self, language: str) -> bool:
        """Whether it knows a language."""
        return language in self.languages

    def trust(self, language: str) -> float:
        """The same for all its languages."""
        del language
        return self.believed

    def available(self, context: CheckContext) -> bool:
        """Always: whether its package is there shows when it is asked."""
        del context
        return True

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        """Ask the worker."""
        return ask(context, self.name, self.parser, source.code)


def ask(context: CheckContext, name: str, parser: str, code: str, grammar: str = "") -> CheckOutcome:
    """What the worker process says of a text, as an outcome."""

    def parse(times: float) -> Parsed | ParserError:
        try:
            return context.box.spending(lambda: context.parsers.parse(parser, code, grammar=grammar, patience=times))
        except ParserError as error:
            return error
        except ResidentError as error:
            return ParserError(str(error))

    def first() -> tuple[Parsed | ParserError, Trouble | None]:
        parsed = parse(1.0)
        late = isinstance(parsed, ParserError) and parsed.late
        return parsed, Trouble(why=str(parsed), late=True) if late else None

    parsed, why = twice(first, parse)
    again = f"{name} {why}" if why else ""
    if isinstance(parsed, ParserError):
        return CheckOutcome(failure=f"{name} {parsed}", again=again)
    if missing := parsed.get("absent"):
        return CheckOutcome(unknown=f"{missing} is not installed: the extra [{parsed.get('extra', 'lint')}] brings it")
    findings = tuple(
        Finding(
            line=f["line"],
            column=f["column"],
            kind=FindingKind.STYLE if f.get("advice") else FindingKind.SYNTAX,
            severity=Severity.INFORMATION if f.get("advice") else Severity.ERROR,
            code=f["code"],
            message=f["message"],
        )
        for f in parsed["faults"]
    )
    return CheckOutcome(
        findings=findings, unknown=parsed.get("unknown"), version=parsed.get("version", ""), again=again
    )
