"""The one entry to this folder: an answer in, a report out.

    report = examine(answer, prompt=prompt, lang="typescript", finish_reason="stop")

Whoever examines many answers opens a `Toolchain` once and passes it: the worker process then starts once, not every time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

from bridge.checking import hidden_characters, imports, patch_check, quality, structure, wrong_language
from bridge.checking.check import check_blocks
from bridge.checking.checkers.base import CheckContext, Checker
from bridge.checking.checkers.go_cache import GoCache
from bridge.checking.checkers.headers import Headers
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.checkers.residents import Residents
from bridge.checking.extraction.extract import extract
from bridge.checking.language import languages
from bridge.checking.parsers.client import Parsers
from bridge.checking.patches.patch_set import ReadFile
from bridge.checking.unknown_packages import unknown_packages
from bridge.checking.values import (  # fmt: skip
    BlockStatus,
    CheckResult,
    CodeBlock,
    Diagnostic,
    Extraction,
    Level,
    Quality,
    Report,
    Role,
    Verdict,
    lowest,
)
from bridge.core.closing import Closing
from bridge.kernel.finish import FinishReason, read_finish_reason
from bridge.sandbox.confinement import Confinement, confinement
from bridge.sandbox.folder import Sandbox, Toolbox
from bridge.sandbox.pool import SandboxPool

#: Longer answers are cut here before anything reads them.
MAX_ANSWER_CHARS = 8_000_000

_JUDGED = frozenset({Role.FILE, Role.CONTINUATION, Role.FRAGMENT, Role.DATA, Role.DIFF})

_SOUND = frozenset({BlockStatus.OK, BlockStatus.ERRORS, BlockStatus.FRAGMENT, BlockStatus.UNCHECKED})


class Toolchain(Closing):
    """What outlives one answer: the tools and the worker process. A context manager; may be shared by threads.

    Args:
        toolbox: where programs are looked for; default: this Python's scripts, then PATH.
        checkers: in the order in which they are asked; default: all.
        within: what every program that looks at an answer is confined by; default: the strongest that works here.
        lanes: most answers that are looked at side by side; default: one a processor, at most 8.
        kept: a folder for what may be kept between processes, such as compiled packages of Go; None: nothing is.
    """

    def __init__(
        self,
        *,
        toolbox: Toolbox | None = None,
        checkers: tuple[Checker, ...] = CHECKERS,
        within: Confinement | None = None,
        lanes: int | None = None,
        kept: Path | None = None,
    ) -> None:
        self.toolbox = toolbox or Toolbox()
        self.within = within or confinement()
        self.parsers = Parsers(within=self.within)
        self.residents = Residents(within=self.within)
        self.headers = Headers(within=self.within)
        self.go_cache = GoCache(within=self.within, kept=kept / "go" if kept else None)
        self.lanes = lanes or min(8, os.cpu_count() or 1)
        self.sandboxes = SandboxPool(within=self.within, width=self.lanes)
        self.checkers = checkers

    def for_project(self, root: Path) -> Toolchain:
        """The same tools and worker, but for the TypeScript compiler of a project's own `node_modules`, if it has one."""
        own = copy(self)
        own.toolbox = replace(self.toolbox, project=root)
        return own

    def close(self) -> None:
        """End the programs and the sandboxes that stay."""
        self.parsers.close()
        self.residents.close()
        self.headers.close()
        self.go_cache.close()
        self.sandboxes.close()


def examine(
    answer: str,
    *,
    prompt: str = "",
    lang: str | None = None,
    finish_reason: str | None = None,
    out: str | None = None,
    check: bool = True,
    project: ReadFile | None = None,
    toolchain: Toolchain | None = None,
) -> Report:
    """Extract an answer's code, check it without running it, and say how far that went.

    Args:
        answer: the raw text that the model returned.
        prompt: what it was asked: names a language, gives beginnings of code, defines names.
        lang: language that the caller asked for.
        finish_reason: as the engine gave it (`stop`, `length`); None or any other word: unknown, then an open fence or bracket counts as cut.
        out: path that the caller wants the code under; its extension names the language if `lang` does not.
        check: False: extract only; the verdict is then at best `unchecked`.
        project: gives the caller's files, which patches are tried on; None: not known, then patches are only read.
        toolchain: tools and worker to use; default: a fresh one for this answer.
    """
    if toolchain is None:
        with Toolchain() as own:
            return examine(answer, prompt=prompt, lang=lang, finish_reason=finish_reason, out=out, check=check, project=project, toolchain=own)  # fmt: skip
    wanted = lang or (languages.by_path(out) if out else None)
    text = answer[:MAX_ANSWER_CHARS]
    extraction = extract(text, prompt=prompt, lang=wanted, finish_reason=finish_reason)
    extraction = extraction if text == answer else extraction.evolve(complete=False, why="too large")
    shown: tuple[Quality, ...] = ()
    if check and any(b.role in _JUDGED for b in extraction.blocks):
        ended = read_finish_reason(finish_reason) in (FinishReason.STOP, FinishReason.TOOL_CALLS)
        goal = wrong_language.Goal(asked=languages.by_label(lang) if lang else None, out=out)
        blocks, checks = _judged(extraction.blocks, goal, prompt, project, toolchain, ended=ended)
        shown = tuple(structure.signals(blocks, toolchain.parsers))
    else:
        blocks, checks = extraction.blocks, tuple(_unchecked(b) for b in extraction.blocks)
    checks = tuple(hidden_characters.looked_at(b, c) for b, c in zip(blocks, checks, strict=True))
    return Report(
        verdict=_verdict(extraction, blocks, checks),
        level=_level(blocks, checks),
        blocks=blocks,
        checks=checks,
        quality=(*quality.signals(text, extraction.evolve(blocks=blocks), prompt=prompt), *shown),
        complete=extraction.complete,
        why=extraction.why,
        notes=extraction.notes,
    )


def _judged(
    blocks: tuple[CodeBlock, ...],
    goal: wrong_language.Goal,
    prompt: str,
    project: ReadFile | None,
    toolchain: Toolchain,
    *,
    ended: bool,
) -> tuple[tuple[CodeBlock, ...], tuple[CheckResult, ...]]:
    """The blocks as they were checked, in the language that was asked for, and what every check found of them."""
    blocks, checks = patch_check.checked(
        goal.addressed(blocks),
        out=goal.out,
        read=project,
        check=lambda some: _checked(some, prompt, toolchain, ended=ended),
    )
    found = [
        *goal.findings(blocks),
        *imports.unresolved(blocks, prompt),
        *unknown_packages(blocks, prompt, project),
    ]
    return blocks, _with(found, checks)


def _checked(
    blocks: tuple[CodeBlock, ...], prompt: str, toolchain: Toolchain, *, ended: bool
) -> tuple[tuple[CodeBlock, ...], tuple[CheckResult, ...]]:
    if not any(b.role in _JUDGED for b in blocks):
        return blocks, tuple(_unchecked(b) for b in blocks)
    with toolchain.sandboxes.take() as lane, Sandbox(within=toolchain.within, lane=lane) as box:
        context = CheckContext(
            toolbox=toolchain.toolbox,
            parsers=toolchain.parsers,
            box=box,
            residents=toolchain.residents,
            headers=toolchain.headers,
            go_cache=toolchain.go_cache,
        )
        return check_blocks(blocks, context, prompt=prompt, ended=ended, checkers=toolchain.checkers)


def _with(found: Sequence[Diagnostic], checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """The checks, with what was found of whole blocks that no tool sees."""
    return tuple(
        check.evolve(
            status=BlockStatus.ERRORS if any(d.blocking for d in mine) else check.status,
            diagnostics=(*mine, *check.diagnostics),
        )
        if check.status in _SOUND and (mine := [d for d in found if d.block == check.block])
        else check
        for check in checks
    )


def _unchecked(block: CodeBlock) -> CheckResult:
    status = BlockStatus.UNCHECKED if block.role in _JUDGED else BlockStatus.SKIPPED
    return CheckResult(block=block.index, status=status if block.complete else BlockStatus.INCOMPLETE)


def _verdict(extraction: Extraction, blocks: tuple[CodeBlock, ...], checks: tuple[CheckResult, ...]) -> Verdict:
    """Cut beats wrong, because what is missing explains what is wrong; wrong beats unchecked, unchecked beats clean.

    Pieces alone are not clean: nobody has seen the whole that they belong to.
    """
    if not extraction.complete or any(c.status is BlockStatus.INCOMPLETE for c in checks):
        return Verdict.INCOMPLETE
    mine = [
        (b, c) for b, c in zip(blocks, checks, strict=True) if b.role in _JUDGED and c.status is not BlockStatus.SKIPPED
    ]
    judged = [c for b, c in mine if b.language not in languages.PLAIN] or [c for _, c in mine]
    if not judged:
        return Verdict.UNCHECKED if any(b.role is Role.COMMAND for b in blocks) else Verdict.NO_CODE
    if any(c.status is BlockStatus.ERRORS for c in judged):
        forgotten = {b.index for b in blocks if re.fullmatch("unclosed", b.why.value)}
        cut = all(c.block in forgotten for c in judged if c.status is BlockStatus.ERRORS)
        return Verdict.INCOMPLETE if cut else Verdict.ERRORS
    done = [c for c in judged if c.status is BlockStatus.OK and c.level is not Level.NONE]
    named = {b.index for b in blocks if b.path}  # a piece under a path is a file that nobody has seen whole
    doubtful = [
        c
        for c in judged
        if c.status in (BlockStatus.UNCHECKED, BlockStatus.TOOL_FAILED)
        or (c.status is BlockStatus.FRAGMENT and c.block in named)
    ]
    return Verdict.CLEAN if done and not doubtful else Verdict.UNCHECKED


def _level(blocks: tuple[CodeBlock, ...], checks: tuple[CheckResult, ...]) -> Level:
    mine = [
        (b, c) for b, c in zip(blocks, checks, strict=True) if b.role in _JUDGED and c.status is not BlockStatus.SKIPPED
    ]
    return lowest([c.level for b, c in mine if b.language not in languages.PLAIN] or [c.level for _, c in mine])
