"""The runtime cell of a queue notebook: the files of `bridge/kernel/`, joined."""

from __future__ import annotations

import ast
import textwrap
from functools import cache
from importlib import resources

from bridge.core.version import __version__

#: Each file stands after those that it imports; a test compares this with the folder.
ORDER: tuple[str, ...] = (
    "stop", "error_kind", "options", "grammar", "signing", "queue_key", "display", "address", "wire", "finish", "chat_json", "chat", "ollama_chat", "ollama_reply",
    "ollama_answer", "catalogue", "fit", "ollama", "cells", "progress", "lanes", "engine_faults", "run", "snapshot", "spool", "session", "machine",
    "server", "install", "cost", "setup", "magic",
)  # fmt: skip

_HEAD = f"""\
#@title Runtime: what answers the prompts below (nothing to change here) {{ display-mode: "form" }}
# `%%qwen`, `ask_qwen` and `set_up_qwen` of Qwen Bridge {__version__}: the source of its bridge/kernel/*.py, joined by
# `bridge init`. Change it there, not here; `bridge refresh` brings it up to date.
# All of it stands in one function, so that your names and its own cannot get in each other's way.
from __future__ import annotations


def _qwen_runtime():
"""

_TAIL = """
    register_qwen()
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
        parts.append(f"# {f' bridge/kernel/{name}.py ':=^106}\n\n{join_part(source, name=name)}")
    return _HEAD + textwrap.indent("\n\n".join(parts), "    ") + _TAIL


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


def _docstring_lines(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            found.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return found
