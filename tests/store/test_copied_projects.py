"""A project folder that is copied, moved or reached by another path, together with its queue."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.core.events import Event
from tests.support.queues import make_queue


def ids(path: Path, heard: list[str] | None = None) -> list[str]:
    def listen(event: Event) -> None:
        if heard is not None:
            heard.append(event.message)

    with Bridge(str(path), listener=listen) as bridge:
        return [line.id for line in bridge.jobs()]


def add(path: Path, prompt: str) -> str:
    with Bridge(str(path)) as bridge:
        return bridge.add(prompt)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return make_queue(tmp_path / "original")


def test_what_is_added_in_a_copied_project_does_not_appear_in_the_other(original: Path, tmp_path: Path) -> None:
    before = add(original, "in both")
    copied = Path(shutil.copytree(original.parent, tmp_path / "copied")) / original.name
    heard: list[str] = []

    assert ids(copied, heard) == [before]
    assert any("journal of its own" in message for message in heard)
    here, there = add(copied, "here"), add(original, "there")

    assert ids(copied) == [before, here]
    assert ids(original) == [before, there]
    assert here not in original.read_text()
    with Bridge(str(copied)) as bridge, Bridge(str(original)) as first:
        assert bridge.store.journal.writer != first.store.journal.writer


def test_a_copy_is_told_once_and_knows_what_was_checked_and_handed_over(original: Path, tmp_path: Path) -> None:
    job = add(original, "x")
    with Bridge(str(original)) as bridge:
        bridge.answer(job, "```python\nx = 1\n```\n")
        bridge.wait([job])
    copied = Path(shutil.copytree(original.parent, tmp_path / "copied")) / original.name
    ids(copied)
    heard: list[str] = []

    assert ids(copied, heard) == [job]
    assert heard == []
    with Bridge(str(copied)) as bridge:
        assert bridge.get(job).state.value == "delivered"


def test_a_project_that_was_moved_keeps_its_journal(original: Path, tmp_path: Path) -> None:
    job = add(original, "x")
    with Bridge(str(original)) as bridge:
        writer = bridge.store.journal.writer
    moved = Path(shutil.move(original.parent, tmp_path / "moved")) / original.name

    assert ids(moved) == [job]
    with Bridge(str(moved)) as bridge:
        assert bridge.store.journal.writer == writer


def test_a_copy_that_was_moved_keeps_its_own_journal(original: Path, tmp_path: Path) -> None:
    add(original, "x")
    copied = Path(shutil.copytree(original.parent, tmp_path / "copied")) / original.name
    with Bridge(str(copied)) as bridge:
        writer = bridge.store.journal.writer
    moved = Path(shutil.move(copied.parent, tmp_path / "moved")) / original.name

    with Bridge(str(moved)) as bridge:
        assert bridge.store.journal.writer == writer


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_the_same_folder_under_another_name_is_no_copy(original: Path, tmp_path: Path) -> None:
    job = add(original, "x")
    (tmp_path / "link").symlink_to(original.parent)
    heard: list[str] = []

    assert ids(tmp_path / "link" / original.name, heard) == [job]
    second = add(tmp_path / "link" / original.name, "y")

    assert heard == []
    assert ids(original) == [job, second]
