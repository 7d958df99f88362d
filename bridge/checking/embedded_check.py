"""Findings of code that stands within another text, at their lines there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.checking.checkers.base import BELIEVED, CheckContext, Checker, CheckOutcome, CheckStep, Finding, Source
from bridge.checking.checkers.registry import serving
from bridge.checking.embedded import embedded
from bridge.checking.language import languages
from bridge.checking.values import FindingKind, Severity


def embedded_findings(
    source: Source, context: CheckContext, checkers: tuple[Checker, ...]
) -> Iterator[tuple[Checker, CheckOutcome, Finding]]:
    """What does not parse of the code within a page, a component or a notebook, at its place there."""
    for number, part in enumerate(embedded(source.language, source.code)):
        name = f"{source.name}.part{number}.{languages.extension(part.language)}"
        inner = Source(language=part.language, code=part.code, name=name)
        for checker in serving(part.language, CheckStep.SYNTAX, checkers):
            outcome = checker.check(inner, context) if checker.available(context) else None
            if outcome is None or outcome.failure or outcome.unknown:
                continue
            broken = [f for f in outcome.findings if f.kind is FindingKind.SYNTAX and f.severity is Severity.ERROR]
            for found in broken if checker.trust(part.language) >= BELIEVED else ():
                line = part.line + (1 if part.fixed else found.line)
                yield checker, outcome, replace(found, line=line, end_line=None, end_column=None)
            break


def own_lines(finding: Finding, before: int) -> Finding | None:
    """A finding about a joined file as one about the answer's own lines; None if it is about the prompt's."""
    end = finding.end_line
    moved = replace(finding, line=finding.line - before, end_line=None if end is None else end - before)
    return moved if moved.line > 0 else None
