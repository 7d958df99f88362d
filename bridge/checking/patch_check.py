"""The patches of an answer, checked: applied in memory to the caller's files, and what comes of that like any file.

Without those files a patch is only read: nobody can say what it makes of files that are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bridge.checking.blocking import cut
from bridge.checking.language import languages
from bridge.checking.patches import parse
from bridge.checking.patches.base import LineSign, ParsedPatch, PatchFault
from bridge.checking.patches.patch_set import PatchedFile, PatchSet, ReadFile, apply_all, only_shows
from bridge.checking.values import (
    BlockStatus,
    CheckResult,
    CodeBlock,
    Diagnostic,
    FindingKind,
    Level,
    Range,
    Role,
    fingerprint,
    lowest,
)
from bridge.core.paths import normal, refuse
from bridge.core.text import tool_message

#: Checks blocks together; gives them as they turned out to be, and a result for each.
CheckBlocks = Callable[[tuple[CodeBlock, ...]], tuple[tuple[CodeBlock, ...], tuple[CheckResult, ...]]]

NEEDS_PROJECT = "a patch: what it makes of your files is not checked; pass --project, or see `bridge apply --dry-run`"
_GIVEN_WHOLE = "the answer gives what it changes as whole files"
_WORST_FIRST = (BlockStatus.ERRORS, BlockStatus.TOOL_FAILED, BlockStatus.UNCHECKED, BlockStatus.FRAGMENT)


def checked(
    blocks: Sequence[CodeBlock], *, out: str | None, read: ReadFile | None, check: CheckBlocks
) -> tuple[tuple[CodeBlock, ...], tuple[CheckResult, ...]]:
    """Check an answer's blocks, and the files that its patches make.

    Args:
        blocks: of the answer.
        out: path that the caller wants the code under: a patch that names no file is about that one.
        read: gives the caller's files; None: they are not known.
        check: checks blocks that are no patches.
    """
    patches = {b.index: _parsed(b, out) for b in blocks if b.role is Role.DIFF and b.complete}
    others = tuple(b for b in blocks if b.role is not Role.DIFF)
    given = {b.path or out or "" for b in others if b.current and _is_whole(b)}
    made = PatchSet(files=(), misfits=())
    if read is not None:
        made = apply_all(((index, patch) for index, patch in patches.items() if not patch.faults), read, given=given)
    new = tuple(_file(len(blocks) + n, each.path, each.text) for n, each in enumerate(made.files))
    settled, results = check((*others, *new))
    result_of = {result.block: result for result in results}
    pairs = [(each, result_of[block.index]) for each, block in zip(made.files, new, strict=True)]
    before = _before(pairs, check)
    block_of = {block.index: block for block in settled}
    for block in blocks:
        if block.role is not Role.DIFF:
            continue
        patch = patches.get(block.index)
        faults = [PatchFault(at=m.fault.at, reason=str(m)) for m in made.misfits if m.block == block.index]
        if patch is None or only_shows(patch.targets, given):
            result = _unjudged(block)
        elif patch.faults or faults:
            found = tuple(_misfit(block, fault) for fault in (*patch.faults, *faults))
            result = CheckResult(block=block.index, status=BlockStatus.ERRORS, tools=("patch",), diagnostics=found)
        elif read is None:
            result = CheckResult(block=block.index, status=BlockStatus.UNCHECKED, note=NEEDS_PROJECT)
        else:
            result = _of_files(block, [pair for pair in pairs if pair[0].patches[-1][0] == block.index], before)
        result_of[block.index] = result
        block_of[block.index] = block.evolve(targets=_safe(patch.targets)) if patch else block
    return tuple(block_of[b.index] for b in blocks), tuple(result_of[b.index] for b in blocks)


def _is_whole(block: CodeBlock) -> bool:
    return block.role is Role.FILE or (block.path is not None and block.role is not Role.WRAPPER)


def _safe(targets: Sequence[str]) -> tuple[str, ...]:
    return tuple(normal(path) for path in targets if refuse(path) is None)


def _unjudged(block: CodeBlock) -> CheckResult:
    if block.complete:
        return CheckResult(block=block.index, status=BlockStatus.SKIPPED, note=_GIVEN_WHOLE)
    return CheckResult(block=block.index, status=BlockStatus.INCOMPLETE, diagnostics=(cut(block),))


def _parsed(block: CodeBlock, out: str | None) -> ParsedPatch:
    return parse.read(block.code, default=block.targets[0] if block.targets else out).aimed_at(out)


def _file(index: int, path: str, text: str) -> CodeBlock:
    return CodeBlock(
        index=index, language=languages.by_path(path), language_confidence=0.98, path=path, code=text, span=(1, 1), code_start=1
    )  # fmt: skip


def _before(made: Sequence[tuple[PatchedFile, CheckResult]], check: CheckBlocks) -> Mapping[str, frozenset[str]]:
    """{path: fingerprints} of what a patched file with findings had before."""
    old = [
        _file(n, file.path, file.before)
        for n, (file, result) in enumerate(made)
        if result.blocking and file.before is not None
    ]
    results = check(tuple(old))[1] if old else ()
    return {
        b.path: frozenset(d.fingerprint for d in r.diagnostics) for b, r in zip(old, results, strict=True) if b.path
    }


def _of_files(
    block: CodeBlock, made: Sequence[tuple[PatchedFile, CheckResult]], before: Mapping[str, frozenset[str]]
) -> CheckResult:
    """The check of a patch, from those of the files that it made."""
    statuses: list[BlockStatus] = []
    diagnostics: list[Diagnostic] = []
    notes: list[str] = []
    for file, result in made:
        found = [_about(block, file, d, before.get(file.path, frozenset())) for d in result.diagnostics]
        diagnostics += found
        status = result.status
        if status is BlockStatus.ERRORS and not any(d.blocking for d in found):
            status = BlockStatus.UNCHECKED
            notes.append(f"{file.path} has findings that it had before")
        elif result.note:
            notes.append(f"{file.path}: {result.note}")
        statuses.append(status)
    return CheckResult(
        block=block.index,
        status=next((status for status in _WORST_FIRST if status in statuses), BlockStatus.OK),
        tools=tuple(dict.fromkeys(tool for _, result in made for tool in result.tools)),
        level=lowest(result.level for _, result in made) if made else Level.LINTER,
        diagnostics=tuple(diagnostics),
        note="; ".join(notes),
    )


def _about(block: CodeBlock, file: PatchedFile, found: Diagnostic, before: frozenset[str]) -> Diagnostic:
    """A finding about a patched file, as one about the patch: in the line that was added, or in the patch's first."""
    lines = file.text.split("\n")
    text = lines[found.range.start.line] if found.range.start.line < len(lines) else ""
    at = next((line for own, line in _added(file, block.index) if own == text), file.patches[-1][1].at)
    old = found.fingerprint in before
    message = f"{file.path} line {found.range.start.line + 1}{' (as before)' if old else ''}: {found.message}"
    return found.evolve(
        block=block.index, range=Range.at(at + 1, 1), message=message, blocking=found.blocking and not old
    )


def _added(file: PatchedFile, block: int) -> Iterator[tuple[str, int]]:
    for index, patch in file.patches:
        if index == block:
            for hunk in patch.hunks:
                yield from ((line.text.rstrip("\n"), line.at) for line in hunk.lines if line.sign is LineSign.ADD)


def _misfit(block: CodeBlock, fault: PatchFault) -> Diagnostic:
    message = tool_message(fault.reason)
    return Diagnostic(
        block=block.index,
        range=Range.at(fault.at + 1, 1),
        code="patch",
        source="bridge",
        message=message,
        kind=FindingKind.PATCH,
        blocking=True,
        fingerprint=fingerprint("bridge", "patch", message, ""),
    )
