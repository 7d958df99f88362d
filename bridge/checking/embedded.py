"""Code within files of another language: scripts of a page or a component, cells of a notebook. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SCRIPT = re.compile(r"(?is)<script\b(?P<about>[^>]*)>(?P<code>.*?)</script\s*>")
_COMMENT = re.compile(r"(?s)<!--.*?-->")
#: What a server or a build fills in before anything reads it as a script.
_TEMPLATE = re.compile(r"\{\{|\{%|<%|<\?")
_MAGIC = re.compile(r"(?m)^(\s*)[%!?].*$")
_MAX_PARTS = 20
_SCRIPTS = frozenset({"", "module", "text/javascript", "application/javascript", "text/babel", "text/jsx"})


@dataclass(frozen=True, kw_only=True)
class EmbeddedCode:
    """A piece of code with where it stands."""

    language: str
    code: str
    line: int  #: of the whole text, from 0, that its first line stands in
    fixed: bool = False  #: all of its lines are reported there: they are no lines of the text


def embedded(language: str, code: str) -> tuple[EmbeddedCode, ...]:
    """The code within a page, a component or a notebook, as far as it has a language of its own."""
    if language in ("html", "vue", "svelte"):
        found = _scripts(language, code)
    elif language == "json" and '"cells"' in code and '"nbformat"' in code:
        found = _cells(code)
    else:
        return ()
    return tuple(part for _, part in zip(range(_MAX_PARTS), found, strict=False))


def _scripts(language: str, code: str) -> Iterator[EmbeddedCode]:
    bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), code)
    for match in _SCRIPT.finditer(bare):
        about, text = match["about"].lower(), match["code"]
        kind = re.search(r"\btype\s*=\s*[\"']?([\w/+-]*)", about)
        typed = re.search(r"\blang\s*=\s*[\"']?(?:ts|tsx|typescript)\b", about)
        if not text.strip() or (kind and kind[1] not in _SCRIPTS) or (language == "html" and _TEMPLATE.search(text)):
            continue
        own = "typescript" if typed else "javascript"
        yield EmbeddedCode(language=own, code=text, line=bare.count("\n", 0, match.start("code")))


def _cells(code: str) -> Iterator[EmbeddedCode]:
    """The code cells of a notebook in Python, less what only IPython reads."""
    try:
        notebook = json.loads(code)
    except (ValueError, RecursionError):
        return
    about = json.dumps(notebook.get("metadata", {})) if isinstance(notebook, dict) else ""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or re.search(r'"(?:language|name)": "(?!i?python)', about):
        return
    for cell in cells:
        source = cell.get("source") if isinstance(cell, dict) and cell.get("cell_type") == "code" else None
        lines = source.splitlines(keepends=True) if isinstance(source, str) else source
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            continue
        text = "".join(lines)
        if text.strip() and not text.lstrip().startswith("%%"):
            first = next(line for line in lines if line.strip())
            at = code.find(json.dumps(first.rstrip("\n"))[1:-1])
            line = code.count("\n", 0, at) if at >= 0 else 0
            yield EmbeddedCode(language="python", code=_MAGIC.sub(r"\1pass", text), line=line, fixed=True)
