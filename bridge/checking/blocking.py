"""Which findings of a checker make a verdict `errors`, and their form as diagnostics. Pure.

A finding blocks only if it is sure, about a whole file, and about what the answer itself should have brought.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.checking import imports
from bridge.checking.checkers.base import BELIEVED, Checker, CheckOutcome, Finding
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.values import (  # fmt: skip
    BLOCKING_KINDS,
    BlockEnd,
    CodeBlock,
    Diagnostic,
    FindingKind,
    LanguageSource,
    Range,
    Role,
    Severity,
    fingerprint,
)
from bridge.core.text import tool_message

#: A block with fewer lines beside a block more than twice as long is an illustration.
_SNIPPET_LINES = 15


@dataclass(frozen=True, kw_only=True)
class AnswerContext:
    """What the answer and its prompt say about names and beginnings of code."""

    prompt: str = ""
    blocks: tuple[CodeBlock, ...] = ()
    ended: bool = True  #: the engine said that it came to its end
    checkers: tuple[Checker, ...] = CHECKERS


def report(
    block: CodeBlock, findings: Sequence[tuple[Checker, CheckOutcome, Finding]], around: AnswerContext
) -> list[Diagnostic]:
    """Findings as diagnostics, each once, with the decision which of them block."""
    found: list[Diagnostic] = []
    seen: set[tuple[str, int, str]] = set()
    for checker, outcome, finding in findings:
        key = (finding.message, finding.line, finding.code)
        if key in seen:
            continue
        seen.add(key)
        found.append(
            diagnostic(
                block,
                checker,
                outcome,
                finding,
                blocking=_blocks(block, checker, finding, around),
            )
        )
    return found


def _blocks(block: CodeBlock, checker: Checker, finding: Finding, around: AnswerContext) -> bool:
    """Whether a finding makes the verdict `errors`."""
    if finding.kind not in BLOCKING_KINDS or finding.severity is not Severity.ERROR:
        return False
    if checker.trust(block.language or "") < BELIEVED or block.role not in (
        Role.FILE,
        Role.CONTINUATION,
    ):
        return False
    if _illustrates(block, around):
        return False
    if block.language_source is LanguageSource.SCORER:
        return False
    if finding.kind is FindingKind.UNDEFINED and (name := _name(finding.message)):
        if block.language == "bash" and _set_elsewhere(name, block, around):
            return False
        return not (_defined_in(around.prompt, name=name) or _defined_beside(name, block, around))
    return True


def _set_elsewhere(name: str, block: CodeBlock, around: AnswerContext) -> bool:
    """Whether a shell's variable may be set by what is run or read, or by the script that the prompt shows a part of."""
    runs = re.search(
        r"(?m)(?:^|[;&|(]|\bthen|\bdo)\s*(?:eval|source|\.|printf -v|declare(?: -\w+)* [\"$])\s?", block.code
    )
    return runs is not None or re.search(rf"\b{re.escape(name)}\b", around.prompt[:100_000]) is not None


def unless_sure(finding: Finding) -> Finding:
    """What is not installed leaves a trail of unknown names and types, none of it the answer's fault unless its checker is sure."""
    if finding.trust == 1 or finding.kind is FindingKind.STYLE:
        return finding
    return replace(finding, kind=FindingKind.DEPENDENCY, severity=Severity.INFORMATION)


def lacks(block: CodeBlock, findings: Sequence[Finding], around: AnswerContext) -> bool:
    """Whether a text uses a name that neither it nor another block of the answer defines."""
    names = (_name(f.message) for f in findings if f.kind is FindingKind.UNDEFINED and f.severity is Severity.ERROR)
    shell = block.language == "bash"
    return any(
        name and not _defined_beside(name, block, around) and not (shell and _set_elsewhere(name, block, around))
        for name in names
    )


def _illustrates(block: CodeBlock, around: AnswerContext) -> bool:
    """Whether a block only illustrates the code that the answer is about: short, nameless, and much smaller."""
    if block.path or block.lines >= _SNIPPET_LINES:
        return False
    others = (b.lines for b in around.blocks if b.index != block.index and b.role in (Role.FILE, Role.FRAGMENT))
    return block.lines * 2 < max(others, default=0)


def _name(message: str) -> str | None:
    match = re.search(r"['`‘\"]([\w$]+)['`’\"]", message) or re.search(r"kindname\.\w+, (\w+)", message)
    return match[1] if match else None


def _defined_beside(name: str, block: CodeBlock, around: AnswerContext) -> bool:
    """Whether another block of the answer defines or imports a name, and the language lets it cross."""
    others = (
        b.code
        for b in around.blocks
        if b.index != block.index and b.index != block.parent and imports.shares_names(block, b, around.blocks)
    )
    return _defined_in(*others, name=name)


def _defined_in(*texts: str, name: str) -> bool:
    pattern = re.compile(
        rf"(?m)(?:\b(?:def|class|function|const|let|var|type|interface|enum|struct|fn|func|fun|val|import|from"
        rf"|using|include|require)\b[^\n]*?"
        rf"(?<![\w$]){re.escape(name)}(?![\w$])"
        rf"|^\s*(?:\w+[\s*&]+)*{re.escape(name)}\s*(?::\s*[\w\[\], .<>]+)?(?:=[^=]|\())"
    )
    return any(pattern.search(text[:100_000]) for text in texts if name in text)


def cut(block: CodeBlock) -> Diagnostic:
    """What is said of a block that ends too early."""
    last = max(0, block.code.rstrip("\n").count("\n"))
    message = {
        BlockEnd.TRUNCATED: "the answer was cut here",
        BlockEnd.NO_FENCE: "the text ends with a bracket, a literal or a comment open",
    }.get(block.why, "the block was never closed")
    return Diagnostic(
        block=block.index,
        range=Range.at(last + 1, 1),
        severity=Severity.ERROR,
        code=block.why.value,
        source="bridge",
        message=message,
        kind=FindingKind.INCOMPLETE,
        fingerprint=fingerprint("bridge", block.why.value, message, ""),
    )


def diagnostic(
    block: CodeBlock, checker: Checker, outcome: CheckOutcome, finding: Finding, *, blocking: bool
) -> Diagnostic:
    """A finding as a diagnostic: lines kept within the block, text made harmless."""
    lines = block.code.split("\n")
    line = min(max(1, finding.line), len(lines))
    end_line = None if finding.end_line is None else min(max(line, finding.end_line), len(lines))
    message = tool_message(finding.message)
    code = tool_message(finding.code, 80)
    return Diagnostic(
        block=block.index,
        range=Range.at(line, finding.column, end_line, finding.end_column),
        severity=finding.severity,
        code=code,
        source=checker.name,
        message=message,
        tool_version=outcome.version,
        kind=finding.kind,
        blocking=blocking,
        trust=checker.trust(block.language or "") if finding.trust is None else finding.trust,
        fingerprint=fingerprint(checker.name, code, message, lines[line - 1]),
    )
