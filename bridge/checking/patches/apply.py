"""A patch applied to a text: the text that comes of it, or the reason why not. Nothing is guessed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bridge.checking.patches.base import FilePatch, Hunk, LineSign, Patched, PatchFault, PatchFit, PatchLine
from bridge.checking.patches.place import LineIndex, Place, place

#: Files longer than this are not patched.
MAX_TEXT_CHARS = 2_000_000

_WORST_FIRST = (PatchFit.SPACES, PatchFit.LINE_ENDS, PatchFit.MOVED, PatchFit.EXACT)


def apply_patch(patch: FilePatch, text: str | None) -> Patched | PatchFault:
    """What a file holds after a patch.

    Every hunk is looked for in the text as it is: its lines as they stand, then but for line ends, then but for
    whitespace. The number in its head only tells which of several exact places is meant.

    Args:
        patch: of this file.
        text: what the file holds; None: there is none.

    Gives:
        A fault if a hunk's lines are not there, or in several places; if two hunks change the same lines; if a file to
        be changed is missing, or one to be created is not; or if the patch asks for what is never done.
    """
    if patch.undone:
        return PatchFault(at=patch.at, reason=f"{patch.undone}, and that is not done")
    if text is None and not patch.creates:
        return PatchFault(at=patch.at, reason="there is no such file")
    if text and len(text) > MAX_TEXT_CHARS:
        return PatchFault(at=patch.at, reason=f"the file is longer than {MAX_TEXT_CHARS} characters")
    if text and patch.creates:
        return PatchFault(at=patch.at, reason="it creates the file, which is there already")
    lines = _lines(text or "")
    index = LineIndex(lines)
    edits: list[_Edit] = []
    fits = [PatchFit.EXACT]
    for hunk in patch.hunks:
        found = place(hunk, index)
        if isinstance(found, PatchFault):
            return found
        fits.append(found.fit)
        added = _Reshaped(place=found, line_end=_line_end(lines))
        edits += _edits(hunk, added)
    edits.sort(key=lambda edit: (edit.start, edit.end))
    for one, other in pairwise(edits):
        if other.start < one.end or (other.start == one.start and other.end == one.end):
            return PatchFault(at=other.at, reason="it changes lines that another part of the patch changes too")
    return _changed(lines, edits, next(fit for fit in _WORST_FIRST if fit in fits))


def settle(patch: FilePatch, text: str | None) -> Patched | PatchFault:
    """As `apply_patch`; a change that is in the text already leaves it as it is."""
    done = apply_patch(patch, text)
    if text is not None and (isinstance(done, PatchFault) or _fits_again(patch)) and is_applied(patch, text):
        return Patched(text=text, fit=PatchFit.ALREADY)
    return done


def _fits_again(patch: FilePatch) -> bool:
    """Whether a patch that was applied may fit once more: it only adds, before or after the lines that it keeps."""
    signs = [[line.sign for line in hunk.lines] for hunk in patch.hunks]
    return all(LineSign.REMOVE not in each and LineSign.ADD in (each[0], each[-1]) for each in signs if each)


def is_applied(patch: FilePatch, text: str) -> bool:
    """Whether a text has what a patch adds, and nothing of what it takes away."""
    if patch.undone:
        return False
    if patch.creates:
        made = apply_patch(patch, None)
        return isinstance(made, Patched) and made.text == text
    return isinstance(apply_patch(patch.reversed(), text), Patched)


@dataclass(frozen=True, kw_only=True)
class _Edit:
    """Lines that take the place of others."""

    start: int
    end: int
    new: tuple[str, ...]
    at: int


@dataclass(frozen=True, kw_only=True)
class _Reshaped:
    """Added lines as the file around them is written."""

    place: Place
    line_end: str

    def line(self, line: PatchLine) -> str:
        if self.place.fit in (PatchFit.EXACT, PatchFit.MOVED):
            return line.text
        content = line.text.rstrip("\r\n")
        if content.strip():
            content = self.place.indent + content.removeprefix(self.place.outdent)
        return content + (self.line_end if line.text.endswith("\n") else "")


def _edits(hunk: Hunk, shape: _Reshaped) -> list[_Edit]:
    """The runs of changed lines of a hunk."""
    edits: list[_Edit] = []
    start = end = shape.place.start
    new: list[str] = []
    for line in (*hunk.lines, None):
        if line is not None and line.sign is LineSign.ADD:
            new.append(shape.line(line))
        elif line is not None and line.sign is LineSign.REMOVE:
            end += 1
        else:
            if new or end > start:
                edits.append(_Edit(start=start, end=end, new=tuple(new), at=hunk.at))
            start = end = end + 1
            new = []
    return edits


def _changed(lines: Sequence[str], edits: Sequence[_Edit], fit: PatchFit) -> Patched:
    out: list[str] = []
    at = own = 0
    for edit in edits:
        out += lines[at : edit.start]
        out += edit.new
        at, own = edit.end, len(out)
    out += lines[at:]
    end = _line_end(lines)
    ended = [line if line.endswith("\n") else line + end for line in out[:-1]]
    last = "".join(out[-1:])
    exact = fit in (PatchFit.EXACT, PatchFit.MOVED)
    if not exact and lines and not lines[-1].endswith("\n") and own == len(out):
        last = last.rstrip("\r\n")  # the file ended without one, and the patch could not know
    return Patched(text="".join((*ended, last)), fit=fit)


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _line_end(lines: Sequence[str]) -> str:
    crlf = sum(line.endswith("\r\n") for line in lines)
    return "\r\n" if crlf * 2 > len(lines) else "\n"
