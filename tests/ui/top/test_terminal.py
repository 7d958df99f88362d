"""`bridge top` as a real process in a real pseudo-terminal."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.core.job import State
from bridge.ui.top.draw import HELP
from tests.support.answers import GOOD, fail, give
from tests.support.queues import make_queue

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.support.terminal import running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A queue with two failed jobs of two callers, a good answer, and two that wait."""
    (tmp_path / "bridge.toml").write_text('queue = "queue/qwen_bridge.ipynb"\nsettle_s = 0.2\n')
    path = make_queue(tmp_path / "queue")
    with Bridge(str(path)) as bridge:
        mine, yours, good = (bridge.add(f"Write {c}.", caller=c) for c in ("me", "you", "me"))
        fail(bridge, mine, "out of memory")
        fail(bridge, yours, "out of memory")
        give(bridge, good, GOOD)
        for _ in range(2):
            bridge.add("Write z.", caller="me")
    return path


def states(path: Path) -> dict[str, int]:
    with Bridge(str(path)) as bridge:
        return {state.value: n for state, n in bridge.status().counts.items() if n}


def test_looking_filtering_and_quitting_write_no_notebook_and_leave_the_terminal_as_it_was(path: Path):
    before, stat = path.read_bytes(), path.stat()
    with running("top", "--poll", "0.2s", cwd=path.parents[1]) as terminal:
        settings = terminal.settings()
        picture = terminal.until("out of memory")
        assert HELP in picture
        assert all(name in picture for name in ("queued", "failed", "succeeded", "5 jobs"))
        terminal.press("s")
        terminal.until("state queued")
        terminal.press("a")
        terminal.until("all jobs")
        terminal.press("c")
        terminal.until("caller me")
        terminal.until("4 jobs")
        terminal.press("rn")
        terminal.until("nothing was changed")
        assert terminal.settings() != settings
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.settings() == settings
    assert "\x1b[?1049l" in terminal.raw  # the screen that was there before is back
    assert path.read_bytes() == before
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (stat.st_mtime_ns, stat.st_ino)


def test_failed_jobs_of_a_caller_are_retried_and_queued_ones_cancelled_after_a_yes(path: Path):
    with running("top", "--poll", "0.2s", "--caller", "me", cwd=path.parents[1]) as terminal:
        terminal.until("out of memory")
        terminal.press("r")
        terminal.until("Put 1 failed job back into the queue?")
        terminal.press("y")
        terminal.until("1 put back into the queue")
        assert states(path) == {"queued": 3, "succeeded": 1, "failed": 1}
        terminal.until("TROUBLE  1 failed", gone=True)
        terminal.press("x")
        terminal.until("Cancel 3 queued jobs?")
        terminal.press("y")
        terminal.until("3 cancelled")
        terminal.press("q")
        assert terminal.ended() == 0
    assert states(path) == {"cancelled": 3, "succeeded": 1, "failed": 1}


def test_a_queue_that_cannot_be_read_for_a_moment_is_shown_as_such_and_comes_back(path: Path):
    whole = path.read_bytes()
    with running("top", "--poll", "0.2s", cwd=path.parents[1]) as terminal:
        terminal.until("5 jobs")
        path.write_bytes(whole[: len(whole) // 2])
        picture = terminal.until("cannot be read just now")
        assert "out of memory" in picture  # what was known stays
        path.write_bytes(whole)
        terminal.until("cannot be read just now", gone=True)
        terminal.press("q")
        assert terminal.ended() == 0


def test_a_new_size_gives_a_new_picture(path: Path):
    with running("top", cwd=path.parents[1], width=80, height=24) as terminal:
        terminal.until("5 jobs")
        assert len(terminal.picture().split("\n")) == 24
        terminal.resize(50, 12)
        terminal.until("TROUBLE", gone=True)  # no room for it any more
        lines = terminal.picture().split("\n")
        assert (len(lines), max(map(len, lines)) <= 50) == (12, True)
        terminal.resize(150, 40)
        picture = terminal.until("NEWEST JOBS")
        assert "Write z." in picture
        for _ in range(2):
            terminal.press("\x1b[B")
        assert "ANSWER" in terminal.until("def f(x):")  # the third of the list is the good one
        terminal.press("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(path: Path, sent: signal.Signals):
    with running("top", cwd=path.parents[1]) as terminal:
        settings = terminal.settings()
        terminal.until("5 jobs")
        terminal.process.send_signal(sent)
        assert terminal.ended() == (130 if sent is signal.SIGINT else 0)
        assert terminal.settings() == settings
    assert "Traceback" not in terminal.raw


def test_another_process_changes_the_picture(path: Path):
    with running("top", "--poll", "0.2s", cwd=path.parents[1]) as terminal:
        terminal.until("5 jobs")
        with Bridge(str(path)) as bridge:
            bridge.add("Write more.")
        terminal.until("6 jobs")
        terminal.press("\x1b[Aq")  # an arrow does nothing
        assert terminal.ended() == 0
    with Bridge(str(path)) as bridge:
        assert bridge.overview(state=State.QUEUED, caller="me").counts[State.QUEUED] == 2
