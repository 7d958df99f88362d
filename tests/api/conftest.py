"""A queue for the tests of the Python door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import Bridge
from tests.support.queues import make_queue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_queue(tmp_path / "queue")


@pytest.fixture
def queue(path: Path) -> Iterator[Bridge]:
    with Bridge(str(path)) as opened:
        yield opened
