"""Where the open notebook is found, and where this kernel says it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.kernel.snapshot import open_notebook, where_am_i


@pytest.fixture
def books(tmp_path: Path) -> dict[str, str]:
    for name in ("vscode", "jupyter", "named"):
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": [], "name": name}))
    (tmp_path / "broken.ipynb").write_text('{"cells": [')
    (tmp_path / "list.ipynb").write_text("[]")
    return {
        name: str(tmp_path / f"{name}.ipynb") for name in ("vscode", "jupyter", "named", "broken", "list", "missing")
    }


@pytest.mark.parametrize(
    ("vscode", "jupyter", "named", "found"),
    [
        ("vscode", None, None, "vscode"),  # VS Code puts its path into the kernel's names
        (None, "jupyter", None, "jupyter"),  # Jupyter into the environment
        ("vscode", "jupyter", "named", "named"),  # what is named is believed
        ("missing", "jupyter", None, "jupyter"),  # not saved yet: the next place
        ("broken", None, None, None),  # half-written
        ("list", None, None, None),  # JSON, but no notebook
        ("vscode", None, "missing", None),  # named and not there: nothing else is guessed
        (None, None, None, None),  # a plain shell
    ],
)
def test_the_notebook_is_looked_for_in_order(
    books: dict[str, str], vscode: str | None, jupyter: str | None, named: str | None, found: str | None
) -> None:
    names = {"__vsc_ipynb_file__": books[vscode]} if vscode else {}
    environ = {name: books[book] for name, book in (("JPY_SESSION_NAME", jupyter), ("BRIDGE_NOTEBOOK", named)) if book}
    assert (open_notebook(names, environ) or {}).get("name") == found


def test_a_session_name_that_is_no_notebook_is_none() -> None:
    assert open_notebook({}, {"JPY_SESSION_NAME": "8c5f-console"}) is None


BODY = "Write 'x' and \"y\".\n\nMore.  "
LINE = "01JD3K6S7M2W8Q5V4T9R0X0000 --lang py"
EXECUTING = ["", f"get_ipython().run_cell_magic('qwen', {LINE!r}, {BODY + chr(10)!r})\n"]


@pytest.mark.parametrize(
    ("history", "copies", "found"),
    [
        (EXECUTING, 1, True),  # as nbconvert and nbclient leave it: in the working folder, and named nowhere
        (EXECUTING, 2, False),  # two hold the cell: nobody knows which one runs
        ([*EXECUTING, "print(1)"], 1, False),  # another cell is executed
        ([], 1, False),
        (None, 1, False),
    ],
)
def test_a_notebook_beside_the_kernel_is_found_by_the_cell_that_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: list[str] | None, copies: int, found: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    cell = {"cell_type": "code", "source": [f"%%qwen {LINE}\n", *BODY.splitlines(keepends=True)]}
    for number in range(copies):
        Path(f"{number}.ipynb").write_text(json.dumps({"cells": ["no cell", {"source": 7}, cell]}))
    Path("other.ipynb").write_text(json.dumps({"cells": [{**cell, "source": f"%%qwen {LINE}\nElse."}]}))
    Path("broken.ipynb").write_text("{")
    assert bool(open_notebook({"In": history}, {})) is found


def test_where_a_kernel_runs() -> None:
    assert where_am_i({}, {}) == "jupyter"
    assert where_am_i({"__vsc_ipynb_file__": "x"}, {}) == "vscode"
    assert where_am_i({}, {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}) == "kaggle"
