from __future__ import annotations

from pathlib import Path

import pytest

from bridge.transports.file_events import FileEvents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "watched"
    made.mkdir()
    return made


@pytest.mark.parametrize("poll", [False, True])  # native events; the polling observer of FUSE and network drives
def test_a_change_in_the_folder_is_a_hint(folder: Path, poll: bool):
    hints = FileEvents(folder, poll=poll, poll_s=0.05)
    hints.start()
    try:
        (folder / "q.ipynb").write_text("{}")
        assert hints.wait(20)
    finally:
        hints.stop()


def test_a_replaced_file_is_a_hint_every_time(folder: Path):
    hints = FileEvents(folder, poll=False)
    hints.start()
    try:
        for n in range(3):
            (folder / "new.tmp").write_text(str(n))
            (folder / "new.tmp").replace(folder / "q.ipynb")
            assert hints.wait(20)
            while hints.wait(0.05):
                pass
    finally:
        hints.stop()


def test_an_observer_that_died_is_started_again(folder: Path):
    now = [0.0]
    hints = FileEvents(folder, poll=False, now_s=lambda: now[0])
    hints.start()
    try:
        hints._observer.stop()
        hints._observer.join(10)
        now[0] += 10
        assert hints.wait(0)  # restarted: what happened in between left no hint, so this is one
        (folder / "q.ipynb").write_text("{}")
        assert hints.wait(20)
    finally:
        hints.stop()


def test_a_folder_that_goes_and_comes_back_is_watched_again(folder: Path):
    now = [0.0]
    hints = FileEvents(folder, poll=False, now_s=lambda: now[0])
    hints.start()
    try:
        folder.rename(folder.with_name("away"))
        now[0] += 10
        hints.wait(0)
        folder.mkdir()
        now[0] += 10
        hints.wait(0)
        while hints.wait(0.05):
            pass
        (folder / "q.ipynb").write_text("{}")
        assert hints.wait(20)
    finally:
        hints.stop()


def test_a_folder_that_is_not_there_yet_only_makes_waiting_slower(tmp_path: Path):
    hints = FileEvents(tmp_path / "later", poll=False)
    hints.start()
    assert hints.wait(0.01) is False
    hints.stop()
