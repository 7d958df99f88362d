"""Where a hunk's lines stand in a text: exactly, or but for whitespace; in one place, or the hunk is refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bridge.checking.patches.base import Hunk, LineSign, PatchFault, PatchFit

_SHOWN_CHARS = 80
#: More places than this are not looked for: one hunk has one.
_MAX_PLACES = 50


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a hunk belongs."""

    start: int  #: line of the text, from 0
    fit: PatchFit
    indent: str = ""  #: comes before each line that is added
    outdent: str = ""  #: is taken from each line that is added


@dataclass(frozen=True, kw_only=True)
class _Level:
    """One way to compare lines."""

    fit: PatchFit
    key: Callable[[str], str]  #: lines with the same key are the same
    numbers: bool  #: whether a head's number tells which of several places is meant


def _words(line: str) -> str:
    return " ".join(line.split())


_LEVELS = (
    _Level(fit=PatchFit.EXACT, key=lambda line: line[:-1] if line.endswith("\n") else line + "\0", numbers=True),
    _Level(fit=PatchFit.LINE_ENDS, key=lambda line: line.rstrip("\r\n"), numbers=True),
    _Level(fit=PatchFit.SPACES, key=str.rstrip, numbers=False),
    _Level(fit=PatchFit.SPACES, key=_words, numbers=False),
)


class LineIndex:
    """A text's lines, to be searched on every level; each level is made when it is first needed."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._joined: dict[Callable[[str], str], str] = {}

    def find(self, wanted: Sequence[str], key: Callable[[str], str]) -> Iterator[int]:
        """The lines that some lines begin at."""
        if key not in self._joined:
            self._joined[key] = "\n" + "".join(key(line) + "\n" for line in self.lines)
        text, pattern = self._joined[key], "\n" + "".join(key(line) + "\n" for line in wanted)
        line, seen, at = 0, 0, text.find(pattern)
        while at >= 0:
            line, seen = line + text.count("\n", seen, at), at
            yield line
            at = text.find(pattern, at + 1)


def place(hunk: Hunk, index: LineIndex) -> Place | PatchFault:
    """Where a hunk belongs; why it belongs nowhere if its lines are not there, or in several places."""
    wanted = [line.text for line in hunk.before]
    if not wanted:
        if index.lines:
            return PatchFault(at=hunk.at, reason="it has no line that tells where it belongs")
        return Place(start=0, fit=PatchFit.EXACT)
    for level in _LEVELS:
        found = (p for at in index.find(wanted, level.key) if (p := _placed(hunk, index, at, level)) is not None)
        places = list(islice(found, _MAX_PLACES))
        if level.numbers and hunk.start is not None and len(places) > 1:
            there = index.lines[hunk.start : hunk.start + len(wanted)]
            if [level.key(line) for line in there] == [level.key(line) for line in wanted]:
                return _placed(hunk, index, hunk.start, level) or places[0]
        if len(places) > 1:
            several = f"{len(places)} places" if len(places) < _MAX_PLACES else "many places"
            at = ", ".join(str(p.start + 1) for p in places[:5])
            return PatchFault(at=hunk.at, reason=f"its lines stand in {several} of the file, at lines {at}")
        if places:
            return places[0]
    return PatchFault(at=hunk.at, reason=_absent(wanted, index))


def _placed(hunk: Hunk, index: LineIndex, at: int, level: _Level) -> Place | None:
    if level.fit is PatchFit.EXACT:
        # Git asks, too, that a hunk without lines to keep at its end stands at the end of the file.
        ends = hunk.lines[-1].sign is LineSign.KEEP or at + len(hunk.before) == len(index.lines)
        return Place(start=at, fit=PatchFit.EXACT if at == hunk.start and ends else PatchFit.MOVED)
    if level.key is not _words:
        return Place(start=at, fit=level.fit)
    pairs = [
        (_space(line.text), _space(there))
        for line, there in zip(hunk.before, index.lines[at : at + len(hunk.before)], strict=True)
        if line.text.strip()
    ]
    if not pairs:
        return None
    mine, there = pairs[0]
    indent, outdent = there.removesuffix(mine), mine.removesuffix(there)
    if there.endswith(mine) and all(b == indent + a for a, b in pairs):
        return Place(start=at, fit=PatchFit.SPACES, indent=indent)
    if mine.endswith(there) and all(a == outdent + b for a, b in pairs):
        return Place(start=at, fit=PatchFit.SPACES, outdent=outdent)
    return None


def _space(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _absent(wanted: Sequence[str], index: LineIndex) -> str:
    there = {_words(line) for line in index.lines}
    missing = next((line.strip() for line in wanted if _words(line) not in there), None)
    if missing is None:
        return "its lines are in the file, but do not stand together there, or are indented differently"
    return f"the file has no line {missing[:_SHOWN_CHARS]!r}"
