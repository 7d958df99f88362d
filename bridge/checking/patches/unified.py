"""Unified diffs, git's among them, as typed hunks. Pure.

Git's format (https://git-scm.com/docs/diff-format), and what models make of it: no `diff --git`, no numbers after `@@`, wrong
ones, no `@@` at all, blank lines without their space. The numbers of a head that miscounts are not believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bridge.checking.extraction import paths
from bridge.checking.patches import names as head_names
from bridge.checking.patches.base import FilePatch, Hunk, LineSign, ParsedPatch, PatchFault, PatchLine

_NUMBERS = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_COMMIT = re.compile(r"commit [0-9a-f]{7,64}\b|From [0-9a-f]{40,64} |-- ?$")
_SIGNS = {sign.value: sign for sign in LineSign}
_PLAIN_MODES = ("100644", "100755", "100664")


@dataclass(kw_only=True)
class _Section:
    """One file while it is read."""

    at: int
    path: str | None = None
    creates: bool = False
    undone: str | None = None
    hunks: list[Hunk] = field(default_factory=list)
    named: bool = False  #: its `---` and `+++` were read
    git: bool = False  #: it began with `diff --git`

    def patch(self) -> FilePatch:
        return FilePatch(
            path=self.path, at=self.at, creates=self.creates, hunks=tuple(self.hunks), undone=self.undone
        )  # fmt: skip


def begins(lines: Sequence[str], at: int) -> bool:
    """Whether a diff begins in this line: `diff --git`, two heads, or a hunk with numbers."""
    line = lines[at]
    return line.startswith(("diff --git ", "Index: ")) or is_head(lines, at) or bool(_NUMBERS.match(line))


def is_head(lines: Sequence[str], at: int) -> bool:
    """Whether two lines name a file before and after. In a hunk the same lines may be content: there a hunk must follow."""
    return at + 1 < len(lines) and lines[at].startswith("--- ") and lines[at + 1].startswith("+++ ")


def extent(lines: Sequence[str], at: int) -> int:
    """The line after a diff that begins at this line, where prose may follow it."""
    reader = _DiffReader(lines, None, prose=True)
    reader.read(at)
    return reader.end


def read(lines: Sequence[str], default: str | None) -> ParsedPatch:
    """The diff in some lines; what stands outside of its hunks, like the message of a commit, does not count."""
    reader = _DiffReader(lines, default)
    reader.read()
    faults = reader.faults
    files = tuple(section.patch() for section in reader.sections)
    if not faults and not any(f.undone or f.creates or any(h.changes for h in f.hunks) for f in files):
        faults = [PatchFault(at=0, reason="it changes nothing")]
    return ParsedPatch(files=files, faults=tuple(faults))


class _DiffReader:
    """Reads line by line; `sections` and `faults` are what it found."""

    def __init__(self, lines: Sequence[str], default: str | None, *, prose: bool = False) -> None:
        self._lines = lines
        self._default = default
        self._prose = prose  # the first line that is not the diff's ends it
        self._message = False  # in the message of a commit
        self.end = 0
        self.sections: list[_Section] = []
        self.faults: list[PatchFault] = []

    def read(self, first: int = 0) -> None:
        self.end = at = first
        while at < len(self._lines):
            after = self._element(at)
            if after is None:
                line = self._lines[at]
                if self._prose and line.strip():
                    return
                if _COMMIT.match(line):
                    self._message = not line.startswith("--")
                elif line[:1] in ("+", "-") and not self._message:
                    self.faults.append(PatchFault(at=at, reason="the line stands outside of every hunk"))
            else:
                self.end, self._message = after, False
            at = after or at + 1
        self.faults += [
            PatchFault(at=s.at, reason="it names a file and has no hunk")
            for s in self.sections
            if not s.hunks and not s.undone and not (s.git and s.creates)
        ]

    def _element(self, at: int) -> int | None:
        """Read what begins in this line; gives the line after it, None if it is not the diff's."""
        line = self._lines[at]
        if line.startswith("diff --git "):
            names = head_names.of_git(line.removeprefix("diff --git "))
            self.sections.append(_Section(at=at, path=names.new if names else None, git=True))
            return at + 1
        if is_head(self._lines, at):
            self._named(at)
            bare = at + 2 < len(self._lines) and not self._ends(at + 2) and self._lines[at + 2][:1] in _SIGNS
            return self._hunk(at + 2, at + 2) if bare else at + 2
        if line.startswith("@@"):
            return self._hunk(at, at + 1)
        if self._message:
            return None
        if self.sections and self.sections[-1].git and not self.sections[-1].hunks and self._extended(line):
            return at + 1
        if not self.sections and line[:1] in _SIGNS and line.strip():
            return self._hunk(at, at)
        return None

    def _section(self, at: int) -> _Section:
        if not self.sections:
            self.sections.append(_Section(at=at, path=self._default))
        return self.sections[-1]

    def _named(self, at: int) -> None:
        if not (self.sections and self.sections[-1].git and not self.sections[-1].named):
            self.sections.append(_Section(at=at))
        section = self.sections[-1]
        section.named = True
        names = head_names.of_heads(self._lines[at][4:], self._lines[at + 1][4:])
        section.path = names.new or names.old
        section.creates = names.old is None
        if names.new is None:
            section.undone = "it deletes the file"
        elif names.old is not None and names.old != names.new:
            section.undone = f"it renames {names.old}"

    def _extended(self, line: str) -> bool:
        """Read a line of git's own head; False if it is none."""
        section = self.sections[-1]
        word, _, rest = line.rpartition(" ")
        if word in ("new file mode", "deleted file mode", "old mode"):
            section.creates = word == "new file mode"
            if word == "deleted file mode":
                section.undone = "it deletes the file"
            elif word == "old mode":
                section.undone = "it changes the file's mode"
            elif rest not in _PLAIN_MODES:
                section.undone = "it makes a link or a submodule"
        elif line.startswith(("rename from ", "copy from ")):
            section.undone = f"it {line.split(' ')[0]}s {line.split(' from ', 1)[1]}".replace("copys", "copies")
        elif line.startswith(("rename to ", "copy to ")):
            section.path = line.split(" to ", 1)[1]
        elif line.startswith(("GIT binary patch", "Binary files ")):
            section.undone = "it changes a binary file"
        else:
            return line.startswith(("index ", "new mode ", "similarity index ", "dissimilarity index "))
        return True

    def _hunk(self, head: int, first: int) -> int:
        """Read a hunk; gives the line after it."""
        section = self._section(head)
        numbers = _NUMBERS.match(self._lines[head]) if first > head else None
        if first > head and self._lines[head].startswith("@@@"):
            self.faults.append(PatchFault(at=head, reason="a diff of a merge, with more than one state before"))
        found = self._counted(first, numbers) if numbers else None
        lines, after = found or self._uncounted(first)
        hunk = Hunk(lines=tuple(lines), at=head)
        if numbers and found:
            hunk = replace(
                hunk, start=_index(numbers[1], numbers[2]), start_after=_index(numbers[3], numbers[4])
            )  # fmt: skip
        section.hunks.append(hunk)
        return after

    def _counted(self, first: int, numbers: re.Match[str]) -> tuple[list[PatchLine], int] | None:
        """As many lines as the head says; None if those are not what stands there."""
        old, new = int(numbers[2] or 1), int(numbers[4] or 1)
        lines: list[PatchLine] = []
        at = first
        while at < len(self._lines) and (old or new or self._lines[at].startswith("\\ ")):
            if not self._take(lines, at):
                return None
            if not self._lines[at].startswith("\\ "):
                old -= lines[-1].sign is not LineSign.ADD
                new -= lines[-1].sign is not LineSign.REMOVE
            if old < 0 or new < 0:
                return None
            at += 1
        follows = next((i for i in range(at, len(self._lines)) if self._lines[i].strip()), None)
        whole = (
            not old and not new and (follows is None or self._ends(follows) or self._lines[follows][:1] not in _SIGNS)
        )
        return (lines, at) if whole else None

    def _uncounted(self, first: int) -> tuple[list[PatchLine], int]:
        """All lines up to the next head; blank ones at the end are the block's own."""
        lines: list[PatchLine] = []
        at = first
        while at < len(self._lines) and not self._ends(at):
            if not self._take(lines, at):
                if self._prose:
                    break
                self.faults.append(PatchFault(at=at, reason="the line begins with none of space, `-` and `+`"))
            at += 1
        while lines and lines[-1].sign is LineSign.KEEP and not self._lines[lines[-1].at]:
            lines.pop()
        return lines, lines[-1].at + 1 if self._prose and lines else at

    def _take(self, lines: list[PatchLine], at: int) -> bool:
        line = self._lines[at]
        if line.startswith("\\ ") and lines:
            lines[-1] = replace(lines[-1], text=lines[-1].text.removesuffix("\n"))
            return True
        sign = _SIGNS.get(line[:1]) if line else LineSign.KEEP
        if sign is None:
            return False
        lines.append(PatchLine(sign=sign, text=line[1:] + "\n", at=at))
        return True

    def _ends(self, at: int) -> bool:
        """Whether something else than a line of a hunk stands here."""
        line = self._lines[at]
        if line.startswith(("@@", "diff --git ", "Index: ")) or _COMMIT.match(line):
            return True
        if not is_head(self._lines, at):
            return False
        if at + 2 < len(self._lines) and self._lines[at + 2].startswith("@@"):
            return True
        names = head_names.of_heads(line[4:], self._lines[at + 1][4:])
        return names.old == names.new and names.old is not None and paths.looks_like_path(names.old)


def _index(number: str, count: str | None) -> int:
    """The first line of a hunk, from 0: a head that counts no line names the one before."""
    return int(number) - (0 if count == "0" else 1)
