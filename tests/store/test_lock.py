from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from bridge.core.errors import JournalError, LockHeld
from bridge.core.events import Event, EventKind
from bridge.store.lock import QueueLock
from tests.support.commands import environment

#: Holds a lock until it is killed; says when it has it.
HOLDER = """
import sys, threading
from bridge.store.lock import QueueLock
from pathlib import Path
lock = QueueLock(Path(sys.argv[1]), notify=print, now=lambda: 0.0)
with lock.held("adding 3 job(s)"):
    print("held", flush=True)
    threading.Event().wait()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process  # type: ignore[misc]  # a generator fixture
    process.kill()
    process.wait()
    process.stdout.close()


def lock_at(path: Path, events: list[Event], *, patience_s: float) -> QueueLock:
    ticks = iter(range(0, 1000, 7))
    return QueueLock(path, notify=events.append, now=lambda: next(ticks), patience_s=patience_s, quiet_s=0.05)


def test_a_lock_that_is_held_is_waited_for_with_a_message_and_then_its_holder_is_named(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    events: list[Event] = []
    lock = lock_at(tmp_path / "lock", events, patience_s=0.2)
    with pytest.raises(LockHeld) as caught, lock.held("archiving"):
        pass
    assert [event.kind for event in events] == [EventKind.WAITING]
    for message in (events[0].message, str(caught.value)):
        assert f"process {holder.pid} (adding 3 job(s))" in message
    assert "waited 7 s" in str(caught.value)


def test_a_lock_is_free_as_soon_as_its_holder_is_killed(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    events: list[Event] = []
    lock = lock_at(tmp_path / "lock", events, patience_s=30)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock.held("archiving"):
        assert events == []
        assert "archiving" in (tmp_path / "lock.holder.json").read_text()
    assert not (tmp_path / "lock.holder.json").exists()


def test_who_waits_gets_the_lock_when_it_is_let_go(tmp_path: Path) -> None:
    events: list[Event] = []
    other = FileLock(tmp_path / "lock", thread_local=False)
    other.acquire()
    lock = QueueLock(
        tmp_path / "lock",
        notify=lambda event: (events.append(event), other.release())[0],
        now=lambda: 0.0,
        quiet_s=0.05,
    )
    with lock.held("adding"):
        assert [event.kind for event in events] == [EventKind.WAITING]
        assert "another process" in events[0].message  # it left no note of who it is


def test_a_lock_may_be_taken_again_by_who_holds_it(tmp_path: Path) -> None:
    lock = QueueLock(tmp_path / "lock", notify=lambda _: None, now=lambda: 0.0)
    with lock.held("outer"):
        with lock.held("inner"):
            pass
        assert "outer" in (tmp_path / "lock.holder.json").read_text()
        refused = threading.Event()

        def try_it() -> None:
            other = QueueLock(tmp_path / "lock", notify=lambda _: None, now=lambda: 0.0, patience_s=0.05)
            try:
                with other.held("other"):
                    pass
            except LockHeld:
                refused.set()

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        assert refused.is_set()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match="BRIDGE_STATE_DIR"):
        QueueLock(tmp_path / "file" / "lock", notify=lambda _: None, now=lambda: 0.0)
