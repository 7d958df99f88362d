"""Imports between the files of one answer: which name crosses, and which relative import leads to no file. Pure.

A file that the answer does not bring may lie in the caller's project; so an import that leads nowhere is only sure to be wrong
if another file of the answer, elsewhere or under a name much like it, has what is imported.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.checking.values import CodeBlock, Diagnostic, FindingKind, Range, Severity, fingerprint

_SCRIPTS = frozenset({"javascript", "jsx", "typescript", "tsx", "vue", "svelte"})
#: Languages in which a file sees nothing of another one that it does not import.
_MODULES = _SCRIPTS | {"python"}
_SCRIPT = re.compile(
    r"(?ms)^[ \t]*(?:import|export)\s+(?P<names>[^'\";]*?)\s*from\s*['\"](?P<where>\.{1,2}/[^'\"]*)['\"]"
    r"|(?:const|let|var)\s+(?P<bound>[^=;]+?)\s*=\s*require\(\s*['\"](?P<required>\.{1,2}/[^'\"]*)['\"]"
)
_PYTHON = re.compile(r"(?m)^[ \t]*from\s+(?P<where>\.+[\w.]*)\s+import\s+(?P<names>\([^)]*\)|[^\n#]*)")
_EXTENSIONS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".d.ts", ".vue", ".svelte", ".json",
               "/index.ts", "/index.tsx", "/index.js", "/index.jsx")  # fmt: skip


def shares_names(block: CodeBlock, other: CodeBlock, blocks: Sequence[CodeBlock]) -> bool:
    """Whether a block may use what another one defines without importing it."""
    if not block.path or not other.path or block.path == other.path or block.language not in _MODULES:
        return True
    # Scripts of one page share their names, and declarations are there for everybody.
    page = block.language == "javascript" and any(b.language == "html" for b in blocks)
    return page or other.path.endswith(".d.ts")


@dataclass(frozen=True, kw_only=True)
class _Import:
    line: int  #: of the block, from 0
    where: str  #: as it stands in the code
    target: str  #: the path that it leads to, without an extension
    names: tuple[str, ...]


def unresolved(blocks: Sequence[CodeBlock], prompt: str) -> Iterator[Diagnostic]:
    """A finding for each relative import that leads to no file of the answer, although another file has what it names."""
    files = {b.path: b for b in blocks if b.path and b.current}
    for path, block in files.items():
        for found in _imports(block, path):
            if any(found.target + ending in files for ending in _endings(block)) or _told(found, prompt):
                continue
            if (meant := _meant(found, block, files)) is not None:
                yield _finding(
                    block, found, f"{found.where} leads to no file of the answer; {meant} has what is imported"
                )


def _imports(block: CodeBlock, path: str) -> Iterator[_Import]:
    folder = posixpath.dirname(path)
    if block.language in _SCRIPTS:
        for match in _SCRIPT.finditer(block.code[:200_000]):
            where = match["where"] or match["required"]
            names = re.findall(r"[\w$]+", match["names"] or match["bound"] or "")
            yield _import(block, match.start(), where, posixpath.normpath(posixpath.join(folder, where)), names)
    elif block.language == "python":
        for match in _PYTHON.finditer(block.code[:200_000]):
            dots = len(match["where"]) - len(match["where"].lstrip("."))
            module = match["where"][dots:].replace(".", "/")
            if module:
                up = posixpath.normpath(posixpath.join(folder, *[".."] * (dots - 1), module))
                yield _import(block, match.start(), match["where"], up, re.findall(r"\w+", match["names"]))


def _import(block: CodeBlock, at: int, where: str, target: str, names: Sequence[str]) -> _Import:
    line = block.code.count("\n", 0, at)
    return _Import(
        line=line, where=where, target=target, names=tuple(n for n in names if n not in ("as", "type", "default"))
    )


def _endings(block: CodeBlock) -> tuple[str, ...]:
    return (".py", "/__init__.py", ".pyi") if block.language == "python" else _EXTENSIONS


def _told(found: _Import, prompt: str) -> bool:
    """Whether the prompt speaks of the file, so that it may be there."""
    return found.target in prompt or posixpath.basename(found.target) + "." in prompt


def _meant(found: _Import, block: CodeBlock, files: dict[str, CodeBlock]) -> str | None:
    """The file of the answer that an import was to lead to: of that name elsewhere, or of one much like it beside."""
    wanted = re.sub(r"\.(?:[cm]?[jt]sx?|py)$", "", posixpath.basename(found.target))
    for path, other in files.items():
        stem = posixpath.splitext(posixpath.basename(path))[0]
        beside = posixpath.dirname(path) == posixpath.dirname(found.target)
        like = stem == wanted or (beside and difflib.SequenceMatcher(None, stem, wanted).ratio() >= 0.8)
        defined = any(
            re.search(rf"(?m)^\s*(?:export\b|def\b|class\b)[^\n]*\b{re.escape(n)}\b", other.code) for n in found.names
        )
        if other.index != block.index and like and defined:
            return path
    return None


def _finding(block: CodeBlock, found: _Import, message: str) -> Diagnostic:
    return Diagnostic(
        block=block.index,
        range=Range.at(found.line + 1, 1),
        severity=Severity.ERROR,
        code="unresolved-import",
        source="bridge",
        message=message,
        kind=FindingKind.UNDEFINED,
        blocking=True,
        fingerprint=fingerprint("bridge", "unresolved-import", message, found.where),
    )
