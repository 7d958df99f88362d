"""The code in an answer: blocks with language, path, role and completeness. Pure.

It never raises, whatever the text. The fourteen rules that it follows are named in `fences` (where blocks begin and
end), `raw` (what is stripped), `classify` (language and role), `paths` (names) and `unfenced` (code without a fence).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bridge.checking.extraction import classify, clean_lines, corrections, fences, open_ends, paths
from bridge.checking.extraction.raw_blocks import RawBlock, bundle, raw_blocks
from bridge.checking.language import languages
from bridge.checking.patches import parse
from bridge.checking.values import BlockEnd, CodeBlock, Extraction, LanguageSource, Role
from bridge.core.paths import normal, refuse
from bridge.kernel.finish import FinishReason, read_finish_reason

#: More blocks than this are no answer; those after it are left out, and a note says so.
MAX_BLOCKS = 2000


def extract(answer: str, *, prompt: str = "", lang: str | None = None, finish_reason: str | None = None) -> Extraction:
    """The blocks of an answer, in order.

    Args:
        answer: the raw text that the model returned.
        prompt: what it was asked; names the language of blocks that do not.
        lang: language that the caller asked for, if any.
        finish_reason: as the engine gave it; None, or a word that is not known: whether it is whole shows in the text.
    """
    lines = clean_lines.read_lines(answer)
    if lines.thinking:
        return Extraction(complete=False, why="unclosed thinking")
    asked = languages.by_label(lang) if lang else None
    found = fences.scan(lines.text)
    over = len(found) - MAX_BLOCKS
    found = found[:MAX_BLOCKS]
    pieces, notes = raw_blocks(found, lines.text, asked)
    if over > 0:
        notes.append(f"{over} more blocks were left out")
    blocks = _AnswerReader(lines, prompt, asked).read(pieces)
    return _settle(blocks, finish_reason, tuple(notes), corrections.superseded(blocks, lines))


class _AnswerReader:
    """Turns pieces into blocks: first those that name their language, then the others, which look at them."""

    def __init__(self, lines: clean_lines.Lines, prompt: str, asked: str | None) -> None:
        self._lines = lines
        self._asked = asked
        self._named = tuple(languages.named_in(prompt))

    def read(self, pieces: Sequence[RawBlock]) -> list[CodeBlock]:
        """The blocks of some pieces, wrappers before what they hold."""
        flat: list[RawBlock] = []
        wrappers: set[int] = set()
        for piece in pieces:
            self._flatten(piece, None, flat, wrappers)
        siblings = self._siblings(p for i, p in enumerate(flat) if i not in wrappers and not p.patch)
        with_code = sum(
            1 for i, p in enumerate(flat) if i not in wrappers and languages.by_label(p.info) not in languages.TEXT
        )
        return [
            self._wrapper(i, piece) if i in wrappers else self._block(i, piece, siblings, with_code < 2)
            for i, piece in enumerate(flat)
        ]

    def _flatten(self, piece: RawBlock, parent: int | None, flat: list[RawBlock], wrappers: set[int]) -> None:
        own = replace(piece, parent=parent)
        index = len(flat)
        flat.append(own)
        if piece.children and not self._is_document_file(piece):
            parts: tuple[RawBlock, ...] = piece.children
        else:
            parts = tuple(bundle(piece)) if not piece.document and not piece.patch else ()
        if parts:
            wrappers.add(index)
        for part in parts:
            self._flatten(part, index, flat, wrappers)

    def _is_document_file(self, piece: RawBlock) -> bool:
        """Whether a document with fences in it is what was wanted: it was asked for, or it has a path of its own."""
        path = self._path(piece)
        return self._asked in languages.DOCUMENT or bool(path and languages.by_path(path.text) in languages.DOCUMENT)

    def _siblings(self, pieces: Iterator[RawBlock]) -> tuple[str, ...]:
        counted = Counter(languages.by_label(p.info.split()[0].partition(":")[0]) for p in pieces if p.info.split())
        ignore = {None, *languages.TEXT, *languages.TERMINAL, *languages.DATA, "diff", *languages.DOCUMENT}
        return tuple(name for name, _ in counted.most_common() if name and name not in ignore)

    def _path(self, piece: RawBlock) -> paths.FoundPath | None:
        return (
            paths.in_info(piece.info)
            or (paths.before(self._line_before(piece)) if piece.mark else None)
            or (None if piece.document else paths.in_first_lines("\n".join(piece.body[:4])))
        )

    def _line_before(self, piece: RawBlock) -> str:
        for i in range(piece.first - 1, max(-1, piece.first - 4), -1):
            if self._lines.text[i].strip():
                return self._lines.text[i]
        return ""

    def _wrapper(self, index: int, piece: RawBlock) -> CodeBlock:
        label = languages.by_label(piece.info.split()[0]) if piece.info.split() else None
        return self._make(index, piece, classify.Named(language=label), "\n".join((*piece.body, "")), Role.WRAPPER)

    def _block(self, index: int, piece: RawBlock, siblings: tuple[str, ...], alone: bool) -> CodeBlock:
        code = "\n".join((*piece.body, "")) if piece.body else ""
        if piece.patch:
            return self._patch(index, piece, code)
        around = classify.BlockContext(
            asked=self._asked,
            named=self._named,
            siblings=siblings,
            alone=alone,
            line_before=self._line_before(piece),
        )
        named = classify.language(code, piece.info, self._path(piece), around)
        code = _unescape(code, named.language)
        if piece.why is BlockEnd.NO_FENCE and named.language is None and self._asked:
            named = classify.Named(language=self._asked, source=LanguageSource.PROMPT, confidence=0.3)
        if piece.guessed and piece.why is BlockEnd.NO_FENCE:
            named = replace(named, source=LanguageSource.SCORER)
        role = classify.role(code, named, piece.info, around)
        return self._make(index, piece, named, code, role)

    def _patch(self, index: int, piece: RawBlock, code: str) -> CodeBlock:
        """A patch has no path of its own, but those that it changes."""
        beside = paths.in_info(piece.info) or paths.before(self._line_before(piece))
        named = parse.read(code, default=beside.text if beside else None).targets
        refused = next((f"{path!r} {reason}" for path in named if (reason := refuse(path))), None)
        block = self._make(index, piece, classify.Named(language="diff", confidence=0.98), code, Role.DIFF)
        return block.evolve(targets=tuple(normal(path) for path in named if not refuse(path)), path_refused=refused)

    def _make(self, index: int, piece: RawBlock, named: classify.Named, code: str, role: Role) -> CodeBlock:
        refused = refuse(named.path.text) if named.path else None
        good = named.path if named.path and not refused else None
        number = self._lines.number
        return CodeBlock(
            index=index,
            parent=piece.parent,
            language=named.language,
            language_source=named.source,
            language_confidence=named.confidence,
            path=normal(good.text) if good else None,
            path_source=named.path.source if named.path else None,
            path_refused=f"{named.path.text!r} {refused}" if named.path and refused else None,
            code=code,
            info=piece.info,
            fence=piece.mark,
            span=(number[piece.first], number[min(piece.last, len(number) - 1)]),
            code_start=number[min(piece.start, len(number) - 1) if piece.body else piece.first],
            indent=piece.indent,
            why=piece.why,
            role=role,
        )


_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#39|#x27);")
_LITERAL = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`]*`")


def _unescape(code: str, language: str | None) -> str:
    """Code whose every `<` and `>` was written as an HTML entity, as it was meant.

    Only if none is left as it is and entities stand outside of string literals: there no program has them.
    """
    if "<" in code or ">" in code or not re.search(r"&(?:lt|gt|amp);", code) or language in languages.DOCUMENT:
        return code
    return html.unescape(code) if _ENTITY.search(_LITERAL.sub("", code)) else code


def _settle(
    blocks: list[CodeBlock], finish_reason: str | None, notes: tuple[str, ...], gone: frozenset[int]
) -> Extraction:
    """Say which blocks are complete, and which version of a path is the current one."""
    ended = read_finish_reason(finish_reason)
    cut, unknown = ended.is_cut, ended in (FinishReason.UNKNOWN, FinishReason.ERROR)
    last = max((b.index for b in blocks if b.role is not Role.WRAPPER), default=-1)
    settled: list[CodeBlock] = []
    newest = {b.path: b.index for b in blocks if b.path and b.role is not Role.WRAPPER}
    for block in blocks:
        current = not block.path or block.role is Role.WRAPPER or newest[block.path] == block.index
        current = current and block.index not in gone
        complete, why = block.complete, block.why
        if cut and block.index == last:
            complete, why = False, BlockEnd.TRUNCATED
        elif why is BlockEnd.UNCLOSED:
            complete = not unknown
        elif why is BlockEnd.NO_FENCE and unknown:
            complete = not open_ends.ends_open(block.language, block.code)
        settled.append(block.evolve(complete=complete, why=why, current=current))
    whole = all(b.complete for b in settled) and not cut
    fence = any(b.why is BlockEnd.UNCLOSED and not b.complete for b in settled)
    reason = "closed" if whole else "token limit" if cut else "open fence" if fence else "open bracket"
    return Extraction(blocks=tuple(settled), complete=whole, why=reason, notes=notes)
