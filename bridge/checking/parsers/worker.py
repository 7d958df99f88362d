"""The worker process: one JSON request a line on stdin, one JSON answer a line on stdout.

Started by `client`, which limits its memory and kills it when an answer takes too long. It reads nothing else, writes
nothing else and runs nothing of what it reads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from bridge.checking.parsers import code as programs
from bridge.checking.parsers import data, structure, treesitter, web
from bridge.checking.parsers.base import Parsed

PARSERS: dict[str, Callable[[str], Parsed]] = {
    "python": programs.check_python,
    "sql": programs.check_sql,
    "json": data.check_json,
    "yaml": data.check_yaml,
    "toml": data.check_toml,
    "xml": data.check_xml,
    "html": web.check_html,
    "css": web.check_css,
}


def answer(request: dict[str, str]) -> Parsed:
    """Parse one text: `{"parser": "yaml", "code": …}` or `{"parser": "tree-sitter", "grammar": "rust", "code": …}`."""
    if request["parser"] == "tree-sitter":
        return treesitter.check(request["code"], request["grammar"])
    if request["parser"] == "structure":
        return structure.check(request["code"], request["grammar"])
    return PARSERS[request["parser"]](request["code"])


def main() -> None:
    """Answer requests until stdin ends."""
    for line in sys.stdin:
        try:
            reply: object = answer(json.loads(line))
        except Exception as error:  # noqa: BLE001  # whatever a parser trips over is this text's answer, not the worker's end
            reply = {"crashed": f"{type(error).__name__}: {error}"[:300]}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
