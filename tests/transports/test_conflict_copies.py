"""Second copies: every name that a client gives them, and that each is folded in and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge.core.events import EventKind
from bridge.core.job import NewJob
from bridge.transports.conflict_copies import conflict_copy_maker, conflict_copy_name, is_notebook, is_temporary
from tests.support.queues import Queue, ids_in, load, save

#: (name with {} for the notebook's own, who makes it). Facts on Drive, 3.2.
FORKS = [
    ("{}.sync-conflict-20260102-030405-ABCDEFG.ipynb", "Syncthing"),
    ("{}.sync-conflict-20260102-030405.ipynb", "Syncthing"),  # without the device, as older ones wrote
    ("{} (Al's conflicted copy 2026-01-02).ipynb", "Dropbox"),
    ("{} (Al’s conflicted copy 2026-01-02).ipynb", "Dropbox"),
    ("{} (conflicted copy 2026-01-02).ipynb", "Dropbox"),
    ("{} (conflicted copy 2026-01-02 1).ipynb", "Dropbox"),
    ("{} (Case Conflict).ipynb", "Dropbox"),
    ("{} (conflicted copy 2025-04-10 093612).ipynb", "ownCloud or Nextcloud"),
    ("{}_conflict-20250410-093612.ipynb", "ownCloud or Nextcloud"),
    ("{}.ipynb.conflict1", "rclone bisync"),
    ("{}.ipynb.laptopconflict2", "rclone bisync"),
    ("{}.ipynb.2026-01-02-conflict1", "rclone bisync"),
    ("{}.ipynb..path1", "rclone bisync"),
    ("{}.ipynb.path2", "rclone bisync"),
    ("{}.conflict1.ipynb", "rclone bisync"),
    ("{}..path2.ipynb", "rclone bisync"),
    ("{} [Conflict].ipynb", "pCloud or an older Drive client"),
    ("{} (conflicted 2).ipynb", "pCloud or an older Drive client"),
    ("{}_conf(1).ipynb", "an older Drive client"),
    ("{} (1).ipynb", "Drive for Desktop or a browser, probably"),
    ("{} (12).ipynb", "Drive for Desktop or a browser, probably"),
    ("Copy of {}.ipynb", "Drive or Colab, probably"),
    ("Kopie von {}.ipynb", "Drive or Colab, probably"),
    ("{} 2.ipynb", "iCloud or Drive for Desktop on macOS, probably"),
    ("{}-DESKTOP-X1.ipynb", "OneDrive, probably"),
    ("{}-DESKTOP-X1-2.ipynb", "OneDrive, probably"),
    ("{} (copia en conflicto de Al).ipynb", "a sync client"),  # in a language that is not known
    ("a copy that I made myself.ipynb", None),
]


@pytest.mark.parametrize("stem", ["q", "qwen_bridge", "q.part-0002"])
@pytest.mark.parametrize(("pattern", "maker"), FORKS)
def test_the_maker_of_a_second_copy_is_known_by_its_name(pattern: str, maker: str | None, stem: str) -> None:
    name = pattern.format(stem)

    assert conflict_copy_maker(name, stem.partition(".")[0]) == maker
    assert is_notebook(name)


@pytest.mark.parametrize(
    "name", ["q.ipynb", "q.part-0002.ipynb", "qwen.ipynb", "other (1).ipynb", "a-q.ipynb", "q.json"]
)
def test_other_files_are_no_second_copies(name: str) -> None:
    assert conflict_copy_maker(name, "q") is None


def test_a_name_that_a_person_may_have_chosen_for_something_else_is_not_telling() -> None:
    names = ("q (1).ipynb", "q-old.ipynb", "q (my notes).ipynb")
    found = {name: conflict_copy_name(name, "q") for name in names}

    assert {name: fork.telling for name, fork in found.items() if fork} == dict(
        zip(names, (True, False, False), strict=True)
    )


@pytest.mark.parametrize("name", ["q.ipynb", "q.ipynb.conflict1", "Q.IPYNB", "~q.ipynb"])
def test_no_notebook_counts_as_temporary(name: str) -> None:
    assert not is_temporary(name)
    assert is_notebook(name)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("pattern", [pattern for pattern, _ in FORKS])
def test_every_second_copy_is_folded_in_and_moved_to_forks(
    queue: Queue, tmp_path: Path, pattern: str, number: int
) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 2\n")
    bridge = queue.open()
    ids = [job.id for job in bridge.add_many([NewJob(body=f"job {n}") for n in range(3)])]
    original = queue.path if number == 1 else queue.path.with_name("qwen_bridge.part-0002.ipynb")
    copy = original.with_name(pattern.format(original.stem))
    book = load(original)
    typed = {"cell_type": "code", "id": "typed", "metadata": {}, "outputs": [], "execution_count": None}
    save(copy, {**book, "cells": [*book["cells"], {**typed, "source": "%%qwen\nonly in the copy"}]})
    was = copy.read_bytes()

    bridge.store.publish()

    [new] = {line.id for line in bridge.jobs()} - set(ids)
    assert new in ids_in(load(original))
    assert not copy.exists()
    assert (original.parent / "forks" / copy.name).read_bytes() == was
    [told] = queue.told(EventKind.CONFLICT_COPY)
    maker = dict(FORKS)[pattern]
    assert told.startswith(f"{copy.name} ({maker} made it)" if maker else f"{copy.name} was folded in")


def test_temporary_files_of_the_notebook_are_left_alone(queue: Queue) -> None:
    bridge = queue.open()
    bridge.add("one")
    names = [".syncthing.qwen_bridge.ipynb.tmp", "qwen_bridge.ipynb.1a2b3c4d.partial", "~$qwen_bridge.ipynb"]
    for name in names:
        shutil.copy(queue.path, queue.path.with_name(name))

    bridge.store.publish()

    assert all(queue.path.with_name(name).exists() for name in names)
    assert not (queue.path.parent / "forks").exists()
