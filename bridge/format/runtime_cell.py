"""The runtime cell of a queue notebook: the files of `bridge/kernel/`, joined, without what only their readers need.

It is source that anybody can read, and the same on every machine. Comments, docstrings and blank lines are left out and a level is
indented by one space, because the cell is in each part of a queue and travels with every sync.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib import resources

from bridge.core.version import __version__

#: Each file stands after those that it imports; a test compares this with the folder.
ORDER: tuple[str, ...] = (
    "stop", "error_kind", "options", "grammar", "signing", "queue_key", "display", "address", "wire", "finish", "chat_json", "chat", "ollama_chat", "ollama_reply",
    "ollama_answer", "catalogue", "fit", "ollama", "cells", "progress", "footer", "lanes", "panel", "engine_faults", "run", "snapshot", "spool", "screen", "session", "machine",
    "server", "install", "cost", "setup", "magic",
)  # fmt: skip

_HEAD = f"""\
#@title Runtime: what answers the prompts below (nothing to change here) {{ display-mode: "form" }}
# `%%qwen`, `ask_qwen` and `set_up_qwen` of Qwen Bridge {__version__}: the source of its bridge/kernel/*.py, joined by `bridge init`
# without comments and docstrings. Change it there, not here; `bridge refresh` brings it up to date.
# All of it stands in one function, so that your names and its own cannot get in each other's way.
from __future__ import annotations


def _qwen_runtime():
"""

_TAIL = """ register_qwen()
 return ask_qwen, set_up_qwen


ask_qwen, set_up_qwen = _qwen_runtime()
"""


@cache
def runtime_source() -> str:
    """The source of the runtime cell. Always the same text for the same package; ends by registering the magics.

    Raises:
        ValueError: a kernel file holds something that cannot be joined.
    """
    folder = resources.files("bridge.kernel")
    parts = []
    for name in ORDER:
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
        parts.append(f"# bridge/kernel/{name}.py\n{stripped(join_part(source, name=name))}")
    return _HEAD + re.sub(r"^(?=.)", " ", "".join(parts), flags=re.MULTILINE) + _TAIL


def join_part(source: str, *, name: str) -> str:
    """A module's source without what only a module needs: its imports of siblings and from `__future__`.

    Everything else stays as it is, comments included.

    Raises:
        ValueError: `from . import x` or `from .x import y as z`, which mean something else in one namespace; or a text in
            triple quotes that is no docstring, which indenting would change.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    allowed = _docstring_lines(tree)
    for number, line in enumerate(lines, 1):
        if number not in allowed and ('"""' in line or "'''" in line):
            raise ValueError(f"bridge/kernel/{name}.py, line {number}: this text cannot be joined")
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.level or node.module == "__future__"):
            continue
        if node.level and (not node.module or any(alias.asname for alias in node.names)):
            raise ValueError(f"bridge/kernel/{name}.py, line {node.lineno}: this import cannot be joined")
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = ""
    text = "".join(lines).strip("\n")
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text + "\n"


def stripped(source: str) -> str:
    """The same program without comments, docstrings, blank lines and functions' annotations, each level indented by one space."""
    source = _unannotated(source)
    tree = ast.parse(source)
    dropped = _docstring_lines(tree)
    lonely = {
        node.body[0].lineno for node in _documented(tree) if len(node.body) == 1 and not isinstance(node, ast.Module)
    }
    tokens = tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__)
    comments = {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    lines = []
    for number, line in enumerate(source.splitlines(), 1):
        code = line[: comments.get(number)].rstrip() if number not in dropped or number in lonely else ""
        if number in lonely:
            code = code[: len(code) - len(code.lstrip())] + "..."
        if code:
            words = code.lstrip(" ")
            lines.append(" " * ((len(code) - len(words)) // 4) + words + "\n")
    return "".join(lines)


def _unannotated(source: str) -> str:
    """The same without the annotations of functions, which nothing reads at run time; one that takes several lines stays."""
    lines = source.encode().splitlines(keepends=True)  # `ast` counts columns in bytes
    cuts = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.annotation:
            cuts.append((node.annotation, node.lineno, node.col_offset + len(node.arg.encode())))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            arrow = lines[node.returns.lineno - 1].rindex(b" ->", 0, node.returns.col_offset)
            cuts.append((node.returns, node.returns.lineno, arrow))
    for annotation, number, start in sorted(cuts, key=lambda cut: cut[1:], reverse=True):
        if annotation.end_lineno == number:
            line = lines[number - 1]
            lines[number - 1] = line[:start] + line[annotation.end_col_offset :]
    return b"".join(lines).decode()


def _documented(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            yield node


def _docstring_lines(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in _documented(tree):
        found.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return found
