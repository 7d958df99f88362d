"""What a person or a tool put into a notebook beside the jobs is there after the next command, and laid out as it was."""

from __future__ import annotations

import difflib
import json
from typing import Any

import nbformat
import pytest

from tests.support.queues import Queue, load, note

#: As a person in JupyterLab, a slide show and papermill set it.
PUT_THERE = {
    "tags": ["parameters", "mine"],
    "jupyter": {"source_hidden": True},
    "slideshow": {"slide_type": "fragment"},
    "papermill": {"status": "completed", "duration": 1.5},
}


def cell(notebook: dict[str, Any], element: str) -> dict[str, Any]:
    [found] = [c for c in notebook["cells"] if c["id"] == element]
    return dict(found)


def others(queue: Queue, element: str) -> dict[str, Any]:
    metadata = cell(queue.load(), element)["metadata"]
    return {name: value for name, value in metadata.items() if name != "bridge"}


def put(queue: Queue, element: str, **metadata: Any) -> None:
    """Change a cell's metadata as an editor does; None takes away."""
    notebook = queue.load()
    there = next(c for c in notebook["cells"] if c["id"] == element)["metadata"]
    there |= metadata
    for name in [name for name, value in there.items() if value is None]:
        del there[name]
    queue.save(notebook)


def test_metadata_that_is_not_ours_outlives_answer_retry_and_edit(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    for element in (job, "bridge-about", "bridge-setup"):
        put(queue, element, **PUT_THERE)
    bridge.answer(job, "```python\nx = 1\n```\n", by="me")
    assert others(queue, job) == PUT_THERE
    bridge.retry(job)
    bridge.add("two")
    for element in (job, "bridge-about"):
        assert others(queue, element) == PUT_THERE
    assert others(queue, "bridge-setup").items() >= PUT_THERE.items()


def test_an_answer_that_comes_beside_new_metadata_takes_none_away(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    tab = queue.load()
    bridge.answer(job, "done\n", by="me")
    cell(tab, job)["metadata"] |= PUT_THERE  # the tab has not seen the answer
    queue.save(tab)
    bridge.add("two")
    assert others(queue, job) == PUT_THERE
    assert "done" in "".join(cell(queue.load(), job)["outputs"][0]["data"]["text/plain"])


def test_what_a_person_takes_away_stays_away(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    put(queue, job, tags=["a"])
    bridge.add("two")
    put(queue, job, tags=None)
    bridge.add("three")
    bridge.answer(job, "done\n", by="me")
    assert others(queue, job) == {}
    put(queue, job, tags=["a"])  # and back to an older state: an edit like any other
    bridge.add("four")
    assert others(queue, job) == {"tags": ["a"]}


def test_a_stale_tab_brings_no_old_metadata_back(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    put(queue, job, tags=["old"])
    bridge.add("two")
    stale = queue.load()
    put(queue, job, tags=["new"])
    bridge.add("three")
    queue.save(stale)
    bridge.add("four")
    assert others(queue, job) == {"tags": ["new"]}


def test_a_save_that_drops_all_metadata_costs_none(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    put(queue, job, **PUT_THERE)
    bridge.add("two")
    stripped = queue.load()
    for each in stripped["cells"]:
        each["metadata"] = {"tags": ["of-the-tab"]} if each["id"] == job else {}
    queue.save(stripped)
    bridge.add("three")
    assert others(queue, job) == {**PUT_THERE, "tags": ["of-the-tab"]}


def test_what_a_front_end_notes_of_a_run_is_kept_but_makes_nobody_write(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    ran = {"execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"}, "scrolled": True}
    put(queue, job, **ran)
    before = queue.path.read_bytes()
    bridge.store.publish()
    assert queue.path.read_bytes() == before
    bridge.answer(job, "done\n", by="me")
    assert others(queue, job) == ran


def test_a_queue_of_the_first_version_keeps_what_stands_in_it(queue: Queue) -> None:
    """Its stamps say nothing of other metadata."""
    bridge = queue.open()
    job = bridge.add("one")
    notebook = queue.load()
    for each in notebook["cells"]:
        each["metadata"]["bridge"].pop("other", None)
        each["metadata"]["tags"] = ["kept"]
    queue.save(notebook)
    bridge.answer(job, "done\n", by="me")
    bridge.add("two")
    assert others(queue, job) == others(queue, "bridge-about") == {"tags": ["kept"]}


@pytest.mark.parametrize("indent", [1, 2, 4, "\t", None])
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_file_keeps_its_layout(queue: Queue, indent: int | str | None, end: str) -> None:
    bridge = queue.open()
    bridge.add("one {\n  two\n}")
    text = json.dumps(load(queue.path), indent=indent, ensure_ascii=False) + end
    queue.path.write_text(text, encoding="utf-8")
    bridge.add("two")
    written = queue.path.read_text(encoding="utf-8")
    assert written == json.dumps(json.loads(written), indent=indent, ensure_ascii=False) + end
    assert "one {\\n" in written
    assert len(bridge.jobs()) == 2


def test_after_a_save_in_jupyter_a_new_job_is_the_only_change(queue: Queue) -> None:
    bridge = queue.open()
    for n in range(5):
        bridge.add(f"prompt {n}\nwith two lines")
    nbformat.write(nbformat.read(queue.path, as_version=4), queue.path)  # type: ignore[no-untyped-call]
    queue.save({**queue.load(), "cells": [*queue.load()["cells"], note("Mine.")]})
    before = queue.path.read_text(encoding="utf-8").splitlines()
    bridge.add("another")
    after = queue.path.read_text(encoding="utf-8").splitlines()
    changed = [line for line in difflib.unified_diff(before, after, n=0, lineterm="") if line[0] in "+-"]
    assert len(changed) < 60, "\n".join(changed)
