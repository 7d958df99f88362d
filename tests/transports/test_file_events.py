from __future__ import annotations

import threading
from pathlib import Path

import pytest
from watchdog.utils import BaseThread

from bridge.transports.file_events import FileEvents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "watched"
    made.mkdir()
    return made


@pytest.mark.parametrize("poll", [False, True])  # native events; the polling observer of FUSE and network drives
def test_a_change_in_the_folder_is_an_event(folder: Path, poll: bool):
    file_events = FileEvents(folder, poll=poll, poll_s=0.05)
    file_events.start()
    try:
        (folder / "q.ipynb").write_text("{}")
        assert file_events.wait(120)
    finally:
        file_events.stop()


def test_a_replaced_file_is_an_event_every_time(folder: Path):
    file_events = FileEvents(folder, poll=False)
    file_events.start()
    try:
        for n in range(3):
            (folder / "new.tmp").write_text(str(n))
            (folder / "new.tmp").replace(folder / "q.ipynb")
            assert file_events.wait(120)
            while file_events.wait(0.05):
                pass
    finally:
        file_events.stop()


def test_an_observer_that_died_is_started_again(folder: Path):
    now = [0.0]
    file_events = FileEvents(folder, poll=False, now_s=lambda: now[0])
    before = set(threading.enumerate())
    file_events.start()
    try:
        for observer in (t for t in threading.enumerate() if t not in before and isinstance(t, BaseThread)):
            observer.stop()
            observer.join(120)
        now[0] += 10
        assert file_events.wait(0)  # restarted: what happened in between left no event, so this is one
        (folder / "q.ipynb").write_text("{}")
        assert file_events.wait(120)
    finally:
        file_events.stop()


def test_a_folder_that_goes_and_comes_back_is_watched_again(folder: Path):
    now = [0.0]
    file_events = FileEvents(folder, poll=False, now_s=lambda: now[0])
    file_events.start()
    try:
        folder.rename(folder.with_name("away"))
        now[0] += 10
        file_events.wait(0)
        folder.mkdir()
        now[0] += 10
        file_events.wait(0)
        while file_events.wait(0.05):
            pass
        (folder / "q.ipynb").write_text("{}")
        assert file_events.wait(120)
    finally:
        file_events.stop()


def test_a_folder_that_is_not_there_yet_only_makes_waiting_slower(tmp_path: Path):
    file_events = FileEvents(tmp_path / "later", poll=False)
    file_events.start()
    assert file_events.wait(0.01) is False
    file_events.stop()
