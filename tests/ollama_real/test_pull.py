"""Models from a registry: with progress, with a cut in the middle, given up and gone on with, and with wrong bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.kernel.error_kind import ErrorKind, OllamaError, Stopped
from bridge.kernel.ollama import Ollama
from bridge.kernel.setup import pull_model
from bridge.kernel.stop import Stop
from bridge.models import tiny
from tests.ollama_real.conftest import TINY
from tests.ollama_real.registry import LoopbackRegistry
from tests.ollama_real.server import RealOllama

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not shutil.which("openssl"), reason="openssl, which makes the registry's certificate, is not installed"
    ),
]
SIZE = tiny.PATH.stat().st_size


@pytest.fixture
def registry(real: RealOllama, tmp_path: Path) -> Iterator[LoopbackRegistry]:
    with LoopbackRegistry(models=real.home / "models", folder=tmp_path) as found:
        yield found


@pytest.fixture
def empty(registry: LoopbackRegistry, second_home: Path) -> Iterator[RealOllama]:
    """A server without models that trusts the registry."""
    with RealOllama(second_home, environ={"SSL_CERT_FILE": str(registry.certificate)}) as server:
        yield server


def test_a_model_is_pulled_with_progress_and_answers(empty: RealOllama, registry: LoopbackRegistry) -> None:
    seen: list[tuple[str, int, int]] = []
    client = Ollama(empty.url)
    client.pull(registry.name(TINY), lambda *step: seen.append(step))
    statuses = [status for status, _done, _total in seen]
    assert statuses[0] == "pulling manifest"
    assert statuses[-1] == "success"
    assert "verifying sha256 digest" in statuses
    assert max(done for _status, done, total in seen if total == SIZE) == SIZE
    assert client.has(registry.name(TINY))
    assert client.answer("Say hi", model=registry.name(TINY), num_ctx=512, num_predict=4).text
    shown: list[str] = []
    pull_model(client, registry.name(TINY), say=shown.append)
    assert not shown  # it is there


def test_a_download_that_breaks_goes_on_where_it_stopped(empty: RealOllama, registry: LoopbackRegistry) -> None:
    registry.cuts.append(1_000_000)
    Ollama(empty.url).pull(registry.name(TINY))
    assert registry.ranges == [f"bytes=0-{SIZE - 1}", f"bytes=1000000-{SIZE - 1}"]


def test_a_pull_that_was_stopped_goes_on_in_the_next_one(empty: RealOllama, registry: LoopbackRegistry) -> None:
    registry.slow_after = 2_000_000
    stop = Stop()

    def on_progress(_status: str, done: int, total: int) -> None:
        if total == SIZE and done >= 2_000_000:
            stop.set()

    client = Ollama(empty.url)
    with pytest.raises(Stopped):
        client.pull(registry.name(TINY), on_progress, stop=stop)
    registry.slow_after = None
    client.pull(registry.name(TINY))
    registry.released.set()
    assert client.has(registry.name(TINY))
    assert registry.ranges[-1] == f"bytes=2000000-{SIZE - 1}"


def test_wrong_bytes_are_refused_and_the_next_pull_begins_anew(empty: RealOllama, registry: LoopbackRegistry) -> None:
    registry.damaged = True
    client = Ollama(empty.url)
    with pytest.raises(OllamaError, match="digest mismatch") as caught:
        client.pull(registry.name(TINY), tries=2, wait=lambda _s: None)
    assert caught.value.kind is ErrorKind.INTERRUPTED  # passing: it is fetched anew
    assert not client.has(registry.name(TINY))
    assert registry.ranges == [f"bytes=0-{SIZE - 1}"] * 2
    registry.damaged = False
    client.pull(registry.name(TINY))
    assert client.has(registry.name(TINY))


def test_a_name_that_the_registry_does_not_know_is_missing_and_is_not_tried_again(
    empty: RealOllama, registry: LoopbackRegistry
) -> None:
    with pytest.raises(OllamaError, match="file does not exist") as caught:
        Ollama(empty.url).pull(registry.name("nobody"), wait=lambda _s: pytest.fail("tried again"))
    assert caught.value.kind is ErrorKind.MODEL_MISSING
