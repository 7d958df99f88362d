"""Ask the checkers that serve a block: who judges whether it parses, who knows of names and types; what failed is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.checking.blocking import diagnostic, unless_sure
from bridge.checking.checkers.base import CheckContext, Checker, CheckOutcome, CheckStep, Finding, Source
from bridge.checking.checkers.registry import serving
from bridge.checking.values import (  # fmt: skip
    BlockStatus,
    CheckResult,
    CodeBlock,
    Diagnostic,
    FindingKind,
    Level,
    Severity,
)

_MAX_DIAGNOSTICS = 50


@dataclass(kw_only=True)
class BlockState:
    """What is gathered about one block; the block itself changes where its label was wrong."""

    block: CodeBlock
    diagnostics: list[Diagnostic] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    failed: bool = False
    level: Level = Level.NONE
    note: str = ""

    def result(self, status: BlockStatus) -> CheckResult:
        """The block's check."""
        return CheckResult(
            block=self.block.index,
            status=status,
            tools=tuple(dict.fromkeys(self.tools)),
            level=self.level,
            diagnostics=tuple(self.diagnostics[:_MAX_DIAGNOSTICS]),
            note=self.note,
        )


def judge(
    source: Source, context: CheckContext, state: BlockState, checkers: tuple[Checker, ...]
) -> tuple[Checker | None, CheckOutcome | None]:
    """The first checker that is here and can say whether the text parses."""
    for checker in serving(source.language, CheckStep.SYNTAX, checkers):
        if not checker.available(context):
            continue
        outcome = checker.check(source, context)
        told(state, checker, outcome)
        if outcome.failure:
            continue
        if outcome.unknown:
            state.note = state.note or f"{checker.name}: {outcome.unknown}"
            continue
        state.tools.append(checker.name)
        state.level = checker.level
        state.note = ""
        return checker, outcome
    return None, None


def told(state: BlockState, checker: Checker, outcome: CheckOutcome) -> None:
    """Write down that a checker failed, which makes the block unchecked, or that it had to be asked twice."""
    if outcome.failure:
        state.failed = True
        _trouble(state, checker, outcome, "tool-failed", outcome.failure)
    elif outcome.again:
        _trouble(state, checker, outcome, "asked-again", f"{outcome.again}, it answered")


def _trouble(state: BlockState, checker: Checker, outcome: CheckOutcome, code: str, message: str) -> None:
    severity = Severity.WARNING if outcome.failure else Severity.INFORMATION
    found = Finding(line=1, kind=FindingKind.TOOL_FAILURE, severity=severity, code=code, message=message)
    state.diagnostics.append(diagnostic(state.block, checker, outcome, found, blocking=False))


def meaning(
    source: Source, context: CheckContext, state: BlockState, checkers: tuple[Checker, ...]
) -> list[tuple[Checker, CheckOutcome, Finding]]:
    """What the first checker of names and types says."""
    for checker in serving(source.language, CheckStep.MEANING, checkers):
        if not checker.available(context):
            continue
        outcome = checker.check(source, context)
        told(state, checker, outcome)
        if outcome.failure or outcome.unknown:
            continue
        state.tools.append(checker.name)
        state.level = checker.level
        findings = outcome.findings
        if any(f.kind is FindingKind.DEPENDENCY for f in findings):
            findings = tuple(unless_sure(f) for f in findings)
        return [(checker, outcome, f) for f in findings]
    return []
