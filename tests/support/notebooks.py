"""Queue notebooks as plain dicts, executed by nbclient in a real kernel, with a stand-in for Colab's tab."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from bridge.format.runtime_cell import runtime_source
from bridge.kernel.grammar import Header, join_cell

#: What Colab's kernel has and nobody else: the tab answers with the notebook as it was saved to FAKE_TAB. Like the real
#: one it must only be called from the main thread (fact 9.3); every call is counted in a file.
FAKE_MESSAGE = """
import json, os, threading
class MessageError(Exception): pass
def blocking_request(request_type, request="", timeout_sec=5, parent=None):
    assert request_type == "get_ipynb" and threading.current_thread() is threading.main_thread()
    with open(os.environ["FAKE_TAB"] + ".calls", "a") as calls:
        calls.write(f"{timeout_sec}\\n")
    if os.environ.get("FAKE_TAB_ERROR"):
        raise MessageError("the tab is busy")
    if os.environ.get("FAKE_TAB_SILENT"):
        return None
    with open(os.environ["FAKE_TAB"]) as tab:
        return {"ipynb": json.load(tab)}
"""


#: Colab's kernel has imported google.colab before the first cell runs. Kernels say who they are, so that they can be killed.
FAKE_START = """
import os, pathlib, sys
if "ipykernel_launcher" in sys.orig_argv:
    import google.colab
    pathlib.Path(os.environ["FAKE_TAB"]).with_name("kernel.pid").write_text(str(os.getpid()))
"""

SHIPPED = Path(__file__).parents[2] / "notebooks" / "qwen_bridge.ipynb"


def shipped_notebook() -> dict[str, Any]:
    """The queue notebook as it ships, as a tab has it."""
    book: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"])
    return book


def choose(book: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Fill in the set-up form of the notebook, as Colab does: in the source."""
    [form] = [cell for cell in book["cells"] if cell["id"] == "bridge-setup"]
    for name, value in fields.items():
        form["source"], count = re.subn(
            rf"^{name} = .*?(?= #@param)", f"{name} = {value!r}", form["source"], flags=re.MULTILINE
        )
        assert count == 1, name
    return book


def job_ids(count: int) -> list[str]:
    """Valid, sorted job ids."""
    return [f"01JD3K6S7M2W8Q5V4T9R0X{number:04d}" for number in range(count)]


def code_cell(source: str, **more: Any) -> dict[str, Any]:
    """A code cell that did not run."""
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source, **more}


def prompt_cell(job: str, body: str, **options: Any) -> dict[str, Any]:
    """The cell of a job."""
    return code_cell(join_cell(Header(job=job, options=options), body), id=job)


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    """A notebook of these cells."""
    for number, cell in enumerate(cells):
        cell.setdefault("id", f"cell-{number}")
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernelspec}, "cells": list(cells)}


def queue_notebook(host: str, bodies: dict[str, str], *, lanes: int = 4, colab: bool = True) -> dict[str, Any]:
    """Runtime, setup, and one prompt cell for each job."""
    return notebook(
        code_cell(
            ("import google.colab\n" if colab else "") + "import os; open('kernel.pid', 'w').write(str(os.getpid()))"
        ),
        code_cell(runtime_source()),
        code_cell(f"set_up_qwen(model='qwen2.5-coder:7b', lanes={lanes}, context=8192, host={host!r})"),
        *(prompt_cell(job, body) for job, body in bodies.items()),
    )


def execute(
    book: dict[str, Any], folder: Path, *, timeout_s: int = 90, born_in_colab: bool = False, **environ: str
) -> dict[str, Any]:
    """Run all cells in a fresh kernel, as a Colab tab would; the notebook with its outputs, also when the kernel died."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    package = folder / "stand-in" / "google" / "colab"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "_message.py").write_text(FAKE_MESSAGE)
    if born_in_colab:
        (package.parents[1] / "sitecustomize.py").write_text(FAKE_START)
    tab = folder / "tab.ipynb"
    tab.write_text(json.dumps(book))
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("BRIDGE_", "OLLAMA_", "JPY_"))
    }
    env = {
        **inherited,
        "PYTHONPATH": str(package.parents[1]),
        "FAKE_TAB": str(tab),
        "BRIDGE_SPOOL": str(folder / "spool.jsonl"),
        **environ,
    }
    node = nbformat.from_dict(book)
    client = NotebookClient(node, timeout=timeout_s, resources={"metadata": {"path": str(folder)}})
    try:
        client.execute(env=env)
    except DeadKernelError:
        pass
    except CellExecutionError as error:
        node.metadata["stopped_by"] = f"{error.ename}: {error.evalue}"
    result: dict[str, Any] = json.loads(json.dumps(node))
    return result


def result_texts(book: dict[str, Any]) -> dict[str, list[str]]:
    """For each prompt cell its outputs' text."""
    return {
        cell["id"]: ["".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]]
        for cell in book["cells"]
        if "".join(cell["source"]).startswith("%%qwen")
    }
