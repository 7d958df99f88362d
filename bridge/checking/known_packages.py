"""Which packages are known: Debian's (`lists/*.txt`, generated), popular ones and those of standard libraries (kept by hand)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

#: Where the lists lie: in a wheel that is imported as it is, that is no folder of the disk.
FOLDER = resources.files("bridge.checking.packages") / "lists"


@dataclass(frozen=True, kw_only=True)
class KnownPackages:
    """The packages of one family of languages."""

    popular: frozenset[str]  #: those that a name with a typing error may have meant
    names: frozenset[str]  #: all, the popular ones too
    standard: frozenset[str]  #: what comes with the language


@cache
def known(family: str) -> KnownPackages:
    """What is known of a family: `python`, `node`, `go`, `rust` or `java`."""
    popular = _read(f"{family}_popular.txt")
    return KnownPackages(
        popular=popular,
        names=popular | _read(f"{family}.txt"),
        standard=_read(f"{family}_standard.txt"),
    )


def _read(name: str) -> frozenset[str]:
    lines = (FOLDER / name).read_text(encoding="utf-8").split("\n")
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
