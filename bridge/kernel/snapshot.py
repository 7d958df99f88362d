"""Where the notebook that is being run can be read, and its prompt cells from there."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .grammar import is_prompt_cell, split_cell

#: Seconds that the tab gets to answer, one try after the other: 5 is Colab's default and too short for big notebooks (fact 9.2).
COLAB_PATIENCE_S = (10, 30)
#: Notebooks in the working folder that are looked into, and how large they may be.
MOST_NEARBY, LARGEST_NEARBY_BYTES = 50, 20_000_000


def open_notebook(names: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object] | None:
    """The notebook that this kernel runs, as parsed JSON; None where it cannot be found: cells then run one by one.

    In this order: the file that BRIDGE_NOTEBOOK names; Colab's tab, outputs included (fact 9.1); VS Code's path in the
    kernel's `names`; Jupyter's path in JPY_SESSION_NAME; the one notebook in the working folder, which is the notebook's under
    nbconvert and nbclient, that has the cell that is being executed. Only from the main thread: Colab's message is not thread-safe (fact 9.3).
    """
    if environ.get("BRIDGE_NOTEBOOK"):
        return _read(environ["BRIDGE_NOTEBOOK"])
    from_tab = _from_colab()
    if from_tab is not None:
        return from_tab
    for path in (names.get("__vsc_ipynb_file__"), environ.get("JPY_SESSION_NAME")):
        if path and str(path).endswith(".ipynb"):
            found = _read(str(path))
            if found is not None:
                return found
    return _nearby(Path(), names.get("In"))


def where_am_i(names: Mapping[str, object], environ: Mapping[str, str]) -> str:
    """The kind of place this kernel runs in, for the result's `worker.where`."""
    if "google.colab" in sys.modules:
        return "colab"
    if "KAGGLE_KERNEL_RUN_TYPE" in environ:
        return "kaggle"
    return "vscode" if "__vsc_ipynb_file__" in names else "jupyter"


def _from_colab() -> dict[str, object] | None:
    if "google.colab" not in sys.modules:
        return None  # Colab's kernel has imported it; importing it elsewhere may mean anything
    try:
        from google.colab import _message
    except ImportError:
        return None
    for timeout_s in COLAB_PATIENCE_S:
        try:
            reply = _message.blocking_request("get_ipynb", request="", timeout_sec=timeout_s)
        except Exception:  # noqa: BLE001, S112  # a private API: whatever it raises, cells then run one by one
            continue
        if isinstance(reply, dict) and isinstance(reply.get("ipynb"), dict):
            return dict(reply["ipynb"])
    return None


def _nearby(folder: Path, history: object) -> dict[str, object] | None:
    """The notebook in a folder that holds the cell which IPython noted last; None if none does, or more than one."""
    executing = str(history[-1]) if isinstance(history, list) and history else ""
    if "run_cell_magic('qwen'" not in executing:
        return None
    found = []
    for path in sorted(folder.glob("[!.]*.ipynb"))[:MOST_NEARBY]:
        with contextlib.suppress(OSError):
            if path.stat().st_size <= LARGEST_NEARBY_BYTES and (notebook := _read(str(path))) is not None:
                found += [notebook] if _holds(notebook, executing) else []
    return found[0] if len(found) == 1 else None


def _holds(notebook: Mapping[str, Any], executing: str) -> bool:
    """Whether one of the prompt cells is the one that is executed, as IPython writes the call of its magic."""
    cells = notebook.get("cells")
    for cell in cells if isinstance(cells, list) else ():
        source = cell.get("source") if isinstance(cell, dict) else None
        text = "".join(map(str, source)) if isinstance(source, list) else str(source or "")
        if is_prompt_cell(text):
            line, body = split_cell(text)
            whole = body if body.endswith("\n") else body + "\n"
            if f"run_cell_magic('qwen', {line!r}, {whole!r})" in executing:
                return True
    return False


def _read(path: str) -> dict[str, object] | None:
    try:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook if isinstance(notebook, dict) else None
