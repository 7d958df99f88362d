"""What ships with the project and is made from the template: notebooks, and what their first cells hold. `python -m tests.support.shipped` writes it."""

from __future__ import annotations

from pathlib import Path

from bridge.format import template
from bridge.format.raw_cell import native_id, source_of
from bridge.kernel import grammar

ROOT = Path(__file__).parents[2]

SHIPPED_QUEUE = ROOT / "notebooks" / "qwen_bridge.ipynb"

#: Of the shipped queue only; `bridge init` gives each queue one of its own.
QUEUE_ID = "0d9f1f64-6f0b-4d6a-9c0e-5b1f3c1f7a10"


def shipped() -> dict[Path, bytes]:
    """{path: content} of the shipped notebooks."""
    return {
        SHIPPED_QUEUE: template.notebook_bytes(template.queue_notebook(QUEUE_ID, examples=True)),
        ROOT / "colab/setup_ollama.ipynb": template.notebook_bytes(template.setup_notebook()),
    }


def first_cells() -> tuple[Path, str]:
    """The module that names what the first cells of a queue hold, and its source."""
    made = {native_id(note): grammar.text_sha256(source_of(note)) for note in template.part_notes()}
    rows = "".join(f'    "{element}": "{digest}",\n' for element, digest in made.items())
    return ROOT / "bridge/format/first_cells.py", _FIRST_CELLS.format(rows=rows)


_FIRST_CELLS = '''\
"""What the first cells of a queue hold, by SHA-256: to tell that a cell is ours, none has to be built. Pure.

Made by `python -m tests.support.shipped`; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

#: {{id of a cell that this version writes: digest of its source, the choices in a form as they are at first}}
FIRST_CELLS: Mapping[str, str] = {{
{rows}}}
'''


if __name__ == "__main__":
    path, module = first_cells()
    path.write_text(module, encoding="utf-8")
    for file, data in shipped().items():
        file.write_bytes(data)
