"""Where the notebook that is being run can be read, and its prompt cells from there."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

#: Seconds that the tab gets to answer, one try after the other: 5 is Colab's default and too short for big notebooks (fact 9.2).
COLAB_PATIENCE_S = (10, 30)


def open_notebook(names: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object] | None:
    """The notebook that this kernel runs, as parsed JSON; None where it cannot be found: cells then run one by one.

    In this order: the file that BRIDGE_NOTEBOOK names; Colab's tab, outputs included (fact 9.1); VS Code's path in the
    kernel's `names`; Jupyter's path in JPY_SESSION_NAME. Only from the main thread: Colab's message is not thread-safe (fact 9.3).
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
    return None


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


def _read(path: str) -> dict[str, object] | None:
    try:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook if isinstance(notebook, dict) else None
