"""Looking takes no lock, unless the folder shows something that the journal has not seen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, State
from bridge.core.errors import LockHeld, UnknownJob
from tests.support.answers import GOOD, give
from tests.support.queues import Queue, note

LOOKS: list[Callable[[Bridge, str], Any]] = [
    lambda bridge, job: bridge.status(),
    lambda bridge, job: bridge.jobs(),
    lambda bridge, job: bridge.get(job),
    lambda bridge, job: bridge.views([job]),
    lambda bridge, job: bridge.overview(),
]


def locks_of(bridge: Bridge, look: Callable[[], Any]) -> int:
    """How often a look takes the queue's lock."""
    before = bridge.store.lock.taken
    look()
    return bridge.store.lock.taken - before


@pytest.fixture
def bridge(queue: Queue) -> Bridge:
    return queue.open()


@pytest.mark.parametrize("look", LOOKS, ids=["status", "jobs", "get", "views", "overview"])
def test_looking_at_what_is_known_takes_no_lock(bridge: Bridge, look: Callable[[Bridge, str], Any]):
    job = bridge.add("Write f.")
    assert locks_of(bridge, lambda: look(bridge, job)) == 0


@pytest.mark.parametrize("look", LOOKS, ids=["status", "jobs", "get", "views", "overview"])
def test_looking_waits_for_nobody_who_holds_the_lock(
    queue: Queue, bridge: Bridge, look: Callable[[Bridge, str], Any], tmp_path: Path
):
    (tmp_path / "bridge.toml").write_text("lock_patience_s = 0.1\n")
    job = bridge.add("Write f.")
    other = queue.open()
    with bridge.store.exclusive("a test"), bridge.store.journal.transaction():
        look(other, job)
        with pytest.raises(LockHeld):
            other.add("this has to wait")


def test_a_job_that_another_process_added_is_seen_at_once_and_without_a_lock(queue: Queue, bridge: Bridge):
    bridge.status()
    other = queue.open()
    job = other.add("Write f.")

    seen: list[str] = []
    assert locks_of(bridge, lambda: seen.extend(line.id for line in bridge.jobs())) == 0
    assert seen == [job]
    other.cancel(job)
    assert bridge.get(job).state is State.CANCELLED


def test_what_somebody_wrote_into_the_notebook_is_taken_in_once(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    notebook = queue.load()
    notebook["cells"] = [cell for cell in notebook["cells"] if job not in "".join(cell["source"])]
    queue.save(notebook)

    assert locks_of(bridge, lambda: bridge.get(job)) == 1
    assert bridge.get(job).state in (State.CANCELLED, State.ARCHIVED)
    assert locks_of(bridge, bridge.status) == 0


def test_a_conflict_copy_is_taken_in_once(queue: Queue, bridge: Bridge):
    bridge.add("Write f.")
    notebook = queue.load()
    copy = queue.path.with_name("qwen_bridge (1).ipynb")
    copy.write_text(queue.path.read_text())
    assert notebook == queue.load()

    assert locks_of(bridge, bridge.status) == 1
    assert locks_of(bridge, bridge.status) == 0
    assert copy.exists()  # whoever only looks moves nothing


def test_a_notebook_that_is_gone_is_noted_once_and_written_by_the_next_who_writes(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    queue.path.unlink()

    assert locks_of(bridge, bridge.status) == 1
    assert locks_of(bridge, bridge.status) == 0
    bridge.add("Write g.")
    assert job in queue.path.read_text()


def test_a_new_journal_takes_the_queue_in_before_the_first_look(
    queue: Queue, bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = bridge.add("Write f.")
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "another-machine"))

    assert [line.id for line in queue.open().jobs()] == [job]


def test_what_is_not_committed_is_seen_by_nobody_else_and_by_whoever_decides_on_it(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    other = queue.open()
    seen: list[str | None] = []

    def decide() -> None:
        bridge.store.journal.add_alias("native", "cell")
        seen.append(bridge.store.look(lambda reader: reader.aliases().get("native")))
        seen.append(other.store.look(lambda reader: reader.aliases().get("native")))

    bridge.store.journal_only(decide, "a test")
    assert seen == ["cell", None]
    assert other.store.look(lambda reader: reader.aliases()) == {"native": "cell"}
    assert other.get(job).id == job


def test_what_only_an_archive_of_another_machine_has_is_looked_for(
    queue: Queue, bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bridge.add("so that the queue is known")
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "another-machine"))
    other = queue.open()
    job = give(other, other.add("Write f."), GOOD)
    bridge.status()
    other.archive(job)

    assert bridge.get(job).state is State.ARCHIVED
    with pytest.raises(UnknownJob):
        bridge.get("0" * 26)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_a_folder_that_may_only_be_read_is_looked_at(queue: Queue, bridge: Bridge):
    job = bridge.add("Write f.")
    notebook = queue.load()
    notebook["cells"].append(note("a remark"))
    queue.save(notebook)
    queue.path.chmod(0o400)
    queue.path.parent.chmod(0o500)
    try:
        assert [line.id for line in bridge.jobs()] == [job]
    finally:
        queue.path.parent.chmod(0o700)
        queue.path.chmod(0o600)
