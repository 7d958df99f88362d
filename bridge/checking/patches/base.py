"""The values of patches: what is changed in which file, what became of it, and why not.

Lines of a patch are counted from 0, in the text of its block. A line's text ends in its `\\n`, unless the patch says that
the file ends without one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class LineSign(Enum):
    """What a patch does with a line."""

    KEEP = " "  # must be there, and stays
    REMOVE = "-"  # must be there, and goes
    ADD = "+"  # comes


_REVERSED = {LineSign.KEEP: LineSign.KEEP, LineSign.REMOVE: LineSign.ADD, LineSign.ADD: LineSign.REMOVE}


@dataclass(frozen=True, kw_only=True)
class PatchLine:
    """One line of a hunk."""

    sign: LineSign
    text: str
    at: int  #: line of the patch


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """Lines that stand together in a file, and what becomes of them."""

    lines: tuple[PatchLine, ...]
    at: int  #: line of the patch that it begins in
    start: int | None = (
        None  #: line of the file, from 0, as its header says; None: it says none, or miscounts its lines
    )
    start_after: int | None = None  #: the same in the changed file

    @property
    def before(self) -> tuple[PatchLine, ...]:
        """What must be there."""
        return tuple(line for line in self.lines if line.sign is not LineSign.ADD)

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return any(line.sign is not LineSign.KEEP for line in self.lines)

    def reversed(self) -> Hunk:
        """What takes it back."""
        lines = tuple(replace(line, sign=_REVERSED[line.sign]) for line in self.lines)
        return replace(self, lines=lines, start=self.start_after, start_after=self.start)


@dataclass(frozen=True, kw_only=True)
class FilePatch:
    """What a patch does with one file."""

    path: str | None  #: as the patch names it, without `a/` and `b/`; None: it names none
    at: int  #: line of the patch that it begins in
    creates: bool = False  #: the file must not be there yet
    hunks: tuple[Hunk, ...] = ()
    undone: str | None = None  #: what it asks for that is never done: to delete or rename a file, and the like

    def reversed(self) -> FilePatch:
        """What takes it back."""
        return replace(self, hunks=tuple(hunk.reversed() for hunk in self.hunks))


@dataclass(frozen=True, kw_only=True)
class PatchFault:
    """Why a text is no patch, or why a patch does not fit."""

    at: int  #: line of the patch
    reason: str


@dataclass(frozen=True, kw_only=True)
class ParsedPatch:
    """A patch: its files in order, each to be changed as the ones before it left it; or what is wrong with it."""

    files: tuple[FilePatch, ...] = ()
    faults: tuple[PatchFault, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that it names, each once."""
        return tuple(dict.fromkeys(file.path for file in self.files if file.path))

    def aimed_at(self, out: str | None) -> ParsedPatch:
        """The same, about the path that the caller wants, where just one file of that name is in it under another path."""
        same = [path for path in self.targets if out and path.rpartition("/")[2] == out.rpartition("/")[2]]
        if len(same) != 1 or out in self.targets:
            return self
        return replace(
            self, files=tuple(replace(file, path=out) if file.path == same[0] else file for file in self.files)
        )


class PatchFit(Enum):
    """How well a patch fitted a text, best first."""

    EXACT = "exact"  # every line as it stands there, at the line that the patch names
    MOVED = "moved"  # as it stands there, at another line, or with lines after it that the patch does not know
    LINE_ENDS = "line ends"  # but for CRLF, or the end of the last line
    SPACES = "spaces"  # but for spaces at the end of lines, between words, or one indentation of all
    ALREADY = "already"  # the change is there


@dataclass(frozen=True, kw_only=True)
class Patched:
    """A text as a patch left it."""

    text: str
    fit: PatchFit
