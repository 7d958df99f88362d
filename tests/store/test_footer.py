"""The quiet line below an answer: what it says, and that nothing hangs on it."""

from __future__ import annotations

from typing import Any

from bridge.kernel.display import from_display
from tests.support.queues import Queue


def shown(queue: Queue, job: str) -> dict[str, Any]:
    [cell] = [cell for cell in queue.load()["cells"] if cell["id"] == job]
    return {name: "".join(text) for name, text in cell["outputs"][0]["data"].items()}


def test_the_verdict_stands_below_the_answer_as_soon_as_somebody_writes(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("Write x.", lang="python")
    bridge.answer(job, "```python\nx = 1\n```\n", by="me")
    before = shown(queue, job)
    assert before["text/markdown"].splitlines()[-1].endswith("whole</sub>")
    file = queue.path.read_bytes()
    [view] = bridge.wait([job], timeout_s=60)
    assert view.line.verdict == "clean"
    assert queue.path.read_bytes() == file  # no reason to write
    other = bridge.add("Another.")
    after = shown(queue, job)
    assert after["text/markdown"].splitlines()[-1].endswith("whole · checked: clean</sub>")
    assert after["text/plain"] == before["text/plain"] == from_display(after["text/markdown"])
    bridge.cancel(other)
    assert shown(queue, job) == after
    assert bridge.get(job).line.verdict == "clean"  # the answer is the same one


def test_a_save_that_changes_the_footer_changes_nothing(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("Write x.", lang="python")
    bridge.answer(job, "```python\nx = 1\n```\n", by="me")
    bridge.wait([job], timeout_s=60)
    bridge.add("Another.")
    notebook = queue.load()
    for cell in notebook["cells"]:
        if cell["id"] == job:
            cell["outputs"][0]["data"]["text/markdown"][-1] = '<sub data-bridge="footer">checked: errors</sub>'
    queue.save(notebook)
    assert bridge.get(job).line.verdict == "clean"
    bridge.add("A third.")
    assert "checked: clean" in shown(queue, job)["text/markdown"]


def test_an_answer_whose_plain_text_is_lost_is_read_from_the_text_with_a_footer(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    bridge.answer(job, "done\n", by="me")
    book = queue.load()
    [cell] = [cell for cell in book["cells"] if cell["id"] == job]
    del cell["outputs"][0]["data"]["text/plain"]
    queue.save(book)
    fresh = queue.open()
    assert fresh.get(job).answer == "done\n"
