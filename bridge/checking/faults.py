"""What is wrong with an answer so that its model is asked again, and how it is asked. Pure.

Findings are untrusted text from tools that read a model's code: they stand inside of a fence that is longer than any run of
backticks in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.checking import versions
from bridge.checking.extraction.open_ends import opened_at
from bridge.checking.language import languages
from bridge.checking.language.definitions import is_definition
from bridge.checking.repair_message import of_the_answer
from bridge.checking.values import CodeBlock, Diagnostic, FindingKind, Jsonable, Report, Role, Signal, Verdict

_FINDINGS = 8
_CONTEXT_LINES = 3
_SIGNATURES = 40
#: Kinds that are asked about though they do not block.
_ASKED = frozenset({FindingKind.INCOMPLETE, FindingKind.PACKAGE})
#: Signals that are asked about, and what is said of them.
_GAPS = {
    Signal.PLACEHOLDER: "this is left for the reader to write",
    Signal.UNFINISHED: "the code seems to end too early",
}
_NO_ANSWER = frozenset({Signal.NO_CODE, Signal.REFUSAL})


@dataclass(frozen=True, kw_only=True)
class RepairPoint(Jsonable):
    """One thing to be mended."""

    block: int | None  #: index of its block; None: the answer as a whole
    line: int  #: of the block, from 0
    message: str


def faults(report: Report) -> tuple[RepairPoint, ...]:
    """What a model is asked to mend: what blocks, what ends too early, what it imports that nobody knows, what it left open, code it did not write."""
    return tuple(_faults(report))


def _faults(report: Report) -> Iterator[RepairPoint]:
    for found in report.diagnostics:
        if found.blocking or found.kind in _ASKED:
            yield RepairPoint(block=found.block, line=found.range.start.line, message=_said(found, report))
    code = versions.code(report)
    for signal in report.quality:
        if signal.signal in _GAPS and signal.line is not None:
            for block in code:
                if block.span[0] <= signal.line <= block.span[1]:
                    message = f"{_GAPS[signal.signal]}: {signal.evidence}"
                    yield RepairPoint(block=block.index, line=max(0, signal.line - block.code_start), message=message)
    if report.verdict is Verdict.NO_CODE and any(s.signal in _NO_ANSWER for s in report.quality):
        yield RepairPoint(block=None, line=0, message="the answer holds no code, and code was asked for")


def _said(found: Diagnostic, report: Report) -> str:
    own = found.source == "bridge"
    answer = "\n".join((*(block.code for block in report.blocks), *(block.path or "" for block in report.blocks)))
    return f"{found.message if own else of_the_answer(found.message, answer)} [{found.source} {found.code}]"


def repair_prompt(prompt: str, report: Report, *, last: str = "") -> str:
    """What to ask: the task, each file in which something is wrong with up to eight findings in all, what its siblings define.

    Args:
        prompt: the task.
        report: of the answer as it is now.
        last: what came of the last round, as `last_reply.told` says it; "" before the first.
    """
    found = faults(report)[:_FINDINGS]
    parts = ["The code below does not pass its checks. Fix what is reported and change nothing else."]
    if all(fault.block is None for fault in found):
        parts = ["The last answer held no code. Write all of the code that the task asks for."]
    if last:
        parts.append(f"This was asked before, and did not succeed. Take another way.\n\n{fenced(last, 'text')}")
    if prompt.strip():
        parts.append(f"The task was:\n\n{fenced(prompt.strip()[:6000], 'text')}")
    shown = list(dict.fromkeys(fault.block for fault in found if fault.block is not None))
    for index in shown:
        block = report.blocks[index]
        excerpts = "\n\n".join(_excerpt(block, fault) for fault in found if fault.block == index)
        parts.append(f"Reported in {_called(block)}:\n\n{fenced(excerpts, 'text')}")
        label = f"{block.language or ''} {block.path or ''}".strip()
        parts.append(f"The whole of {_called(block)}:\n\n{fenced(block.code.rstrip(chr(10)), label)}")
    if not shown:
        return "\n\n".join([*parts, "Answer with the code in fenced blocks, each labelled with its language."]) + "\n"
    if siblings := [b for b in versions.code(report) if b.index not in shown]:
        told = "\n\n".join(f"{_called(b)}:\n{_signatures(b)}" for b in siblings)
        parts.append(f"The other files stay as they are; do not return them. They define:\n\n{fenced(told, 'text')}")
    patched = any(report.blocks[index].role is Role.DIFF for index in shown)
    parts.append(
        "Return each complete corrected file in one fenced block, labelled with its language and path"
        + (", and each patch corrected and whole" if patched else "")
        + ". No other text."
    )
    return "\n\n".join(parts) + "\n"


def called(report: Report, index: int | None) -> str:
    """What a block is called in a request; the answer as a whole for None."""
    return "the answer" if index is None else _called(report.blocks[index])


def _called(block: CodeBlock) -> str:
    if block.role is Role.DIFF:
        return "the patch"
    return block.path or f"the {languages.display(block.language)} code"


def _signatures(block: CodeBlock) -> str:
    lines = [line.rstrip()[:200] for line in block.code.split("\n") if is_definition(line)]
    return "\n".join(lines[:_SIGNATURES]) or f"({block.lines} lines)"


def _excerpt(block: CodeBlock, fault: RepairPoint) -> str:
    """A finding over the lines around it, numbered; its own line is marked.

    What is said of the very end, because something was never closed, is shown where that began.
    """
    lines = block.code.split("\n")
    end = block.code.rstrip().count("\n")
    begun = opened_at(block.language, block.code) if fault.line >= end else None
    if begun is not None and begun < end:
        told = f"line {fault.line + 1}: {fault.message}\nWhat is not closed there begins in line {begun + 1}:"
        return "\n".join((told, *_rows(lines, begun)))
    return "\n".join((f"line {fault.line + 1}: {fault.message}", *_rows(lines, fault.line)))


def _rows(lines: Sequence[str], marked: int) -> list[str]:
    first, last = max(0, marked - _CONTEXT_LINES), min(len(lines), marked + _CONTEXT_LINES + 1)
    return [f"{'>' if i == marked else ' '}{i + 1:5d} | {lines[i][:300]}" for i in range(first, last)]


def fenced(text: str, label: str) -> str:
    """A text in a fence that nothing in it can close."""
    longest = max((len(m[0]) for m in re.finditer(r"`+", text)), default=0)
    mark = "`" * max(4, longest + 1)
    return f"{mark}{label}\n{text}\n{mark}"
