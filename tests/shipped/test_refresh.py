"""A queue that an older version made is brought up to this one, and nothing of a person's is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.format import template
from bridge.format.runtime_cell import runtime_source
from bridge.kernel.grammar import MAGIC
from bridge.setup import create, doctor, wheel
from tests.support.notebooks import choose
from tests.support.queues import load, note, save


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A queue of an older version with two parts, a person's note, and a choice in the form."""
    from bridge import Bridge

    with monkeypatch.context() as before:
        before.setattr(template, "runtime_source", lambda: "# an older runtime\n")
        path = create.create_queue(tmp_path, "q/qwen_bridge.ipynb", examples=True, config=True).queue
        config = tmp_path / "bridge.toml"
        config.write_text(config.read_text() + "part_jobs = 3\n")
        monkeypatch.chdir(tmp_path)
        with Bridge() as queue:
            queue.add("one more")
    path.with_name(wheel.NAME).write_bytes(b"an older wheel")
    book = load(path)
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"])
    save(path, {**choose(book, lanes=2, model="auto"), "cells": [note("Mine."), *book["cells"]]})
    return path


def sources(path: Path) -> dict[str, str]:
    return {cell["id"]: "".join(cell["source"]) for cell in load(path)["cells"]}


def findings() -> list[str]:
    return [f.check for f in doctor.examine() if "differ from" in f.found and "bridge refresh" in f.remedy]


def test_doctor_names_the_notebooks_and_refresh_mends_them_and_keeps_notes_choices_and_jobs(old: Path) -> None:
    parts = ["qwen_bridge.ipynb", "qwen_bridge.part-0002.ipynb"]
    assert findings() == parts

    changed = create.refresh_queue(None)

    assert [path.name for path in changed] == [*parts, wheel.NAME]
    assert findings() == []
    assert old.with_name(wheel.NAME).read_bytes() == wheel.build()
    for name in parts:
        assert sources(old.with_name(name))["bridge-runtime"] == runtime_source()
    now = sources(old)
    assert "lanes = 2 #@param" in now["bridge-setup"]
    assert "model = 'auto' #@param" in now["bridge-setup"]
    assert now["a-persons-note"] == "Mine."
    assert sum(source.startswith(MAGIC) for source in now.values()) == 3
    assert create.refresh_queue(None) == []


def test_a_stale_save_does_not_bring_the_old_runtime_back(old: Path) -> None:
    create.refresh_queue(None)
    book = load(old)
    for cell in book["cells"]:
        if cell["id"] == "bridge-runtime":
            cell["source"] = "# an older runtime\n"
            cell["metadata"] = {}
    save(old, book)

    assert create.refresh_queue(None) == []
    assert sources(old)["bridge-runtime"] == runtime_source()


def test_a_first_cell_that_is_missing_comes_back_in_its_place(old: Path) -> None:
    create.refresh_queue(None)
    book = load(old)
    book["cells"] = [cell for cell in book["cells"] if cell["id"] != "bridge-runtime"]
    save(old, book)

    assert [path.name for path in create.refresh_queue(None)] == ["qwen_bridge.ipynb"]
    order = [cell["id"] for cell in load(old)["cells"]]
    assert order.index("bridge-about") < order.index("bridge-runtime") < order.index("bridge-setup")


def test_the_set_up_notebook_keeps_a_persons_cells_and_choices(old: Path) -> None:
    path = old.with_name(create.SETUP_NAME)
    book = load(path)
    book["cells"][1]["source"] = "".join(book["cells"][1]["source"]).replace('max_time = "2h"', 'max_time = "5h"')
    book["cells"][2]["source"] = "# older steps"
    save(path, {**book, "cells": [*book["cells"], note("Mine.")]})

    assert path in create.refresh_queue(None)
    now = sources(path)
    assert 'max_time = "5h" #@param' in now["setup-form"]
    assert "def mount_drive" in now["setup-steps"]
    assert now["a-persons-note"] == "Mine."
