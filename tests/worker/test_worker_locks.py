"""What workers that died leave in the state folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock

from bridge.transports.memory import MemoryFolder
from bridge.worker.heartbeat import WorkerHeartbeat

NOW = datetime(2026, 3, 10, tzinfo=UTC)


def lock_of(locks: Path, name: str, *, age: timedelta) -> Path:
    path = locks / f"{name}.lock"
    path.touch()
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))
    return path


def test_lock_files_that_are_old_and_free_are_tidied_away_and_no_others(tmp_path: Path) -> None:
    old = lock_of(tmp_path, "dead-long-ago", age=timedelta(days=8))
    young = lock_of(tmp_path, "died-just-now", age=timedelta(days=6))
    held = lock_of(tmp_path, "alive", age=timedelta(days=30))
    me = WorkerHeartbeat("me", locks=tmp_path, transport=MemoryFolder())
    me.begin()
    lock_of(tmp_path, "me", age=timedelta(days=30))

    with FileLock(held):
        os.utime(held, (0, 0))  # taking it made it new
        me.tidy(NOW)

    assert not old.exists()
    assert sorted(path.name for path in tmp_path.glob("*.lock")) == ["alive.lock", "died-just-now.lock", "me.lock"]
    assert me.is_dead("died-just-now")  # its leases are still known to be void
    assert young.exists()
    me.end()


def test_a_heartbeat_goes_at_once_and_its_lock_stays_until_it_is_old(tmp_path: Path) -> None:
    transport = MemoryFolder()
    lock_of(tmp_path, "dead", age=timedelta(hours=1))
    transport.put("workers/dead.json", b"{}")

    WorkerHeartbeat("me", locks=tmp_path, transport=transport).tidy(NOW)

    assert transport.files == {}
    assert (tmp_path / "dead.lock").exists()
