from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from tests.support.drive import StandIn
from tests.support.drive_queues import Machine, machine


@pytest.fixture
def drive() -> Iterator[StandIn]:
    """A Drive of our own."""
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def here(drive: StandIn, tmp_path: Path) -> Iterator[Machine]:
    """A machine that is signed in."""
    made = machine(drive, tmp_path / "here")
    yield made
    made.close()


@pytest.fixture
def there(drive: StandIn, tmp_path: Path) -> Iterator[Machine]:
    """Another one."""
    made = machine(drive, tmp_path / "there")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries follow at once, as many as ever."""
    with stamina.set_testing(True, attempts=6):
        yield
