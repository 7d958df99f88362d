"""Imports of packages that nobody knows: findings that do not block, are shown, and are asked about in the next round.

An import is known if it is of the standard library, if the answer or the project brings it, if a manifest of the project declares
it, if the prompt names it, or if it is on a list of common packages. A name that says of itself that it is the reader's own
(`my_module`, `com.example`) is not asked about either.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence

from bridge.checking.known_packages import known
from bridge.checking.packages.declared import IMPORTED_AS, Declarations
from bridge.checking.packages.misspelt import meant
from bridge.checking.packages.names import FAMILIES, beginnings, prefix
from bridge.checking.packages.read import Imported, imported
from bridge.checking.patches.patch_set import ReadFile
from bridge.checking.values import CodeBlock, Diagnostic, FindingKind, Range, Role, Severity, fingerprint

#: The rules, as findings name them.
UNKNOWN, MISSPELT = "unknown-package", "misspelt-package"

_CODE = frozenset({Role.FILE, Role.CONTINUATION, Role.FRAGMENT})
_CALLED = {"python": "Python", "node": "JavaScript", "go": "Go", "rust": "Rust", "java": "Java"}

#: Names by which an example means the reader's own code.
_OWN_WORD = (
    r"(?:my|your|our|some|the)[_-]?\w*|\w*[_-](?:module|file|script|package|app|project|lib|code|name|example|impl|solution)"
    r"|(?:app|application|main|module|package|project|solution|program|script|example|examples|sample|demo|foo|bar|baz"
    r"|utils?|helpers?|tools?|common|core|lib|src|shared|config|settings|constants|types|models?|schemas?|serializers?|forms|views?"
    r"|urls|routes?|routers?|controllers?|services?|handlers?|middlewares?|database|db|data|api|server|client|tests?|conftest"
    r"|components?|pages|domain|entities|entity|repository|repositories|internal|pkg|cmd)"
)
_OWN = {
    "python": re.compile(rf"(?i){_OWN_WORD}"),
    "rust": re.compile(rf"(?i){_OWN_WORD}"),
    "node": re.compile(r"(?i)@?(?:my|your|our|some)[_-]?[\w-]*(?:/.*)?|[\w-]*-(?:module|package|app|project|lib)|path|@(?:app|src|components|lib|utils|shared|hooks|store|services|modules|config|types)/.*"),
    "go": re.compile(r"(?i)(?:example\.(?:com|org)|(?:github|gitlab)\.com/(?:your|my|user|username|example|org|yourusername|<)[^/]*|your[\w-]*|my[\w-]*)(?:/.*)?"),
    "java": re.compile(r"(?i)(?:com|org|net|io|de|edu)\.(?:example|sample|demo|your|my|our|acme|company|test|foo|mycompany)\w*(?:\..*)?|(?:your|my)\w*(?:\..*)?"),
}  # fmt: skip


def unknown_packages(blocks: Sequence[CodeBlock], prompt: str, read: ReadFile | None = None) -> Iterator[Diagnostic]:
    """A finding for each import of a package that nobody knows, each package once.

    Args:
        blocks: of the answer.
        prompt: what was asked; a package that it names is known.
        read: gives the caller's files; None: no project is known.
    """
    project = Declarations(read)
    words = _words(prompt)
    seen: set[tuple[str, str]] = set()
    for block in blocks:
        if block.role not in _CODE or not block.current or not block.language:
            continue
        for found in imported(block.language, block.code):
            key = (found.family, prefix(found.family, found.name))
            if key not in seen and not _known(found, block, blocks, words, project):
                seen.add(key)
                yield _finding(block, found)


def _known(
    found: Imported, block: CodeBlock, blocks: Sequence[CodeBlock], words: frozenset[str], project: Declarations
) -> bool:
    names = beginnings(found.family, found.name)
    standard = _standard(found)
    if standard is not None:
        return standard
    listed = known(found.family).names
    return (
        any(name in listed for name in names)
        or _own(found, names)
        or _brought(found, blocks)
        or _told(found, words)
        or project.declares(found.family, names, block.path)
        or project.has(found.family, found.name, block.path)
    )


def _standard(found: Imported) -> bool | None:
    """Whether the standard library has it; None: it does not stand where only the standard library is."""
    library, name = known(found.family).standard, found.name
    if found.family == "java":
        package = re.match(r"[a-z\d.]+(?=\.[A-Z]|$)", name)
        if name.startswith("java."):
            return package is not None and package[0] in library
        return any(name.startswith(f"{p}.") for p in library) or None
    if found.family == "node":
        bare = name.removeprefix("node:")
        return (
            bare in library or (bare == name and bare.partition("/")[0] in library) or (None if bare == name else False)
        )
    if found.family == "go":
        return name in library or name == "C" or _elsewhere_of_go(name, library)
    # Private parts of an interpreter or of a package, in Python: nobody invents them.
    return prefix(found.family, name) in library or (found.family == "python" and name.startswith("_")) or None


def _elsewhere_of_go(name: str, library: Collection[str]) -> bool | None:
    """False for a path that only the standard library could have, but has not; None for all others."""
    first, *rest = name.split("/")
    nested = first in library and "internal" not in rest
    return False if "." not in first and (nested or not rest) and name != "internal" else None


def _own(found: Imported, names: tuple[str, ...]) -> bool:
    if found.family == "go" and "." not in names[0]:
        return True  # a path without a host is of the reader's own module, or of the standard library
    subject = prefix(found.family, found.name) if found.family in ("python", "rust") else found.name
    return _OWN[found.family].fullmatch(subject) is not None


def _brought(found: Imported, blocks: Sequence[CodeBlock]) -> bool:
    """Whether a file of the answer is what is imported, or of the same owner."""
    top = prefix(found.family, found.name)
    for block in blocks:
        if FAMILIES.get(block.language or "") != found.family:
            continue
        if found.family in ("python", "rust") and block.path:
            parts = posixpath.splitext(block.path)[0].split("/")
            if top in parts:
                return True
        if found.family == "java" and (own := re.search(r"(?m)^\s*package\s+([\w.]+)\s*;", block.code)):
            mine = ".".join(own[1].split(".")[:2])
            if found.name.startswith((f"{mine}.", f"{own[1]}.")):
                return True
        if found.family == "rust" and re.search(rf"\bmod\s+{re.escape(top)}\b", block.code):
            return True
    return False


def _words(prompt: str) -> frozenset[str]:
    """The words of a prompt that may name a package, and the parts of those that are paths."""
    found = {word.strip(".-/").lower() for word in re.findall(r"[@\w][\w./@:-]*", prompt[:100_000])}
    parts = {part for word in found for part in re.split(r"[./:]", word)}
    return frozenset(word.replace("-", "_") for word in found | parts if word)


def _told(found: Imported, words: frozenset[str]) -> bool:
    """Whether the prompt names the package, or the path whose last part it is."""
    name = prefix(found.family, found.name).lower().replace("-", "_")
    parts = {name, found.name.lower().replace("-", "_")}
    return bool(parts & words) or (
        found.family == "go" and name.rpartition("/")[2] in words and name.split("/")[-2] in words
    )


def _finding(block: CodeBlock, found: Imported) -> Diagnostic:
    name = prefix(found.family, found.name)
    code, message = UNKNOWN, f"{found.name}: no such package of {_CALLED[found.family]} is known"
    if _standard(found) is False:
        message = f"{found.name}: the standard library of {_CALLED[found.family]} has no such package"
    elif found.family == "python" and (right := IMPORTED_AS.get(name.lower().replace("-", "_"))) and right != name:
        message = f"{found.name}: no such module is known; the package of that name is imported as {right}"
    elif right := _meant(found):
        code, message = MISSPELT, f"{message}; one typing error away from {right}, which is"
    line = block.code.split("\n")[found.line]
    return Diagnostic(
        block=block.index,
        range=Range.at(found.line + 1, 1 + len(line) - len(line.lstrip())),
        severity=Severity.WARNING,
        code=code,
        source="bridge",
        message=message,
        kind=FindingKind.PACKAGE,
        fingerprint=fingerprint("bridge", code, found.name, ""),
    )


def _meant(found: Imported) -> str | None:
    popular = known(found.family).popular
    if found.family in ("go", "java"):
        return next(
            (right for name in beginnings(found.family, found.name)[1:] if (right := meant(name, popular))), None
        )
    name = prefix(found.family, found.name)
    scoped = name.startswith("@")
    right = meant(name.partition("/")[0] if scoped else name, {p.removesuffix("/*") for p in popular})
    return f"{right}/*" if right and scoped else right
