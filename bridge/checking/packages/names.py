"""What a package is called, language by language: the part of an import that names it. Pure."""

from __future__ import annotations

import re

#: Families of languages that share their packages, by the name of a language.
FAMILIES = {
    "python": "python", "go": "go", "rust": "rust", "java": "java", "javascript": "node", "jsx": "node",
    "typescript": "node", "tsx": "node", "vue": "node", "svelte": "node",
}  # fmt: skip

#: Hosts of Go modules whose third part belongs to the module's name.
_GO_DEEP = re.compile(r"^(?:github|gitlab|bitbucket|codeberg|gitee|salsa\.debian)\.\w+$|^git\.|^golang\.org$")
#: Where many owners share the beginning of a Java package: so many parts tell them apart.
_JAVA_SHARED = {
    "org.apache.commons": 4, "com.github": 3, "io.github": 3, "com.google": 3, "org.apache": 3, "net.sourceforge": 3,
    "org.eclipse": 3, "org.codehaus": 3, "com.sun": 3, "com.fasterxml": 3, "com.squareup": 3, "com.googlecode": 3,
}  # fmt: skip


def prefix(family: str, name: str) -> str:
    """The part of an import that names its package: `lodash` of `lodash/fp`, `github.com/a/b` of `github.com/a/b/v2/c`."""
    if family == "python":
        return name.partition(".")[0]
    if family == "rust":
        return name.partition("::")[0]
    parts = name.split("." if family == "java" else "/")
    if family == "node":
        return "/".join(parts[: 2 if name.startswith("@") else 1])
    if family == "go":
        return "/".join(parts[: _go_parts(parts)])
    return ".".join(parts[: _java_parts(name)])


def _go_parts(parts: list[str]) -> int:
    if parts[0] == "gopkg.in":
        return 2 if len(parts) > 1 and re.search(r"\.v\d+$", parts[1]) else 3
    return 3 if _GO_DEEP.search(parts[0]) else 2


def _java_parts(name: str) -> int:
    parts = name.split(".")
    return next((_JAVA_SHARED[start] for n in (3, 2) if (start := ".".join(parts[:n])) in _JAVA_SHARED), 2)


def tells(name: str) -> bool:
    """Whether the beginning of a Java package is long enough to tell its owner."""
    return name.count(".") + 1 >= _java_parts(name)


def beginnings(family: str, name: str) -> tuple[str, ...]:
    """All that a list may hold of an import: the beginnings of a Go or Java path, a scope of npm as `@scope/*`."""
    if family == "java":
        parts = name.split(".")
        return tuple(".".join(parts[:n]) for n in range(1, min(len(parts), 4) + 1))
    if family == "go":
        parts = name.split("/")
        return tuple("/".join(parts[:n]) for n in range(1, min(len(parts), 4) + 1))
    own = prefix(family, name)
    return (own, own.partition("/")[0] + "/*") if own.startswith("@") else (own,)
