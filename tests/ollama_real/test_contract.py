"""What every engine does (`tests/engines/test_contract.py`), on a real Ollama."""

# ruff: noqa: F403, F405, F811  # all tests of that file, with other fixtures
from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.errors import NotSupported
from bridge.engines.ollama import OllamaEngine
from tests.engines.test_contract import *
from tests.engines.test_contract import Able, Bench
from tests.ollama_real.conftest import PLAIN, TINY
from tests.ollama_real.server import RealOllama

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def toolchain(real: RealOllama) -> Bench:
    return Bench(OllamaEngine(real.url), PLAIN, real.kill, real.start)


@pytest.fixture
def able(real: RealOllama, tmp_path: Path) -> Able:
    return Able(OllamaEngine(real.url), TINY, OllamaEngine(real.url))
