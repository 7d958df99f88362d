from __future__ import annotations

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
