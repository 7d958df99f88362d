from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.queues import Queue, make_queue


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A new, empty queue, its state folder, and nobody else's settings."""
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("BRIDGE_QUEUE", raising=False)
    monkeypatch.chdir(tmp_path)
    queue = Queue(make_queue(tmp_path / "queue"))
    yield queue
    queue.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter (those of pytest are their owner's only)."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    for each in (path, *path.rglob("*")):
        each.chmod(0o755)
    shutil.rmtree(path)
