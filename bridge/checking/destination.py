"""Which code of an answer goes to which path. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Protocol, TypeVar

from bridge.checking.language import languages
from bridge.checking.values import Role

#: What has a place in a project.
PLACEABLE = frozenset({Role.FILE, Role.CONTINUATION, Role.FRAGMENT, Role.DATA})

#: What a caller may want; the rest is sample output, and wrappers of blocks that are listed themselves.
WANTED = (Role.FILE, Role.CONTINUATION, Role.FRAGMENT, Role.DATA, Role.DIFF, Role.COMMAND)


class Placeable(Protocol):
    """A piece of code with what decides where it goes: a block, or a file that is handed over."""

    @property
    def path(self) -> str | None:
        """The path that the answer gives to it."""

    @property
    def language(self) -> str | None:
        """A name of `languages.LANGUAGES`."""

    @property
    def role(self) -> Role:
        """What it is for."""

    @property
    def code(self) -> str:
        """Its text."""


P = TypeVar("P", bound=Placeable)


def plain_name(number: int, language: str | None) -> str:
    """The name of a file that has no place, the n-th of those that are handed over, counted from 1."""
    return f"block-{number}.{languages.extension(language)}"


def destinations(pieces: Sequence[P], out: str | None) -> dict[str, P]:
    """{path: piece} of all that has a place.

    The path asked for, `out`, gets the piece of that path, or of that file name, or else of those without a path the
    largest in the language of `out`, a whole file before a piece of one. Every other piece that names a path goes there.
    """
    fit = [piece for piece in pieces if piece.role in PLACEABLE]
    found = {piece.path: piece for piece in fit if piece.path}
    if not out or out in found:
        return found
    named = [path for path in found if posixpath.basename(path) == posixpath.basename(out)]
    nameless = [piece for piece in fit if not piece.path]
    if len(named) == 1:
        found[out] = found.pop(named[0])
    elif nameless:
        wanted = languages.by_path(out)

        def merit(piece: P) -> tuple[bool, bool, int]:
            return (
                languages.related(piece.language, wanted),
                piece.role in (Role.FILE, Role.CONTINUATION),
                len(piece.code),
            )

        found[out] = max(nameless, key=merit)
    return found
