"""The pictures of the README, from real files: `python -m tests.support.pictures` writes docs/images/ (needs Chromium).

The queue is the one that `bridge init --examples` makes; the answers are those of the tiny model, by `bridge work`. It is drawn as
Colab draws it: cells with a form show their title and fields, their code is folded.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from tests.support.browser import screenshot

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
#: {file: (height in pixels, whether the answers are there)}
PICTURES = {"queue-before.png": (740, False), "queue-after.png": (1100, True)}
_WIDTH = 1000
_STYLE = """
body { font: 14px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 0; background: #fff; color: #202124; }
main { padding: 16px 24px; }
header { padding: 10px 24px; border-bottom: 1px solid #dadce0; font-weight: 600; }
.cell { margin: 12px 0; display: flex; gap: 12px; }
.run { width: 28px; color: #5f6368; font: 13px monospace; padding-top: 10px; }
.body { flex: 1; min-width: 0; }
.code, .form { background: #f7f7f7; border: 1px solid #e4e4e4; border-radius: 4px; padding: 8px 12px; }
.code { font: 12.5px/1.45 "DejaVu Sans Mono", monospace; white-space: pre-wrap; }
.code b { color: #7627bb; }
.form b { display: block; }
.form label { display: inline-block; margin: 4px 16px 0 0; font-size: 13px; }
.form span { background: #fff; border: 1px solid #dadce0; border-radius: 3px; padding: 1px 8px; margin-left: 6px; }
.out { border-left: 3px solid #1a73e8; padding: 2px 12px; margin-top: 6px; max-height: 170px; overflow: hidden; }
.out pre { font: 12px/1.4 "DejaVu Sans Mono", monospace; margin: 4px 0; }
h1 { font-size: 22px; margin: 0 0 6px; } p { margin: 6px 0; }
"""


def render(book: dict[str, Any], title: str) -> str:
    """A notebook as one page of HTML; everything in it is text."""
    cells = "".join(_cell(cell) for cell in book["cells"])
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style><header>{escape(title)}</header><main>{cells}</main>'


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return f'<div class="cell"><div class="run"></div><div class="body">{_markdown(source)}</div></div>'
    shown = _form(source) if source.startswith("#@title") else _code(source)
    outputs = "".join(
        f'<div class="out">{_markdown("".join(output["data"]["text/markdown"]))}</div>'
        for output in cell["outputs"]
        if "text/markdown" in output.get("data", {})
    )
    return f'<div class="cell"><div class="run">[ ]</div><div class="body">{shown}{outputs}</div></div>'


def _form(source: str) -> str:
    title = re.match(r"#@title (.*?)( \{.*)?\n", source)
    fields = re.findall(r"^(\w+) = (.*?) *# ?@param", source, re.MULTILINE)
    labels = "".join(
        f"<label>{escape(name)}<span>{escape(value.strip(chr(34)))}</span></label>" for name, value in fields
    )
    return f'<div class="form"><b>{escape(title[1] if title else "")}</b>{labels}</div>'


def _code(source: str) -> str:
    head, _, rest = source.partition("\n")
    return f'<div class="code"><b>{escape(head)}</b>\n{escape(rest)}</div>'


def _markdown(text: str) -> str:
    shown: str = MarkdownIt("commonmark", {"html": False}).render(re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL))
    return shown


def notebooks(folder: Path) -> dict[bool, dict[str, Any]]:
    """{answered: notebook}: the queue before and after the work."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BRIDGE_STATE_DIR": str(folder / "state")}

    def bridge(*args: str) -> None:
        subprocess.run([sys.executable, "-m", "bridge", *args], cwd=folder, env=env, check=True, capture_output=True)

    bridge("init", "--examples")
    file = folder / "notebooks" / "qwen_bridge.ipynb"
    before = json.loads(file.read_text(encoding="utf-8"))
    bridge("work", "--engine", "llamacpp", "--gguf", "tiny")
    return {False: before, True: json.loads(file.read_text(encoding="utf-8"))}


def main() -> None:
    """Write them."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        books = notebooks(folder)
        for name, (height, answered) in PICTURES.items():
            page = folder / f"{name}.html"
            page.write_text(render(books[answered], "qwen_bridge.ipynb"), encoding="utf-8")
            screenshot(page, IMAGES / name, _WIDTH, height)


if __name__ == "__main__":
    main()
