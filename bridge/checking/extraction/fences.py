"""Fenced code blocks in lines of Markdown, as a person sees them.

CommonMark's rules (https://spec.commonmark.org/0.31.2/#fenced-code-blocks) and what language models do beside them:
whole answers inside a `markdown` fence, fences that are never closed, closed twice, or glued to other text. Pure: a
tuple of lines in, values out. Each deviation from CommonMark is named where it is made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.checking.extraction import literals
from bridge.checking.extraction.fence import Fence, dedent, width
from bridge.checking.language.languages import by_label
from bridge.checking.patches import parse, search_replace
from bridge.checking.values import BlockEnd

_QUOTE = re.compile(r"^(?: {0,3}> ?)+")
_OPEN = re.compile(r"^([ \t]*)((?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(`{3,}|~{3,})(.*)$")
_LIST_ITEM = re.compile(r"^([ \t]*)(?:[-*+]|\d{1,9}[.)])([ \t]+)(?=\S)")
#: Not CommonMark: what stands after a closing fence: a token of the model's template, or a sentence.
_AFTER_CLOSER = re.compile(
    r"(?<=[`~]{3})\s*(?:(?:<\|[^|>\n]{1,40}\|>|</s>)\s*)+$|(?<=[`~]{3})\s+[A-Z][\w']*(?:\s+\S+){2,}[.:!?]$"
)
_GLUED_OPEN = re.compile(r"^[^`~]*\S[^`~]*[ \t]*(```)([A-Za-z][\w+#.-]*)[ \t]*$")

#: So many lines of a block tell whether it is a patch: what git writes of a commit may stand before its first file.
_HEAD_LINES = 60


def _list_base(lines: Sequence[str], at: int, indent: int) -> int | None:
    """The content column of the list item that a line so far indented can lie in; None if it lies in none."""
    limit = indent
    for i in range(at - 1, max(-1, at - 400), -1):
        line = _QUOTE.sub("", lines[i])
        if not line.strip():
            continue
        if match := _LIST_ITEM.match(line):
            content = width(match[0])
            if content <= limit:
                return content
            if width(match[1]) <= limit:
                return width(match[1]) + 1  # indented less than its item's text: sloppy, but meant to be in it
        here = width(line[: len(line) - len(line.lstrip())])
        if here == 0:
            return None
        limit = min(limit, here)
    return None


def opener(lines: Sequence[str], at: int) -> Fence | None:
    """The block that a line opens; None if it opens none."""
    line = lines[at]
    if "```" not in line and "~~~" not in line:
        return None
    quote = _QUOTE.match(line)
    rest = line[quote.end() :] if quote else line
    match = _OPEN.match(rest)
    if match:
        space, items, mark, info = match.groups()
        indent = width(space + items)
        if mark[0] == "`" and "`" in info:
            return None
        if indent > 3 and not items:
            base = _list_base(lines, at, indent)
            if base is None or indent > base + 3:
                return None
    else:
        # Not CommonMark: an opening fence glued to the end of a sentence. Only with a label that is a language.
        glued = _GLUED_OPEN.match(rest)
        if not glued or not by_label(glued[2]):
            return None
        mark, info, indent = glued[1], glued[2], 0
    return Fence(mark=mark, info=info.strip(), indent=indent, quote=bool(quote), opened=at, first=at + 1)


def _closes(line: str, fence: Fence) -> bool:
    """Whether a line is the block's closing fence."""
    if fence.mark not in line:  # as in nearly all of them
        return False
    bare = _AFTER_CLOSER.sub("", line.strip())
    if len(bare) < len(fence.mark) or bare != fence.mark[0] * len(bare):
        return False
    # Not CommonMark: a closing fence may stand further left than its opener's list item. Deeper than 3 is content.
    return width(line[: len(line) - len(line.lstrip())]) <= fence.indent + 3


def _relabelled(lines: Sequence[str], at: int, fence: Fence) -> Fence | None:
    """The labelled block that begins at this line inside a block that is still open, at the same depth."""
    inner = opener(lines, at)
    if inner is None:
        return None
    same = inner.mark[0] == fence.mark[0] and len(inner.mark) >= len(fence.mark)
    if fence.is_document and not same:
        return inner  # a fence that cannot close this one, so it needs no label to begin another
    if not inner.info or not same:
        return None
    if inner.indent != fence.indent and not fence.is_document:
        return None
    word = inner.info.split()[0]
    known = by_label(word) is not None or (re.fullmatch(r"[\w+#./:-]{1,250}", word) and ("." in word or ":" in word))
    return inner if known else None


def scan(lines: Sequence[str]) -> list[Fence]:
    """The blocks of some lines in order; a block that holds others has them as children.

    A patch is found without a fence, too: fences in it are lines of its files.
    """
    found: list[Fence] = []
    rest = list(lines)
    at = 0
    while at < len(rest):
        fence = opener(rest, at)
        if fence is not None:
            at = _read(rest, fence)
            found.append(fence)
        elif end := parse.extent(rest, at):
            found.append(_bare_patch(rest, at, end))
            at = end
        else:
            at += 1
    return found


def _bare_patch(lines: Sequence[str], at: int, end: int) -> Fence:
    fence = Fence(mark="", info="", indent=0, quote=False, opened=at, first=at, last=end - 1, why=BlockEnd.NO_FENCE)
    fence.body = [*lines[at:end]]
    fence.patch = True
    return fence


def _read_patch(lines: Sequence[str], fence: Fence) -> int:
    """Read a block that holds a patch; gives the line to go on at.

    Not CommonMark: only a fence without a space before it ends it, because ` ``` ` is a line of a file that the patch keeps;
    and none within a search/replace block.
    """
    at = fence.first
    inside = 0  # where the search/replace block ends that this line is in
    while at < len(lines):
        line = lines[at]
        if fence.quote:
            quote = _QUOTE.match(line)
            if not quote:
                return _end(fence, at - 1, BlockEnd.IMPLICIT_CLOSE, at)
            line = line[quote.end() :]
        margin = width(line[: len(line) - len(line.lstrip())]) <= fence.indent
        if margin and at >= inside and line.lstrip().startswith(fence.mark):
            if _closes(line, fence):
                return _end(fence, at, BlockEnd.CLOSED, at + 1)
            return _end(fence, at - 1, BlockEnd.IMPLICIT_CLOSE, at)
        if search_replace.OPENS.match(line.lstrip()):
            inside = search_replace.closing(lines, at, str.lstrip) or 0
        fence.add(line)
        at += 1
    return _end(fence, len(lines) - 1, BlockEnd.UNCLOSED, len(lines))


def _holds_patch(lines: Sequence[str], fence: Fence) -> bool:
    if fence.label == "diff":
        return True
    head = lines[fence.first : fence.first + _HEAD_LINES]
    return parse.is_patch(
        "\n".join(dedent(_QUOTE.sub("", line) if fence.quote else line, fence.indent) for line in head)
    )


def _read(lines: list[str], fence: Fence) -> int:
    """Read a block to its end; gives the line to go on at."""
    fence.patch = _holds_patch(lines, fence)
    return _read_patch(lines, fence) if fence.patch else _read_code(lines, fence)


def _read_code(lines: list[str], fence: Fence) -> int:
    at = fence.first
    wraps = fence.is_document or _starts_with_fence(lines, fence)
    while at < len(lines):
        line = lines[at]
        if fence.quote:
            quote = _QUOTE.match(line)
            if not quote:
                return _end(fence, at - 1, BlockEnd.IMPLICIT_CLOSE, at)
            line = line[quote.end() :]
        if _closes(line, fence):
            if (inside := literals.past(lines, at, fence, _closes)) is not None:
                at = fence.take(lines, at, inside)
                continue
            return _end(fence, at, BlockEnd.CLOSED, at + 1)
        if line.strip().startswith(fence.mark * 2) and by_label(line.strip().strip("`~")):
            # Not CommonMark: "``````js" is one block's end and the next one's beginning.
            lines[at] = line.replace(fence.mark, "", 1)
            return _end(fence, at - 1, BlockEnd.CLOSED, at)
        inner = None if fence.quote else _relabelled(lines, at, fence)
        if inner is not None and not wraps and (inside := literals.past(lines, at, fence, _closes)) is not None:
            at = fence.take(lines, at, inside)
            continue
        if inner is not None and wraps:
            after = _read(lines, inner)
            fence.children.append(inner)
            at = fence.take(lines, at, after)
            continue
        if inner is not None:
            glued = _unglue(fence)
            return glued if glued is not None else _end(fence, at - 1, BlockEnd.IMPLICIT_CLOSE, at)
        fence.add(line)
        at += 1
    glued = _unglue(fence)
    return glued if glued is not None else _end(fence, len(lines) - 1, BlockEnd.UNCLOSED, len(lines))


def _starts_with_fence(lines: Sequence[str], fence: Fence) -> bool:
    """Not CommonMark: an unlabelled fence right before a labelled one of the same length wraps it."""
    if fence.info or fence.first >= len(lines):
        return False
    inner = opener(lines, fence.first)
    return bool(inner and inner.info and inner.mark == fence.mark and by_label(inner.info.split()[0]))


def _unglue(fence: Fence) -> int | None:
    """Not CommonMark: end a block that nothing closes at the line whose end is a fence glued to code."""
    if fence.is_document or fence.children or not fence.mark:
        return None
    for i, line in enumerate(fence.body):
        stripped = line.rstrip()
        if stripped.endswith(fence.mark) and stripped.count(fence.mark) == 1:
            fence.body = [*fence.body[:i], stripped[: -len(fence.mark)]]
            fence.last = fence.first + i
            fence.why = BlockEnd.CLOSED
            return fence.last + 1
    return None


def _end(fence: Fence, last: int, why: BlockEnd, go_on: int) -> int:
    if why is BlockEnd.UNCLOSED and not fence.children:
        while fence.body and not fence.body[-1].strip():
            fence.body.pop()
            last -= 1
    fence.last = max(last, fence.opened)
    fence.why = why
    return go_on
