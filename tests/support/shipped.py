"""The notebooks that ship with the project, made from the template. `python -m tests.support.shipped` writes them."""

from __future__ import annotations

from pathlib import Path

from bridge.format import template

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


if __name__ == "__main__":
    for file, data in shipped().items():
        file.write_bytes(data)
