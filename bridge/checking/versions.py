"""A later reply taken into the answer that it is about, file by file; what it does not bring stays as it was. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from bridge.checking.language import languages
from bridge.checking.language.definitions import definitions
from bridge.checking.values import CodeBlock, Report, Role

_CODE = frozenset({Role.FILE, Role.CONTINUATION, Role.FRAGMENT})
#: A file that lost more than this share of its lines was not repaired but cut down; a few lines may become fewer.
MAY_SHRINK = 0.4
_FEW_LINES = 3


def code(report: Report) -> tuple[CodeBlock, ...]:
    """The blocks of an answer that are code, newest version of each path."""
    return tuple(b for b in report.blocks if b.role in _CODE and b.current)


def matches(before: Report, reply: Report, broken: Collection[int]) -> dict[int, CodeBlock]:
    """{index of a broken block: what a reply brings in its place}.

    By path, then by file name; what is left goes, largest first, to the broken block that it is most like: one that defines
    the same, else the only one that is left. A block that is cut, or that cuts its file down, takes nobody's place.
    """
    left = {b.index: b for b in code(before) if b.index in broken}
    fresh = [b for b in code(reply) if b.complete]
    found: dict[int, CodeBlock] = {}

    def take(old: CodeBlock, new: CodeBlock) -> None:
        found[old.index] = new
        del left[old.index]
        fresh.remove(new)

    for whole in (True, False):
        for new in [b for b in fresh if b.path]:
            same = [old for old in left.values() if old.path and _named(old, whole=whole) == _named(new, whole=whole)]
            if len(same) == 1:
                take(same[0], new)
    known = {b.path for b in code(before) if b.path}
    for new in sorted((b for b in fresh if b.path not in known), key=lambda b: -b.lines):
        if (old := _likest(new, list(left.values()))) is not None:
            take(old, new)
    return {index: new for index, new in found.items() if not cuts_down(before.blocks[index], new)}


def _named(block: CodeBlock, *, whole: bool) -> str:
    return (block.path or "") if whole else posixpath.basename(block.path or "")


def _likest(new: CodeBlock, olds: Sequence[CodeBlock]) -> CodeBlock | None:
    if new.path:
        olds = [old for old in olds if not old.path]
    shared = [old for old in olds if definitions(old.code) & definitions(new.code)]
    fit = shared or [old for old in olds if languages.related(old.language, new.language)] or list(olds)
    return fit[0] if len(fit) == 1 else None


def cuts_down(old: CodeBlock, new: CodeBlock) -> bool:
    """Whether a new version of a file lacks what was good in the old one: much of its length, or a definition."""
    if old.lines - new.lines > max(_FEW_LINES, old.lines * MAY_SHRINK):
        return True
    same = languages.related(old.language, new.language)
    return same and new.lines < old.lines and not definitions(old.code) <= definitions(new.code)


def added(before: Report, reply: Report) -> tuple[CodeBlock, ...]:
    """The files of a reply that the answer has not: each names a path of its own."""
    known = {posixpath.basename(b.path) for b in code(before) if b.path}
    nameless = any(not b.path for b in code(before))
    return tuple(
        b for b in code(reply)
        if b.path and b.complete and b.role is Role.FILE and not nameless and posixpath.basename(b.path) not in known
    )  # fmt: skip


def taken_in(answer: str, report: Report, changes: Mapping[int, CodeBlock], new: Sequence[CodeBlock] = ()) -> str:
    """The answer with these blocks in the places of others, and new files at its end."""
    lines = re.split(r"\r\n|\r|\n", answer)
    for index in sorted(changes, key=lambda i: -report.blocks[i].span[0]):
        old = report.blocks[index]
        first, last = old.span
        lines[first - 1 : last] = _written(old, changes[index])
    for block in new:
        lines += ["", f"`{block.path}`", "", *_fenced(block, block.info)]
    return "\n".join(lines).rstrip("\n") + "\n"


def rewritten(answer: str, report: Report, changes: Mapping[int, CodeBlock], new: Sequence[CodeBlock] = ()) -> str:
    """The same without the text around the blocks: for an answer whose shape nothing can be put into."""
    del answer
    parts: list[str] = []
    for block in (*(b for b in report.blocks if b.current and b.role is not Role.WRAPPER), *new):
        text = changes.get(block.index, block) if block not in new else block
        parts += [
            *([f"`{block.path}`", ""] if block.path else []),
            *_fenced(text, text.info or text.language or ""),
            "",
        ]
    return "\n".join(parts)


def keeps(before: Report, after: Report, changes: Mapping[int, CodeBlock]) -> bool:
    """Whether every file of an answer is in its new version: those that were not to be changed, as they were."""
    got = [(b.path, b.code.strip("\n")) for b in code(after)]
    for block in code(before):
        wanted = changes.get(block.index, block).code.strip("\n")
        if not any(text == wanted and (path == block.path or not block.path) for path, text in got):
            return False
    return True


def _written(old: CodeBlock, new: CodeBlock) -> list[str]:
    """The lines that a block's new version stands in."""
    if old.parent is not None and not old.fence:  # one of several files in one fence, under a comment with its path
        return [" " * old.indent + line if line else line for line in _bundled(old, new)]
    same = languages.related(old.language, new.language)
    return list(_fenced(new, old.info if same and old.info else new.info or old.info))


def _bundled(old: CodeBlock, new: CodeBlock) -> Iterator[str]:
    head, lines = old.code.split("\n", 1)[0], new.code.rstrip("\n").split("\n")
    if lines[0].strip() != head.strip():
        yield head
    yield from lines


def _fenced(block: CodeBlock, info: str) -> Iterator[str]:
    longest = max((len(m[0]) for m in re.finditer(r"`{3,}", block.code)), default=2)
    mark = "`" * (longest + 1)
    yield f"{mark}{info}"
    yield from block.code.rstrip("\n").split("\n")
    yield mark
