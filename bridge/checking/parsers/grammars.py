"""The grammars of tree-sitter that are installed: the languages that count as wheels of their own, all others as one pack.

The pack of 300 grammars has 184 MB, so it is an extra of its own. Where both have a grammar, the wheel of its own is taken,
so that an answer is read in the same way with and without the pack.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A grammar that has a package of its own."""

    package: str  #: as pip knows it
    function: str = "language"  #: of its module, that gives the grammar

    @property
    def module(self) -> str:
        """What is imported."""
        return self.package.replace("-", "_")


#: {grammar: its own package}. Measured against the pack's on 4,200 texts, half of them cut or broken: each calls the same ones
#: broken, and what `structure` sees is the same.
WHEELS: dict[str, Wheel] = {
    "bash": Wheel(package="tree-sitter-bash"),
    "c": Wheel(package="tree-sitter-c"),
    "cpp": Wheel(package="tree-sitter-cpp"),
    "go": Wheel(package="tree-sitter-go"),
    "java": Wheel(package="tree-sitter-java"),
    "javascript": Wheel(package="tree-sitter-javascript"),
    "lua": Wheel(package="tree-sitter-lua"),
    "php": Wheel(package="tree-sitter-php", function="language_php"),
    "python": Wheel(package="tree-sitter-python"),
    "rust": Wheel(package="tree-sitter-rust"),
    "tsx": Wheel(package="tree-sitter-typescript", function="language_tsx"),
    "typescript": Wheel(package="tree-sitter-typescript", function="language_typescript"),
}
#: The last release with the parsers inside.
PACK, PACK_VERSION = "tree-sitter-language-pack", "0.13.0"


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """A grammar that is installed."""

    parser: Any  #: tree_sitter.Parser; untyped, because it is optional
    version: str


@dataclass(frozen=True, kw_only=True)
class Absent:
    """What is not installed, and the extra that brings it."""

    package: str
    extra: str


@cache
def find(name: str) -> Grammar | Absent | None:
    """A grammar by the pack's name for it; None: nobody has one."""
    wheel = WHEELS.get(name)
    if wheel is not None and (found := _of_wheel(wheel)) is not None:
        return found
    try:
        from tree_sitter_language_pack import get_parser  # optional, and only this function needs it
    except ImportError:
        if wheel is not None:
            return Absent(package=wheel.package, extra="lint")
        return Absent(package=f"{PACK}=={PACK_VERSION}", extra="grammars")
    try:
        return Grammar(parser=get_parser(name), version=metadata.version(PACK))  # type: ignore[arg-type]  # names are a Literal
    except (LookupError, AttributeError):
        return None


def _of_wheel(wheel: Wheel) -> Grammar | None:
    try:
        from tree_sitter import Language, Parser  # optional

        module = importlib.import_module(wheel.module)
    except ImportError:
        return None
    language = Language(getattr(module, wheel.function)())
    return Grammar(parser=Parser(language), version=metadata.version(wheel.package))
