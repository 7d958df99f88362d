"""One real server for all tests of this folder; they skip where it was not built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.models import tiny
from tests.ollama_real.build import PROGRAM, VERSION
from tests.ollama_real.server import TEMPLATE, RealOllama
from tests.support.gguf import write_tiny_gguf

#: The toy that calls tools and fills in the middle, one with random weights that can only answer, and one that only makes vectors.
TINY, PLAIN, VECTORS = "tiny-coder:5m", "plain:1m", "vectors:1m"


@pytest.fixture(scope="session")
def shared_ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOllama]:
    """The server of this session, with both models. Skips."""
    if not PROGRAM.exists():
        pytest.skip(f"Ollama {VERSION} was not built: `make ollama` builds it where Go and a C++ compiler are")
    home = tmp_path_factory.mktemp("ollama")
    with RealOllama(home) as server:
        server.create(TINY, tiny.PATH, template=TEMPLATE, temperature=0, repeat_penalty=1, num_thread=1)
        server.create(PLAIN, write_tiny_gguf(home / "plain.gguf"), num_thread=1)
        server.create(VECTORS, write_tiny_gguf(home / "vectors.gguf", pooling=True), num_thread=1)
        yield server


@pytest.fixture(scope="session")
def unable_ollama(shared_ollama: RealOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOllama]:
    """A server whose model has the toy's name and can only answer."""
    home = tmp_path_factory.mktemp("unable")
    with RealOllama(home) as server:
        server.create(TINY, write_tiny_gguf(home / "plain.gguf"), num_thread=1)
        yield server


@pytest.fixture
def real(shared_ollama: RealOllama) -> RealOllama:
    """The server, up: a test before may have taken it down."""
    if shared_ollama.process is None or shared_ollama.process.poll() is not None:
        shared_ollama.start()
    return shared_ollama


@pytest.fixture
def second_home(tmp_path: Path, real: RealOllama) -> Path:
    """Where another server may live, which has no models yet."""
    return tmp_path / "second"
