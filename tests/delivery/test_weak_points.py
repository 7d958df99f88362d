"""What was found weak where the watcher meets the rest of the queue, one test each."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge import Bridge, State, wiring
from bridge.core.chat import FinishReason
from bridge.engines.scripted import ScriptedEngine
from bridge.setup import doctor
from bridge.store import rows
from bridge.worker.loop import WorkerConfig
from tests.support.answers import GOOD, give
from tests.support.queues import Queue, ids_in, load, make_queue, save


def test_a_result_that_comes_after_the_cell_was_deleted_is_kept_in_the_archive(queue: Queue, bridge: Bridge):
    """Another machine added the job, and its cell is gone when the worker here has the answer."""
    job = bridge.add("Write f.")
    worker = wiring.open_worker(bridge.opened, ScriptedEngine(), WorkerConfig(model="m"), listener=queue.events.append)
    [task] = worker.claims.claim(1, loaded=None, held=frozenset(), now_s=time.monotonic())
    journal = bridge.store.journal
    found = journal.cell(job)
    assert found is not None
    bridge.store.journal_only(
        lambda: journal.put(rows.NOWHERE, [found[0]], now=queue.hand.moment), "as if it was deleted"
    )

    bridge.store.journal_only(lambda: worker.claims.finish(task, answer_of(GOOD)), "an answer that comes late")
    bridge.store.publish()
    worker.lanes.end()

    assert bridge.get(job).answer == GOOD
    [archive] = (queue.path.parent / "archive").glob("*.ipynb")
    assert ids_in(load(archive)) == [job]


def answer_of(text: str) -> object:
    from bridge.engines.base import Answer

    return Answer(text=text, finish_reason=FinishReason.STOP, model="m", usage={}, timing_s={})


@pytest.mark.parametrize("wild", ["_", "%"])
def test_prompts_typed_in_another_queue_are_not_counted_for_one_with_a_wildcard_in_its_folders_name(
    tmp_path: Path, wild: str
):
    """`_` and `%` in a folder's name are no wildcards: the same queue seen under two paths."""
    names = {"_": ("a_b", "axb"), "%": ("a%b", "a-long-b")}[wild]
    counts = []
    for name in names:
        path = make_queue(tmp_path / name)
        notebook = load(path)
        cell = {"cell_type": "code", "id": "typed", "metadata": {}, "outputs": [], "execution_count": None}
        notebook["cells"] += [{**cell, "source": ["%%qwen\n", "Write f."]}] if name == names[1] else []
        save(path, notebook)
    for name in reversed(names):
        with Bridge(str(tmp_path / name / "qwen_bridge.ipynb")) as bridge:
            counts.append(bridge.status().new_cells)

    assert counts == [1, 0]


def test_doctor_finds_linters_beside_this_python_as_checking_does(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    [linters] = [finding for finding in doctor.examine(str(queue.path)) if finding.check == "linters"]

    assert "ruff" in linters.found
    assert "not installed" not in linters.found


def test_the_values_of_the_api_are_exported():
    import bridge

    assert bridge.JobView.__module__ == bridge.Status.__module__ == "bridge.api.views"


def test_a_job_archived_by_another_machine_can_be_put_back_by_its_id_alone(
    queue: Queue, bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "another-machine"))
    other = queue.open()
    bridge.status()
    job = give(other, other.add("Write f."), GOOD)
    other.archive(job)

    assert bridge.retry(job) == [job]
    assert bridge.get(job).state is State.QUEUED
    assert ids_in(queue.load()) == [job]
