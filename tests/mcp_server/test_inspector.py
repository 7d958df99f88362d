"""The server through the inspector's command line, where `make clients` installed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.by_mcp import INSPECTOR, inspected
from tests.clients.install import NPM_BIN

_PROGRAM = NPM_BIN / INSPECTOR


@pytest.mark.skipif(
    not _PROGRAM.exists(), reason="the inspector is not installed: `make clients ARGS=inspector` does it, with npm"
)
def test_the_inspector_lists_calls_and_reads(tmp_path: Path):
    assert inspected(tmp_path) == []
