"""The raw text of an answer as clean lines, each still knowing its line in the answer.

Promises: as many lines as the answer has, except where a terminal had wrapped one (the pieces become one line again);
nothing that a terminal, a thinking model or an editor added is left: escape codes, CRLF, a byte-order mark, thoughts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.core.text import ESCAPE_SEQUENCE

_ESCAPE = re.compile(ESCAPE_SEQUENCE + r"|[\u200b\ufeff](?=\s*[`~]{3})")
#: The ollama command moves the cursor back over a word that does not fit, wipes it and prints it on the next line.
_REWRAP = re.compile(r"\x1b\[(\d{1,3})D\x1b\[K")
_THINK_OPEN = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_THINK_LINE = re.compile(r"\s*</(?:think|thinking|thought|reasoning)>\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Lines:
    """An answer's lines, cleaned."""

    text: tuple[str, ...]
    number: tuple[int, ...]  #: line of the answer, from 1, of each
    thinking: bool = False  #: the answer ended within its thoughts


def read_lines(answer: str) -> Lines:
    """The lines of an answer; LF, CRLF and CR end a line."""
    text: list[str] = []
    number: list[int] = []
    carry, begun = "", 0
    for at, raw in enumerate(answer.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        line = raw
        if "\x1b" in line or "\u200b" in line or "\ufeff" in line:
            at_end = False
            while wrapped := _REWRAP.search(line):
                at_end = wrapped.end() == len(line)
                line = line[: max(0, wrapped.start() - int(wrapped[1]))] + line[wrapped.end() :]
            line = _ESCAPE.sub("", line)
            if at_end:
                carry, begun = carry + line, begun or at
                continue
        text.append(carry + line)
        number.append(begun or at)
        carry, begun = "", 0
    if carry:
        text.append(carry)
        number.append(begun)
    elif len(text) > 1 and not text[-1]:
        text, number = text[:-1], number[:-1]  # what follows the last line end is no line
    return _without_thoughts(text, number)


def _without_thoughts(text: list[str], number: list[int]) -> Lines:
    """Blank the thoughts that an answer begins with; their lines stay, so that numbers do not move."""
    first = next((i for i, line in enumerate(text) if line.strip()), 0)
    head = text[first] if text else ""
    end: int | None = None
    opened = False
    if match := _THINK_OPEN.match(head):
        opened = True
        closing = re.compile(rf"</{match[1]}>", re.IGNORECASE)
        for i in range(first, len(text)):
            if found := closing.search(text[i], match.end() if i == first else 0):
                end = i
                text[i] = text[i][found.end() :]
                break
    elif head.strip() in ("Thinking...", "Thinking…"):
        opened = True
        done = (i for i in range(first, len(text)) if re.fullmatch(r"\s*\.{3}\s*done thinking\.?\s*", text[i]))
        end = next(done, None)
        if end is not None:
            text[end] = ""
    else:
        # The opening tag was part of the prompt's template: everything before the closing one is thought.
        end = next((i for i, line in enumerate(text) if _THINK_LINE.fullmatch(line)), None)
        if end is not None and sum("```" in line for line in text[:end]) % 2:
            end = None  # the tag stands in a code block
        if end is not None:
            text[end] = ""
    if opened and end is None:
        return Lines(text=tuple("" for _ in text), number=tuple(number), thinking=True)
    for i in range(end or 0):
        text[i] = ""
    return Lines(text=tuple(text), number=tuple(number))
