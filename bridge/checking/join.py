"""An answer that was cut and its continuation, as one text. Pure."""

from __future__ import annotations

import re


def join(answer: str, rest: str) -> str | None:
    """An answer and its continuation as one text; None if they do not fit.

    The continuation may repeat the last lines, open a new fence first, or begin in the middle of the last line. What
    overlaps is taken once. A reply that starts all over again is no continuation.
    """
    inside = _inside_fence(answer)
    body = _unopened(rest) if inside else rest.lstrip("\n")
    if not body.strip():
        return None
    old = answer.rstrip("\n").split("\n")
    new = body.split("\n")
    for size in range(min(60, len(old), len(new)), 0, -1):
        tail, head = old[-size:], new[:size]
        whole = [line.strip() for line in tail[:-1]] == [line.strip() for line in head[:-1]]
        if whole and tail[-1].strip() and head[-1].strip().startswith(tail[-1].strip()):
            if size == 1 and len(tail[-1].strip()) < 3:
                continue
            return "\n".join((*old[:-size], *_indented(tail, head), *new[size:]))
    for size in range(min(200, len(old[-1]), len(body)), 7, -1):
        if old[-1].endswith(body[:size]):
            return "\n".join(old) + body[size:]
    if _starts_over(answer, rest) or _starts_over(answer, body):
        return None
    return "\n".join(old) + ("" if _mid_line(old[-1]) else "\n") + body


def _inside_fence(answer: str) -> bool:
    opened = ""
    for line in answer.split("\n"):
        match = re.match(r"\s*(`{3,}|~{3,})(.*)$", line)
        if not match:
            continue
        if not opened:
            opened = match[1]
        elif match[1][0] == opened[0] and len(match[1]) >= len(opened) and not match[2].strip():
            opened = ""
    return bool(opened)


def _unopened(rest: str) -> str:
    """A continuation of a block, without an introduction and the fence that opens it again."""
    match = re.match(r"(?s)(?:(?!\s*```)[^\n]*\n){0,3}?\s*(?:`{3,}|~{3,})[\w+#.-]*[^\n`]*\n(?=.*\S)", rest)
    return rest[match.end() :] if match else rest.lstrip("\n")


def _indented(tail: list[str], head: list[str]) -> list[str]:
    """The overlapping lines: those of the answer, the last one completed from the continuation."""
    return [*tail[:-1], tail[-1].rstrip() + head[-1].strip()[len(tail[-1].strip()) :]]


def _starts_over(answer: str, rest: str) -> bool:
    """Whether a reply begins as the answer did, or as one of its blocks."""
    again = [line.strip() for line in rest.split("\n") if line.strip() and "```" not in line][:2]
    lines = [line.strip() for line in answer.split("\n") if line.strip()]
    begins = [0, *(i + 1 for i, line in enumerate(lines) if line.startswith("```"))]
    plain = [[x for x in lines[i : i + 3] if "```" not in x][:2] for i in begins]
    return len(lines) > 6 and len(again) == 2 and again in plain


def _mid_line(line: str) -> bool:
    """Whether a line was cut within itself: it does not end as lines of code or text do."""
    return bool(line) and not re.search(r"[;{}):,.>\]]\s*$|^\s*$", line)
