"""One fenced block while it is read, and after. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.checking.language.languages import DOCUMENT, by_label
from bridge.checking.values import BlockEnd


@dataclass(kw_only=True)
class Fence:
    """One block while it is read, and after. Line numbers index the lines that were given, from 0."""

    mark: str  #: the characters of the opening fence, "" if it is missing
    info: str
    indent: int  #: columns before the opening fence
    quote: bool  #: inside a block quote
    opened: int  #: line of the opening fence
    first: int  #: first line of the body
    last: int = -1  #: last line that belongs to the block, its closing fence included
    body: list[str] = field(default_factory=list)
    why: BlockEnd = BlockEnd.UNCLOSED
    children: list[Fence] = field(default_factory=list)
    patch: bool = False  #: holds a patch, whose lines may hold fences

    @property
    def label(self) -> str | None:
        """The language that its label names."""
        return by_label(self.info.split()[0]) if self.info.split() else None

    @property
    def is_document(self) -> bool:
        """Whether fences inside it are blocks of their own."""
        return self.label in DOCUMENT

    def add(self, line: str) -> None:
        """Take one line of the body, less the indentation of the fence."""
        self.body.append(dedent(line, self.indent))

    def take(self, lines: Sequence[str], begin: int, end: int) -> int:
        """Take several lines, as far as there are any; gives the line to go on at."""
        for line in lines[begin:end]:
            self.add(line)
        return end


def width(space: str) -> int:
    """How many columns some leading space takes."""
    return len(space.expandtabs(4))


def dedent(line: str, columns: int) -> str:
    """Take off at most this many columns of leading space; a tab counts up to the next multiple of 4."""
    if not columns:
        return line
    at = column = 0
    while at < len(line) and column < columns and line[at] in " \t":
        column += 1 if line[at] == " " else 4 - column % 4
        at += 1
    return " " * max(0, column - columns) + line[at:]
