from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, wiring
from bridge.checking import Toolchain
from bridge.delivery.review import Reviewer
from tests.support.queues import Queue, make_queue


@pytest.fixture(scope="session")
def toolchain() -> Iterator[Toolchain]:
    """One for all tests: its worker process starts once."""
    with Toolchain() as own:
        yield own


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toolchain: Toolchain) -> Iterator[Queue]:
    """A new, empty queue with nobody else's settings; its objects share one toolchain."""
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "open_toolchain", lambda: toolchain)
    monkeypatch.setattr(Bridge, "close", lambda self: self.store.journal.close())  # the toolchain stays open
    queue = Queue(make_queue(tmp_path / "queue"))
    yield queue
    queue.close()


@pytest.fixture
def bridge(queue: Queue) -> Bridge:
    return queue.open()


@pytest.fixture
def reviewer_of(toolchain: Toolchain, queue: Queue) -> Callable[..., Reviewer]:
    """A reviewer of a queue: `reviewer_of(bridge, max_rounds=1)`."""

    def make(bridge: Bridge, **rules: Any) -> Reviewer:
        return wiring.open_reviewer(bridge.opened, toolchain, wiring.Rules(**rules), queue.events.append)

    return make


@pytest.fixture
def reviewer(bridge: Bridge, reviewer_of: Callable[..., Reviewer]) -> Reviewer:
    return reviewer_of(bridge)
