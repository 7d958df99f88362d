"""Code in another language than the caller asked for, or than the path that it goes to says. Pure.

Looked at after the labels were corrected: a wrong word on a fence is no wrong language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.checking.destination import PLACEABLE, destinations
from bridge.checking.language import detect, languages
from bridge.checking.values import (
    CodeBlock,
    Diagnostic,
    FindingKind,
    Range,
    fingerprint,
)

_SCRIPTS = frozenset({"javascript", "jsx", "typescript", "tsx"})
#: Of these dialects, what a file of the first one cannot hold.
_TOO_MUCH = {
    "javascript": frozenset({"typescript", "tsx"}),
    "jsx": frozenset({"typescript", "tsx"}),
    "typescript": frozenset({"tsx"}),
}


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What the caller asked for."""

    asked: str | None = None  #: language, by name; None: any
    out: str | None = None  #: path that the code goes to

    def addressed(self, blocks: Sequence[CodeBlock]) -> tuple[CodeBlock, ...]:
        """The blocks, those in a dialect of JavaScript to be checked as the dialect of the path that they go to."""
        dialect = {
            piece.index: language
            for path, piece in destinations(blocks, self.out).items()
            if (language := languages.by_path(path)) in _SCRIPTS and piece.language in _SCRIPTS
        }
        return tuple(block.evolve(language=dialect.get(block.index, block.language)) for block in blocks)

    def findings(self, blocks: Sequence[CodeBlock]) -> Iterator[Diagnostic]:
        """A blocking finding for each block that is in the wrong language."""
        for index, message in self._wrong([b for b in blocks if b.role in PLACEABLE and b.current]):
            yield _found(blocks[index], message)

    def _wrong(self, code: Sequence[CodeBlock]) -> Iterator[tuple[int, str]]:
        """Index of each block in the wrong language, and what is said of it."""
        for path, block in destinations(code, self.out).items():
            meant = languages.by_path(path)
            if meant and not _holds(meant, block):
                yield block.index, f"is {_shown(block)}, but {path} is a path of {languages.display(meant)}"
        if self.asked is None or self.asked in languages.TEXT | languages.DOCUMENT:
            return
        if not any(languages.related(block.language, self.asked) for block in code):
            for block in code:
                if block.language and not _holds(self.asked, block):
                    yield block.index, f"is {_shown(block)}, but {languages.display(self.asked)} was asked for"


def _holds(meant: str, block: CodeBlock) -> bool:
    """Whether a file in one language may hold a block: of a related language, or one that reads more like the first."""
    if block.language is None or meant in languages.TEXT | languages.DOCUMENT:
        return True
    if languages.related(meant, block.language):
        return block.language not in _TOO_MUCH.get(meant, frozenset())
    if meant in languages.DATA and block.language in languages.DATA and not detect.scores(block.code):
        return True
    ranked = detect.scores(block.code)
    return ranked.get(meant, 0) > ranked.get(block.language, 0)


def _shown(block: CodeBlock) -> str:
    return languages.display(block.language)


def _found(block: CodeBlock, message: str) -> Diagnostic:
    return Diagnostic(
        block=block.index,
        range=Range.at(1, 1),
        code="wrong-language",
        source="bridge",
        message=message,
        kind=FindingKind.LANGUAGE,
        blocking=True,
        fingerprint=fingerprint("bridge", "wrong-language", message, ""),
    )
