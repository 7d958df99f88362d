"""The packages that a text imports: never what is relative, an alias of the project, or an address. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.checking.extraction.open_ends import blanked
from bridge.checking.packages.names import FAMILIES

_MAX_CHARS = 100_000


@dataclass(frozen=True, kw_only=True)
class Imported:
    """One import of a package."""

    family: str  #: `python`, `node`, `go`, `rust` or `java`
    name: str  #: as it stands in the text: `os.path`, `lodash/fp`, `github.com/a/b/v2`, `java.util.List`
    line: int  #: from 0


def imported(language: str, code: str) -> tuple[Imported, ...]:
    """The imports of a text, each name once, in order; () for a language whose packages nobody knows here."""
    family = FAMILIES.get(language)
    if family is None:
        return ()
    text = code[:_MAX_CHARS]
    found: dict[str, Imported] = {}
    for name, at in _READERS[family](text):
        if name not in found:
            found[name] = Imported(family=family, name=name, line=text.count("\n", 0, at))
    return tuple(found.values())


_PYTHON = re.compile(
    r"(?m)(?:^|;)[ \t]*(?:from[ \t]+(?P<whence>[^\W\d][\w.]*)[ \t]+import\b|import[ \t]+(?P<names>[^\n;#(]+))"
)


def _python(code: str) -> Iterator[tuple[str, int]]:
    text = _same_lines(code, blanked("python", code))
    for match in _PYTHON.finditer(text):
        if match["whence"]:
            yield match["whence"], match.start("whence")
            continue
        for part in match["names"].split(","):
            if name := re.match(r"\s*([^\W\d][\w.]*)\s*(?:as\s+\w+\s*)?$", part):
                yield name[1], match.start("names")


_NODE = re.compile(
    r"(?s)//[^\n]*|/\*.*?\*/|`(?:\\.|[^`\\])*`"
    r"|\b(?:import|export)\b\s{0,99}(?:[\w*{},$\s]{1,1000}?\bfrom\b\s{0,99})?(?P<a>['\"])(?P<from>[^'\"\n]{1,200})(?P=a)"
    r"|\b(?:require|import)\s{0,9}\(\s{0,99}(?P<b>['\"])(?P<called>[^'\"\n]{1,200})(?P=b)\s{0,99}\)"
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
)
#: Relative, an alias of the project's bundler, an address, or a file that a bundler takes in.
_NODE_OWN = re.compile(
    r"[./#~$]|@/|[\w+-]+:(?!$)|(?:src|app|components|pages|lib|utils|hooks|store|services|config|models|assets|styles|types|api"
    r"|features|layouts|views|shared|common|core|modules|test|tests)/|[A-Z]|.*[?!*\s]|.*\.(?:s?css|less|svg|png|jpe?g|gif|json|vue|svelte|wasm)$"
)


def _node(code: str) -> Iterator[tuple[str, int]]:
    for match in _NODE.finditer(code):
        name = match["from"] or match["called"]
        if name and (name.startswith("node:") or not _NODE_OWN.match(name) or name == "normalize.css"):
            yield name, match.start()


_GO = re.compile(r"(?m)^[ \t]*import[ \t]*(?:\((?P<all>[^)]*)\)|(?P<one>[^\n(]*\"[^\"\n]+\"))")


def _go(code: str) -> Iterator[tuple[str, int]]:
    text = re.sub(r"(?s)//[^\n]*|/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), code)
    for match in _GO.finditer(text):
        group = "all" if match["all"] is not None else "one"
        for name in re.finditer(r"\"([^\"\s]+)\"", match[group]):
            if not name[1].startswith("."):
                yield name[1], match.start(group) + name.start()


_RUST = re.compile(
    r"(?m)^[ \t]*(?:(?:pub(?:\([^)\n]*\))?[ \t]+)?use[ \t]+(?:::)?(?P<used>[a-z_]\w*)[ \t]*(?P<rest>::[^;]*|[ \t]as\b[^;]*)?;"
    r"|(?:pub[ \t]+)?extern[ \t]+crate[ \t]+(?P<crate>\w+))"
)
_RUST_LOCAL = re.compile(r"\b(?:mod|struct|enum|trait|type|macro_rules!)\s+(\w+)")


def _rust(code: str) -> Iterator[tuple[str, int]]:
    text = _same_lines(code, blanked("rust", code))
    uses = list(_RUST.finditer(text))
    local = {m[1] for m in _RUST_LOCAL.finditer(text)}
    local |= {
        name for use in uses for name in re.findall(r"\w+", use["rest"] or "")
    }  # `use std::fmt; use fmt::Display;`
    for use in uses:
        name = use["crate"] or use["used"]
        if use["crate"] or name not in {*local, "crate", "self", "super"}:
            yield name, use.start()


_JAVA = re.compile(r"(?m)^[ \t]*import[ \t]+(?:static[ \t]+)?([\w$]+(?:\.[\w$]+)+)(?:\.\*)?[ \t]*;")


def _java(code: str) -> Iterator[tuple[str, int]]:
    for match in _JAVA.finditer(_same_lines(code, blanked("java", code))):
        yield match[1], match.start()


def _same_lines(code: str, bare: str) -> str:
    """The text without literals and comments, if that kept its lines; else as it was."""
    return bare if bare.count("\n") == code.count("\n") else code


_READERS = {"python": _python, "node": _node, "go": _go, "rust": _rust, "java": _java}
