"""The notebook itself is gone: written again from its second copies, waited for on a mounted drive, or said to be missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import Bridge, wiring
from bridge.core.errors import QueueNotFound, QueueUnreadable, TwoQueues
from bridge.core.events import EventKind
from bridge.core.job import NewJob
from bridge.store.missing_queue import copies_of
from bridge.store.registry import Registry
from bridge.transports import sync_clients
from bridge.transports.mount import Mount
from bridge.wiring import folder as folder_module
from tests.support.commands import environment
from tests.support.queues import QUEUE_ID, Queue, ids_in, load, make_queue, save
from tests.support.unprivileged import as_nobody

PAIRS = [
    (".ipynb.conflict1", ".ipynb.conflict2"),
    (".conflict1.ipynb", ".conflict2.ipynb"),  # --suffix-keep-extension
    (".ipynb..path1", ".ipynb..path2"),  # older releases
]


def conflict(queue: Queue, pair: tuple[str, str] = PAIRS[0]) -> list[str]:
    """A queue after a conflict of rclone bisync: both sides have a job more, and the original is gone. Gives the jobs."""
    with Bridge(str(queue.path), caller="tester") as bridge:
        jobs = [bridge.add("on both sides")]
        before = queue.path.read_bytes()
        jobs.append(bridge.add("on one side"))
        queue.path.rename(queue.path.with_name("qwen_bridge" + pair[0]))
    queue.path.write_bytes(before)
    book = queue.load()
    typed = {"cell_type": "code", "id": "typed", "metadata": {}, "outputs": [], "execution_count": None}
    save(queue.path, {**book, "cells": [*book["cells"], {**typed, "source": "%%qwen\non the other side"}]})
    queue.path.rename(queue.path.with_name("qwen_bridge" + pair[1]))
    return jobs


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.is_file())


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("new_machine", [False, True], ids=["known here", "new machine"])
def test_after_a_conflict_of_rclone_bisync_both_sides_are_folded_in_and_the_notebook_is_written_again(
    queue: Queue, tmp_path: Path, pair: tuple[str, str], new_machine: bool
) -> None:
    jobs = conflict(queue, pair)
    metadata = load(queue.path.with_name("qwen_bridge" + pair[0]))["metadata"]
    if new_machine:
        shutil.rmtree(tmp_path / "state")

    bridge = queue.open()

    assert files(queue.path.parent) == ["qwen_bridge.ipynb"]
    assert sorted(ids_in(queue.load())) == sorted(line.id for line in bridge.jobs())
    assert len(bridge.jobs()) == 3
    assert set(jobs) < set(ids_in(queue.load()))
    assert files(queue.path.parent / "forks") == sorted("qwen_bridge" + suffix for suffix in pair)
    assert "made by rclone bisync" in queue.told(EventKind.CONFLICT_COPY)[-1]
    now = queue.load()["metadata"]
    assert {key: now[key] for key in now if key != "bridge"} == {
        key: metadata[key] for key in metadata if key != "bridge"
    }
    queue.events.clear()
    queue.open()
    assert queue.told(EventKind.CONFLICT_COPY) == []  # once is enough


@pytest.mark.parametrize("command", [("status", "--json"), ("add", "one more")])
def test_commands_in_processes_of_their_own_find_a_queue_whose_notebook_was_renamed_by_rclone_bisync(
    queue: Queue, command: tuple[str, ...]
) -> None:
    conflict(queue)
    done = subprocess.run(
        [sys.executable, "-m", "bridge", *command, "--queue", str(queue.path)],
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "was gone; it was written again from qwen_bridge.ipynb.conflict1, qwen_bridge.ipynb.conflict2" in done.stderr
    assert len(ids_in(queue.load())) == (4 if command[0] == "add" else 3)
    if command[0] == "status":
        assert json.loads(done.stdout)["counts"]["queued"] == 3


def test_an_older_copy_alone_brings_back_all_that_the_journal_knows(queue: Queue) -> None:
    with Bridge(str(queue.path)) as bridge:
        first = bridge.add("one")
        older = queue.path.read_bytes()
        second = bridge.add("two")
    queue.path.unlink()
    queue.path.with_name("qwen_bridge (1).ipynb").write_bytes(older)

    queue.open()

    assert sorted(ids_in(queue.load())) == sorted([first, second])


def test_copies_of_further_parts_are_folded_in_too(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 2\n")
    with Bridge(str(queue.path)) as bridge:
        ids = [job.id for job in bridge.add_many([NewJob(body=f"job {n}") for n in range(3)])]
    for file in list(queue.path.parent.glob("*.ipynb")):
        file.rename(file.with_name(file.name + ".conflict1"))
    shutil.rmtree(tmp_path / "state")

    queue.open()

    assert files(queue.path.parent) == ["qwen_bridge.ipynb", "qwen_bridge.part-0002.ipynb"]
    assert ids_in(load(queue.path.with_name("qwen_bridge.part-0002.ipynb"))) == ids[2:]


@pytest.mark.parametrize("known", [True, False])
def test_copies_of_two_queues_are_an_error_that_names_both_and_touches_nothing(
    queue: Queue, tmp_path: Path, known: bool
) -> None:
    conflict(queue)
    if not known:
        shutil.rmtree(tmp_path / "state")
    make_queue(queue.path.parent, queue_id="another-queue", name="qwen_bridge.ipynb.conflict2")
    before = {name: queue.path.with_name(name).read_bytes() for name in files(queue.path.parent)}

    with pytest.raises(TwoQueues) as error:
        queue.open()

    assert all(text in str(error.value) for text in (QUEUE_ID, "another-queue", *before))
    assert {name: queue.path.with_name(name).read_bytes() for name in files(queue.path.parent)} == before


def test_a_copy_of_another_queue_where_ours_was_is_an_error_that_names_both(queue: Queue) -> None:
    with Bridge(str(queue.path)) as bridge:
        bridge.add("one")
    queue.path.unlink()
    make_queue(queue.path.parent, queue_id="another-queue", name="qwen_bridge (1).ipynb")

    with pytest.raises(
        TwoQueues, match=rf"{QUEUE_ID}.*was at this path.*another-queue: qwen_bridge \(1\)\.ipynb|another-queue: "
    ):
        queue.open()


def test_a_notebook_that_is_there_is_not_its_own_copy(queue: Queue, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "nothing.json")

    assert copies_of(queue.path, registry, QUEUE_ID).queues == {}
    shutil.copy(queue.path, queue.path.with_name("mine.ipynb"))
    assert copies_of(queue.path, registry, QUEUE_ID).queues == {QUEUE_ID: ("mine.ipynb",)}


@pytest.mark.parametrize("name", ["qwen_bridge-old.ipynb", "qwen_bridge (my notes).ipynb"])
def test_what_may_be_something_else_is_not_taken_for_a_copy_of_an_unknown_queue_but_named(
    queue: Queue, name: str
) -> None:
    queue.path.rename(queue.path.with_name(name))

    with pytest.raises(QueueNotFound) as error:
        queue.open()

    assert f"if {name} is it, rename that to qwen_bridge.ipynb" in str(error.value)
    assert files(queue.path.parent) == [name]


def test_a_queue_that_was_opened_under_a_copys_name_is_not_taken_for_one(queue: Queue) -> None:
    other = make_queue(queue.path.parent, queue_id="another-queue", name="qwen_bridge 2.ipynb")
    with Bridge(str(other)) as bridge:
        bridge.add("its own")
    queue.path.unlink()

    with pytest.raises(QueueNotFound):
        queue.open()

    assert other.exists()


@pytest.mark.parametrize("name", ["qwen_bridge.part-0002.ipynb", "qwen_bridge.part-0002 (1).ipynb"])
def test_a_further_part_or_a_copy_of_one_is_no_copy_of_the_first(queue: Queue, tmp_path: Path, name: str) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 2\n")
    with Bridge(str(queue.path)) as bridge:
        bridge.add_many([NewJob(body=f"job {n}") for n in range(3)])
    queue.path.with_name("qwen_bridge.part-0002.ipynb").rename(queue.path.with_name(name))
    queue.path.unlink()

    with pytest.raises(QueueNotFound, match="bridge rebuild"):
        queue.open()


def test_copies_that_are_half_written_are_waited_for_by_the_user(queue: Queue) -> None:
    queue.path.rename(queue.path.with_name("qwen_bridge.ipynb.conflict1"))
    half = queue.path.with_name("qwen_bridge.ipynb.conflict1")
    half.write_bytes(half.read_bytes()[:-100])

    with pytest.raises(QueueUnreadable, match=r"conflict1 is not whole JSON.*wait for its sync"):
        queue.open()


@pytest.mark.parametrize("known", [True, False])
def test_opening_to_look_only_writes_nothing(queue: Queue, tmp_path: Path, known: bool) -> None:
    conflict(queue)
    if not known:
        shutil.rmtree(tmp_path / "state")
    before = files(queue.path.parent)

    wiring.open_queue(str(queue.path), missing_ok=True).store.journal.close()

    assert files(queue.path.parent) == before


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of folders work differently there")
def test_in_a_read_only_folder_the_queue_can_still_be_looked_at(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_folder / "queue"
    make_queue(folder, name="qwen_bridge.ipynb.conflict1")
    state = open_folder / "state"
    state.mkdir()
    state.chmod(0o777)
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(state))
    folder.chmod(0o555)
    monkeypatch.chdir(open_folder)

    def attempt() -> str:
        told: list[str] = []
        with Bridge(str(folder / "qwen_bridge.ipynb"), listener=lambda event: told.append(event.message)) as bridge:
            return f"{len(bridge.jobs())} jobs; {told[0]}"

    answer = as_nobody(attempt)

    assert answer.startswith("0 jobs; qwen_bridge.ipynb is gone and cannot be written again")
    assert files(folder) == ["qwen_bridge.ipynb.conflict1"]


# ---- a mounted drive


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is taken for one of an rclone mount."""
    monkeypatch.setattr(folder_module, "mount_of", lambda _folder: Mount(client=sync_clients.RCLONE))


def test_on_a_mounted_drive_a_file_that_is_missing_for_a_moment_is_waited_for(queue: Queue, mounted: None) -> None:
    with Bridge(str(queue.path)) as bridge:
        job = bridge.add("one")
    away = queue.path.with_name("away")
    queue.path.rename(away)
    queue.hand.while_asleep = lambda: away.exists() and away.rename(queue.path) and None

    bridge = queue.open()

    assert [line.id for line in bridge.jobs()] == [job]
    assert queue.told(EventKind.WAITING) == ["qwen_bridge.ipynb is gone for the moment; waiting for it"]
    assert queue.hand.slept_s == 0.25


def test_on_a_mounted_drive_a_file_that_stays_away_is_missing_after_settle_s(queue: Queue, mounted: None) -> None:
    with Bridge(str(queue.path)) as bridge:
        bridge.add("one")
    queue.path.unlink()

    with pytest.raises(QueueNotFound, match="bridge rebuild"):
        queue.open()

    assert queue.hand.slept_s == 5.0


def test_a_plain_disk_is_not_waited_for_nor_is_a_queue_that_nobody_knows(queue: Queue, mounted: None) -> None:
    queue.path.unlink()
    with pytest.raises(QueueNotFound, match="bridge init"):
        queue.open()
    assert queue.hand.slept_s == 0


def test_an_open_queue_on_a_mounted_drive_waits_before_it_writes_a_vanished_notebook_again(
    queue: Queue, mounted: None
) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    away = queue.path.with_name("away")
    queue.path.rename(away)
    queue.hand.while_asleep = lambda: away.exists() and away.rename(queue.path) and None
    second = bridge.add("two")
    assert queue.told(EventKind.WAITING) == ["qwen_bridge.ipynb is gone for the moment; waiting for it"]
    assert queue.hand.slept_s == 0.25
    assert sorted(ids_in(queue.load())) == sorted([first, second])

    queue.path.unlink()
    assert len(bridge.jobs()) == 2  # who only looks does not wait, and leaves it to who writes
    assert queue.hand.slept_s == 0.25
    third = bridge.add("three")
    assert sorted(ids_in(queue.load())) == sorted([first, second, third])
    assert queue.hand.slept_s == 0.25 + 5.0


@pytest.mark.parametrize("returns", [True, False])
def test_a_notebook_that_vanishes_between_the_look_and_the_read_is_waited_for_on_a_mounted_drive(
    queue: Queue, mounted: None, monkeypatch: pytest.MonkeyPatch, returns: bool
) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    queue.path.write_bytes(queue.path.read_bytes() + b"\n")  # so that it is read again
    folder = type(bridge.store.transport)
    there = folder.read
    monkeypatch.setattr(
        folder, "read", lambda self, name: there(self, name) if returns and queue.hand.slept_s else None
    )
    if returns:
        second = bridge.add("two")
        assert sorted(ids_in(queue.load())) == sorted([first, second])
        assert queue.hand.slept_s == 0.25
    else:
        with pytest.raises(QueueUnreadable, match="has vanished"):
            bridge.add("two")
        assert queue.hand.slept_s == 5.0
