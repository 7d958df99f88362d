"""The runtime cell of a queue notebook: the files of `bridge/kernel/`, joined."""

from __future__ import annotations

import ast
from importlib import resources

#: Each file stands after those that it imports; a test compares this with the folder.
ORDER: tuple[str, ...] = (
    "grammar", "stop", "trouble", "options", "wire", "ollama", "cells", "progress", "run", "fit", "snapshot", "spool", "lanes", "session", "setup",
    "magic",
)  # fmt: skip

_HEAD = """\
# The runtime of this notebook: `%%qwen`, `ask_qwen` and `set_up_qwen`.
# It is the source of Qwen Bridge's bridge/kernel/*.py, joined by `bridge init`: change it there, not here.
from __future__ import annotations
"""


def runtime_source() -> str:
    """The source of the runtime cell. Always the same text for the same package; ends by registering the magics.

    Raises:
        ValueError: a kernel file imports a sibling in a way that cannot be joined.
    """
    folder = resources.files("bridge.kernel")
    parts = [_HEAD]
    for name in ORDER:
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
        parts.append(f"\n# {f' bridge/kernel/{name}.py ':=^110}\n\n{join_part(source, name=name)}")
    parts.append("\nregister_qwen()\n")
    return "".join(parts)


def join_part(source: str, *, name: str) -> str:
    """A module's source without what only a module needs: its imports of siblings and from `__future__`.

    Everything else stays as it is, comments included.

    Raises:
        ValueError: `from . import x` or `from .x import y as z`: in one namespace these mean something else.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
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
