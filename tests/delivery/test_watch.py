"""The watcher, in this process and as a real one that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, State, wiring
from bridge.checking import Toolchain
from bridge.core.errors import LockHeld
from bridge.core.events import EventKind
from bridge.delivery.channels import Channel, Outbox
from bridge.delivery.watch import Watcher
from tests.support.answers import GOOD, give
from tests.support.commands import environment
from tests.support.patience import LONG_S, until
from tests.support.queues import Queue, ids_in, save


@pytest.fixture
def watcher_of(queue: Queue, toolchain: Toolchain) -> Callable[..., Watcher]:
    """A watcher with a queue object of its own, not started."""

    def make(*channels: Channel, archive_after_s: float | None = None) -> Watcher:
        own = queue.open()
        return wiring.open_watcher(
            own.opened, own.archive_delivered, toolchain, wiring.Rules(), channels=channels, poll_s=0.2,
            archive_after_s=archive_after_s, listener=queue.events.append,
        )  # fmt: skip

    return make


@contextmanager
def running(watcher: Watcher) -> Iterator[None]:
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        yield
    finally:
        watcher.ask_to_stop()
        thread.join(LONG_S)
        assert not thread.is_alive()


def test_a_running_watcher_checks_and_hands_over_once_while_others_wait(
    queue: Queue, bridge: Bridge, watcher_of: Callable[..., Watcher], tmp_path: Path
):
    box = tmp_path / "box"
    jobs = [bridge.add(f"Write f{n}.") for n in range(3)]
    watcher = watcher_of(Outbox(folder=box))
    with running(watcher):
        ready: list[Any] = []
        others = [queue.open() for _ in range(2)]
        waits = [threading.Thread(target=lambda b=b: ready.append(b.wait(jobs, timeout_s=LONG_S))) for b in others]
        for wait in waits:
            wait.start()
        for job in jobs:
            give(bridge, job, GOOD)
        for wait in waits:
            wait.join(LONG_S)
        until(lambda: watcher.checked == 3 and len(list(box.glob("*/result.json"))) == 3)

    assert [len(views) for views in ready] == [3, 3]
    assert sorted(p.name for p in box.iterdir()) == sorted(jobs)
    assert len(queue.told(EventKind.CHECKED)) == 3


def test_a_second_watcher_says_that_there_is_one(watcher_of: Callable[..., Watcher], monkeypatch: pytest.MonkeyPatch):
    first, second = watcher_of(), watcher_of()
    began = threading.Event()
    monkeypatch.setattr(first, "once", lambda: bool(began.set()))
    with running(first):
        assert began.wait(LONG_S)
        with pytest.raises(LockHeld, match="another watcher"):
            second.run()


def test_a_stale_save_is_put_back_and_a_fork_folded_in(
    queue: Queue, bridge: Bridge, watcher_of: Callable[..., Watcher]
):
    bridge.add("Write e.")
    old = queue.load()
    job = bridge.add("Write f.")
    with running(watcher_of()):
        queue.save(old)
        until(lambda: job in ids_in(queue.load()))
        fork = queue.path.with_name("qwen_bridge (1).ipynb")
        save(fork, queue.load())
        until(lambda: not fork.exists())

    assert [p.name for p in (queue.path.parent / "forks").iterdir()] == [fork.name]
    assert queue.told(EventKind.RESTORED)


def test_a_folder_that_vanishes_stops_nothing_for_good(
    queue: Queue, bridge: Bridge, watcher_of: Callable[..., Watcher]
):
    job = bridge.add("Write f.")
    home, away = queue.path.parent, queue.path.parent.with_name("away")
    with running(watcher_of()):
        home.rename(away)
        until(lambda: queue.told(EventKind.BLOCKED))
        away.rename(home)
        give(bridge, job, GOOD)
        until(lambda: bridge.get(job).state is State.CHECKED)

    assert len(queue.told(EventKind.BLOCKED)) <= 2  # said once, not every round


def test_what_was_handed_over_is_archived(
    queue: Queue, bridge: Bridge, watcher_of: Callable[..., Watcher], tmp_path: Path
):
    job = give(bridge, bridge.add("Write f."), GOOD)

    assert watcher_of(Outbox(folder=tmp_path / "box"), archive_after_s=0).once()

    assert bridge.get(job).state is State.ARCHIVED
    assert (tmp_path / "box" / job / "files" / "block-1.py").is_file()


# ---- as a process

PROGRAM = """
import json, os, sys, time
what = json.load(sys.stdin)
with open(sys.argv[1], "a") as log:
    log.write(os.environ["BRIDGE_KEY"] + "\\n")
if sys.argv[2:] == ["hang"] and not os.path.exists(sys.argv[1] + ".again"):
    open(sys.argv[1] + ".again", "w").close()
    time.sleep(600)
"""


def bridge_process(*argv: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", *argv], cwd=cwd, env=environment(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_watcher_killed_while_it_hands_over_does_so_again_when_it_is_started_again(
    queue: Queue, bridge: Bridge, tmp_path: Path
):
    """At least once for a program, once visible in the outbox; the key is the same both times."""
    (tmp_path / "program.py").write_text(PROGRAM)
    log, box = tmp_path / "log", tmp_path / "box"
    watch = [
        "watch", "--queue", str(queue.path), "--poll", "0.2", "--outbox", str(box),
        "--exec", f"{sys.executable} {tmp_path / 'program.py'} {log} hang",
    ]  # fmt: skip
    job = give(bridge, bridge.add("Write f."), GOOD)
    first = bridge_process(*watch, cwd=tmp_path)
    until(lambda: log.is_file() and log.read_text())
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=LONG_S)
    assert bridge.get(job).state is State.CHECKED

    second = bridge_process(*watch, cwd=tmp_path)
    until(lambda: bridge.get(job).state is State.DELIVERED)
    second.send_signal(signal.SIGTERM)
    _, errors = second.communicate(timeout=LONG_S)

    assert second.returncode == 0, errors
    keys = log.read_text().split()
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert [p.name for p in box.iterdir()] == [job]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_watch_once_as_a_command_hands_over_and_ends(queue: Queue, bridge: Bridge, tmp_path: Path):
    job = give(bridge, bridge.add("Write f."), GOOD)

    done = bridge_process("watch", "--once", "--queue", str(queue.path), "--outbox", "box", "--json", cwd=tmp_path)
    out, errors = done.communicate(timeout=LONG_S)

    assert done.returncode == 0, errors
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["checked", "delivered", "summary"]
    counts = {"checked": 1, "handed_over": 1, "channels": {"outbox": 1}, "left_to_hand_over": 0, "unanswered": 0}
    assert events[-1] == {"event": "summary", **counts}
    assert (tmp_path / "box" / job / "result.json").is_file()
