"""What the fences of an answer hold, before anybody knows its language or what it is for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.checking.extraction import paths, unfenced
from bridge.checking.extraction.fence import Fence
from bridge.checking.language import languages
from bridge.checking.language.detect import code_share
from bridge.checking.values import BlockEnd


@dataclass(frozen=True, kw_only=True)
class RawBlock:
    """A block before its language and role are known. Lines index the cleaned lines, from 0."""

    body: tuple[str, ...]
    info: str
    mark: str
    first: int  #: of the block, its fence included
    last: int
    start: int  #: of its code
    indent: int
    why: BlockEnd
    parent: int | None = None
    children: tuple[RawBlock, ...] = ()
    document: bool = False
    patch: bool = False
    guessed: bool = False  #: without a fence, and with text beside it: where it begins and ends is a guess


def raw_blocks(found: Sequence[Fence], text: Sequence[str], asked: str | None) -> tuple[list[RawBlock], list[str]]:
    """What the fences hold, less those that hold nothing; code without a fence if there is no other."""
    pieces: list[RawBlock] = []
    notes: list[str] = []
    if asked in languages.DOCUMENT and not any(f.is_document for f in found):
        head = [i for i, line in enumerate(text) if line.strip()][:5]
        start = next((i for i in head if re.match(r"# \S", text[i])), None)
        if start is not None and not any(f.opened < start for f in found):
            return [bare(text, (start, len(text) - 1), BlockEnd.NO_FENCE, len(text) - 1)], notes
    for at, fence in enumerate(found):
        stray = fence.why is BlockEnd.UNCLOSED and not fence.info and not any(line.strip() for line in fence.body)
        prose_after = fence.why is not BlockEnd.CLOSED and not fence.info and code_share(fence.body) < 0.3
        if fence.patch or (not stray and not prose_after):
            pieces.append(_piece(fence))
            continue
        notes.append(f"line {fence.opened + 1}: a fence without a block")
        if at == 0 and (run := unfenced.before_stray(text[: fence.opened])):
            pieces.append(bare(text, run, BlockEnd.STRAY, fence.opened))
    if not pieces and (run := unfenced.run([*text], asked)):
        label = _stray_label(text[run[0] :], "")
        pieces.append(bare(text, (run[0] + bool(label), run[1]), BlockEnd.NO_FENCE, run[1], info=label or ""))
    return pieces, notes


#: Labels that models write as the first line of the code, in place of behind the fence or besides.
_LABELS = frozenset(
    [
        "python",
        "python3",
        "javascript",
        "typescript",
        "jsx",
        "tsx",
        "java",
        "cpp",
        "c++",
        "csharp",
        "golang",
        "rust",
        "ruby",
        "php",
        "kotlin",
        "swift",
        "html",
        "css",
        "json",
        "yaml",
        "sql",
    ]
)


def _stray_label(body: Sequence[str], info: str) -> str | None:
    """The label that stands in the first line of a body, if the fence has none, or the same."""
    word = body[0].strip().lower() if len(body) > 2 else ""
    if word not in _LABELS or body[1].startswith((">>>", "$")):
        return None
    own = info.split()[0] if info.split() else word
    return word if languages.by_label(own) == languages.by_label(word) else None


def _piece(fence: Fence) -> RawBlock:
    stray = _stray_label(fence.body, fence.info)
    if stray:
        fence.body, fence.first = fence.body[1:], fence.first + 1
    return RawBlock(
        body=tuple(fence.body),
        info=fence.info or stray or "",
        mark=fence.mark,
        first=fence.opened,
        last=max(fence.last, fence.opened),
        start=fence.first,
        indent=fence.indent,
        why=fence.why,
        children=tuple(_piece(child) for child in fence.children),
        document=fence.is_document or bool(fence.children),
        patch=fence.patch,
    )


def bare(text: Sequence[str], run: tuple[int, int], why: BlockEnd, last: int, *, info: str = "") -> RawBlock:
    """Some lines that no fence encloses; a guess if there are others beside them."""
    first, end = run
    return RawBlock(
        body=tuple(text[first : end + 1]),
        info=info,
        mark="",
        first=first,
        last=last,
        start=first,
        indent=0,
        why=why,
        guessed=any(line.strip() for line in (*text[:first], *text[end + 1 :])),
    )


def bundle(piece: RawBlock) -> Iterator[RawBlock]:
    """Several files in one fence, each under a comment with its path: one piece each. Nothing if it is one file."""
    heads: list[int] = []
    for i, line in enumerate(piece.body):
        if line[:1] in " \t" or (heads and piece.body[i - 1].strip()):
            continue
        found = paths.in_comment(line)
        if found and languages.by_path(found.text):
            heads.append(i)
        elif not heads and line.strip():
            return  # its first line names no file
    if len(heads) < 2 or len({piece.body[i].strip() for i in heads}) < len(heads):
        return
    for start, end in zip(heads, [*heads[1:], len(piece.body)], strict=True):
        stop = end
        while stop > start + 1 and not piece.body[stop - 1].strip():
            stop -= 1
        last = end == len(piece.body)
        yield RawBlock(
            body=piece.body[start:stop],
            info=piece.info,
            mark="",
            first=piece.start + start,
            last=piece.start + stop - 1,
            start=piece.start + start,
            indent=piece.indent,
            why=piece.why if last else BlockEnd.CLOSED,
        )
