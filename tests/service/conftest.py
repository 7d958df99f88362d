from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import bridge  # noqa: F401  # a fixture
from tests.service.specs import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Real services, all stopped at the end."""
    (folder := tmp_path / "a folder").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Services(folder=folder, state=tmp_path / "state", port=port)
    yield made
    for role in ("serve", "work"):
        if made.file(f"{role}.json").exists():
            assert made("uninstall", role).code == 0
