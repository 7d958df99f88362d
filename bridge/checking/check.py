"""Check an answer's blocks: which checker judges, what blocks, and what was only a piece of code.

The order for a block: what it is for, whether it is whole, who can judge it here, whether it parses, whether it parses
as a piece of something, and only then names and types. "Not checked" is never reported as clean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.checking import asking, blocking, pieces, prompt_code, relabel, suppressions, variants
from bridge.checking.asking import BlockState
from bridge.checking.blocking import AnswerContext, cut, report
from bridge.checking.checkers.base import BELIEVED, CheckContext, Checker, CheckOutcome, Source
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.embedded_check import embedded_findings, own_lines
from bridge.checking.language import languages
from bridge.checking.values import (  # fmt: skip
    BlockEnd,
    BlockStatus,
    CheckResult,
    CodeBlock,
    Level,
    Role,
    Severity,
)
from bridge.sandbox.folder import storable

MAX_BLOCKS = 64
MAX_CODE_CHARS = 200_000
MAX_LINE_CHARS = 10_000
_MAX_VARIANTS = 14

#: Roles that nobody compiles.
_NOT_CODE = frozenset({Role.OUTPUT, Role.DIFF, Role.WRAPPER, Role.COMMAND})

_PIECE = "a piece of a program"
#: Where a text may be whole without what a whole text mostly has: a compiler is asked.
_MAY_STAND_ALONE = frozenset({"c", "cpp"})


def check_blocks(
    blocks: Sequence[CodeBlock],
    context: CheckContext,
    *,
    prompt: str = "",
    ended: bool = True,
    checkers: tuple[Checker, ...] = CHECKERS,
) -> tuple[tuple[CodeBlock, ...], tuple[CheckResult, ...]]:
    """Check all blocks of an answer in one folder, so that its files find each other.

    Gives the blocks, those that turned out to be pieces marked as such, and a result for each. `ended` says whether the
    engine told that the answer came to its end.
    """
    around = AnswerContext(prompt=prompt, blocks=tuple(blocks), ended=ended, checkers=checkers)
    for block in blocks[:MAX_BLOCKS]:
        if block.path and block.current and block.role is Role.FILE and not _too_large(block) and storable(block.path):
            context.box.put(block.path, suppressions.neutral(block.code))
    results = []
    settled = []
    code_blocks = 0
    for each in blocks:
        block = each
        code_blocks += block.role not in _NOT_CODE
        if code_blocks > MAX_BLOCKS and block.role not in _NOT_CODE:
            result = CheckResult(block=block.index, status=BlockStatus.UNCHECKED, note=f"more than {MAX_BLOCKS} blocks")
        else:
            state = BlockState(block=block)
            result = _check(state, context, around)
            block = state.block  # what it turned out to be
        fragment = result.status is BlockStatus.FRAGMENT and block.role is Role.FILE
        settled.append(block.evolve(role=Role.FRAGMENT) if fragment else block)
        results.append(result)
    return tuple(settled), tuple(results)


def _too_large(block: CodeBlock) -> str | None:
    if len(block.code) > MAX_CODE_CHARS:
        return f"longer than {MAX_CODE_CHARS} characters"
    if any(len(line) > MAX_LINE_CHARS for line in block.code.split("\n")):
        return f"a line is longer than {MAX_LINE_CHARS} characters"
    return None


def _check(state: BlockState, context: CheckContext, around: AnswerContext) -> CheckResult:
    block = state.block
    if block.role in _NOT_CODE or not block.current:
        state.note = block.role.value if block.current else "a later block takes its place"
        return state.result(BlockStatus.SKIPPED)
    if not block.complete:
        state.diagnostics.append(cut(block))
        return state.result(BlockStatus.INCOMPLETE)
    state.note = _too_large(block) or (
        "" if block.language and block.code.strip() else "no language" if block.code.strip() else "empty"
    )
    if state.note or block.language is None:
        return state.result(BlockStatus.UNCHECKED)
    source = Source(
        language=block.language,
        code=suppressions.neutral(block.code),
        name=block.path or f"block{block.index}.{languages.extension(block.language)}",
    )
    judge, outcome = asking.judge(source, context, state, around.checkers)
    if judge is None or outcome is None:
        state.note = state.note or f"nothing here can check {languages.display(block.language)}"
        return state.result(BlockStatus.TOOL_FAILED if state.failed else BlockStatus.UNCHECKED)
    believed = judge.trust(block.language) >= BELIEVED
    if outcome.broken:
        return _continued(state, judge, source, context, around) or _settle_broken(
            state, judge, outcome, source, context, around
        )
    findings = [(judge, outcome, f) for f in outcome.findings]
    if block.role is Role.FILE:
        findings += embedded_findings(source, context, around.checkers)
    piece = pieces.is_piece(source.language, source.code, named=block.path is not None) and block.role is Role.FILE
    if block.role is Role.FILE and (not piece or source.language in _MAY_STAND_ALONE):
        asked = len(state.tools)
        said = asking.meaning(source, context, state, around.checkers)
        # A function that includes nothing and compiles stands alone after all.
        piece = piece and (len(state.tools) == asked or any(f.severity is Severity.ERROR for _, _, f in said))
        findings += [] if piece else said
    if block.role is Role.FILE and not block.path and prompt_code.goes_on(around.prompt, source.language, source.code):
        piece = True
    if piece:
        state.note = _PIECE
    state.diagnostics += report(block, findings, around)
    lacks = block.role is Role.FILE and blocking.lacks(block, [f for _, _, f in findings], around)
    if piece or lacks:
        continued = _continued(state, judge, source, context, around)
        if continued and (piece or continued.status is BlockStatus.OK):
            return continued
    if lacks:
        state.note = _PIECE
    return state.result(_status(state, believed=believed))


def _continued(
    state: BlockState, judge: Checker, source: Source, context: CheckContext, around: AnswerContext
) -> CheckResult | None:
    """The check of a block that continues the prompt's own code, joined with it; None if it does not.

    Only the largest piece of an answer: beside it, the others are examples.
    """
    block = state.block
    if block.role is not Role.FILE or any(b.role is Role.FILE and b.lines > block.lines for b in around.blocks):
        return None
    ended = around.ended or block.why is not BlockEnd.NO_FENCE
    for joined in prompt_code.joins(around.prompt, source.language, source.code, ended=ended):
        file = replace(source, code=suppressions.neutral(joined.code))
        outcome = judge.check(file, context)
        if outcome.failure or outcome.unknown or outcome.broken or pieces.is_piece(file.language, file.code):
            continue
        inner = BlockState(block=block.evolve(role=Role.CONTINUATION, joined=joined.code), tools=[judge.name])
        inner.level, inner.note = judge.level, "continues the prompt's code"
        found = [(judge, outcome, f) for f in outcome.findings]
        found += asking.meaning(file, context, inner, around.checkers)
        inner.diagnostics += report(
            inner.block, [(c, o, moved) for c, o, f in found if (moved := own_lines(f, joined.lines_before))], around
        )
        state.block = inner.block
        return inner.result(_status(inner, believed=judge.trust(source.language) >= BELIEVED))
    return None


def _status(state: BlockState, *, believed: bool) -> BlockStatus:
    if any(d.blocking for d in state.diagnostics):
        return BlockStatus.ERRORS
    if state.failed:
        return BlockStatus.TOOL_FAILED
    if not believed and state.level is not Level.LINTER:
        state.note = state.note or "only a grammar that is not known to be reliable has read it"
        return BlockStatus.UNCHECKED
    return BlockStatus.FRAGMENT if state.block.role is Role.FRAGMENT or state.note == _PIECE else BlockStatus.OK


def _settle_broken(
    state: BlockState,
    judge: Checker,
    outcome: CheckOutcome,
    source: Source,
    context: CheckContext,
    around: AnswerContext,
) -> CheckResult:
    """A text that does not parse: a piece, something under a wrong label, or an error."""
    block = state.block
    heads = variants.prompt_heads(around.prompt, source.language)
    within = bool(heads) or not around.prompt
    for tried, variant in enumerate(variants.variants(source.language, source.code, heads, within=within)):
        if tried >= _MAX_VARIANTS:
            break
        again = judge if judge.serves(variant.language) else None
        if again is None:
            continue
        second = again.check(
            replace(
                source,
                language=variant.language,
                code=variant.code,
                name=relabel.other_name(source, variant.language),
            ),
            context,
        )
        if second.failure or second.unknown or second.broken:
            continue
        state.note = variant.note
        if variant.whole:
            state.block = block.evolve(language=variant.language)
        if judge.trust(source.language) < BELIEVED and judge.level is not Level.LINTER:
            return state.result(BlockStatus.UNCHECKED)
        return state.result(BlockStatus.OK if variant.whole and block.role is Role.FILE else BlockStatus.FRAGMENT)
    if relabelled := relabel.under_another_label(source, context, around.checkers):
        state.tools.append(relabelled[1])
        state.note = f"labelled {source.language}, but it is {relabelled[0]}"
        state.block = block.evolve(language=relabelled[0])
        return state.result(BlockStatus.OK if block.role is Role.FILE else BlockStatus.FRAGMENT)
    state.diagnostics += report(block, [(judge, outcome, f) for f in outcome.findings], around)
    if any(d.blocking for d in state.diagnostics):
        return state.result(BlockStatus.ERRORS)
    if state.failed:
        return state.result(BlockStatus.TOOL_FAILED)
    state.note = "does not parse alone"
    return state.result(BlockStatus.FRAGMENT if block.role is not Role.FILE else BlockStatus.UNCHECKED)
