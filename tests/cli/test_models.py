"""`bridge models`: what is there, what fits, what comes and what goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.kernel.fit import Machine
from bridge.models import tiny
from bridge.models.fetch import CHUNK_BYTES
from bridge.models.uses import ModelUses
from tests.cli.conftest import Run
from tests.support.commands import environment
from tests.support.hub import NAME, LoopbackHub
from tests.support.ollama import LoopbackOllama
from tests.support.patience import until

SMALL = "qwen2.5-coder:1.5b"


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackOllama]:
    with LoopbackOllama(models=("qwen2.5-coder:32b", SMALL, "llama3:8b")) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackHub]:
    with LoopbackHub(tiny.PATH.read_bytes()) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("BRIDGE_CACHE_DIR", str(tmp_path / "cache"))
        yield server
        server.released.set()


def names(bridge: Run, *more: str) -> list[str]:
    return [row["model"] for row in bridge("models", "list", "--json", *more).json["models"]]


def test_fit_reads_the_quantisation_and_says_what_fits_instead(bridge: Run) -> None:
    rows = {row["model"]: row for row in bridge("models", "fit", "--json").json["models"]}
    assert {"qwen2.5-coder:0.5b", "qwen2.5-coder:32b", "qwen3-coder:30b"} <= set(rows)
    assert rows["qwen3-coder:30b"]["context_tokens"] == 262_144
    half = bridge("models", "fit", "--json", "qwen2.5-coder:14b-instruct-fp16").json["models"][0]
    assert half["needed_bytes"] > 3 * rows["qwen2.5-coder:14b"]["needed_bytes"] - 8e9
    assert "needs about" in bridge("models", "fit", SMALL).out


def test_what_ollama_has_is_listed_fetched_loaded_and_removed(bridge: Run, ollama: LoopbackOllama) -> None:
    assert names(bridge) == ["qwen2.5-coder:32b", SMALL, "llama3:8b"]
    assert bridge("models", "fetch", "qwencoder-0.5b").out == "qwen2.5-coder:0.5b fetched\n"
    assert bridge("models", "load", SMALL).code == 0
    assert ollama.loaded is not None
    assert bridge("models", "unload", SMALL).code == 0
    assert ollama.loaded is None
    assert "nothing was removed: --yes" in bridge("models", "remove", "llama3:8b").err
    assert bridge("models", "remove", "llama3:8b", "--yes").code == 0
    assert names(bridge) == ["qwen2.5-coder:32b", SMALL, "qwen2.5-coder:0.5b"]
    missing = bridge("models", "remove", "llama3:8b", "--yes")
    assert (missing.code, "not found" in missing.err) == (3, True)


def test_prune_removes_what_nothing_uses_and_asks_first(
    queue: Run, ollama: LoopbackOllama, own_surroundings: Path, tmp_path: Path
) -> None:
    ollama.models = ("qwen2.5-coder:32b", "lately:7b", "long-ago:7b", "never:7b", "of-a-job:7b", "of-a-setting:7b")
    with (tmp_path / "bridge.toml").open("a") as file:
        file.write('\n[engines.house]\nkind = "ollama"\nmodel = "of-a-setting:7b"\n')
    now = datetime.now(UTC)
    uses = own_surroundings / "models.json"
    ModelUses(uses, now=lambda: now - timedelta(days=40)).note("ollama", "long-ago:7b")
    ModelUses(uses, now=lambda: now - timedelta(days=2)).note("ollama", "lately:7b")
    assert queue("add", "a prompt", "--model", "of-a-job:7b").code == 0

    asked = queue("models", "prune")
    assert (asked.code, "nothing was removed: --yes" in asked.err) == (2, True)
    assert len(ollama.models) == 6
    assert queue("models", "prune", "--yes", "--json").json["removed"] == ["long-ago:7b", "never:7b"]
    assert ollama.models == ("qwen2.5-coder:32b", "lately:7b", "of-a-job:7b", "of-a-setting:7b")
    assert queue("models", "prune", "--unused", "1d", "--yes", "--json").json["removed"] == ["lately:7b"]


def test_a_gguf_file_is_fetched_listed_and_removed(bridge: Run, hub: LoopbackHub, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs the extra [embedded]")
    fetched = bridge("models", "fetch", "qwencoder-0.5b", "--engine", "llamacpp")
    assert fetched.code == 0
    assert "fetching: " in fetched.err
    assert (tmp_path / "cache/models" / NAME).read_bytes() == hub.content
    assert names(bridge, "--engine", "llamacpp") == ["qwen2.5-coder:0.5b"]
    refused = bridge("models", "load", "qwen2.5-coder:0.5b", "--engine", "llamacpp")
    assert (refused.code, "--gateway" in refused.err) == (2, True)
    assert bridge("models", "remove", "qwen2.5-coder:0.5b", "--engine", "llamacpp", "--yes").code == 0
    assert not list((tmp_path / "cache/models").glob("*.gguf"))
    nowhere = bridge("models", "fetch", "nobody-has-this", "--engine", "llamacpp")
    assert (nowhere.code, "--gguf FILE" in nowhere.err) == (3, True)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_download_that_was_killed_goes_on_where_it_stopped(hub: LoopbackHub, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs the extra [embedded]")
    hub.holds_after = 6 * CHUNK_BYTES + 100
    command = [sys.executable, "-m", "bridge", "models", "fetch", "qwencoder-0.5b", "--engine", "llamacpp"]
    first = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL)
    assert hub.held.wait(60)
    part = tmp_path / "cache/models" / f"{NAME}.part"
    until(lambda: part.is_file() and part.stat().st_size == 6 * CHUNK_BYTES)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(30)
    assert part.stat().st_size == 6 * CHUNK_BYTES
    hub.holds_after = None
    hub.released.set()

    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, timeout=60)
    assert hub.downloads[-1]["Range"] == f"bytes={6 * CHUNK_BYTES}-"
    assert (tmp_path / "cache/models" / NAME).read_bytes() == hub.content


def test_a_gateway_that_runs_does_it_as_well(bridge: Run) -> None:
    pytest.importorskip("starlette", reason="needs the extra [gateway]")
    from bridge.engines.scripted import ScriptedEngine
    from tests.gateway.serving import gateway

    engine = ScriptedEngine(models=(SMALL, "other"))
    with gateway(engine) as served:
        there = ("--gateway", served.url)
        assert names(bridge, *there) == [SMALL, "other"]
        assert bridge("models", "unload", "qwencoder-1.5b", *there).code == 0
        assert engine.loaded == ("other",)
        assert bridge("models", "load", SMALL, *there).code == 0
        assert bridge("models", "fetch", SMALL, *there).out == f"{SMALL} fetched\n"
        missing = bridge("models", "fetch", "nobody-has-this", *there)
        assert (missing.code, "nobody-has-this" in missing.err) == (3, True)
        assert bridge("models", "remove", "other", "--yes", *there).code == 0
        assert names(bridge, *there) == [SMALL]


def test_doctor_says_when_the_model_does_not_fit(
    queue: Run, ollama: LoopbackOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model_findings() -> list[str]:
        return [row["found"] for row in queue("doctor", "--json").json["findings"] if row["check"] == "model"]

    machine = Machine(gpu="Tesla T4", vram_bytes=15360 << 20, ram_bytes=11 << 30)
    monkeypatch.setattr("bridge.kernel.machine.look_at_machine", lambda: machine)
    [said] = model_findings()
    assert "qwen2.5-coder:32b with 1 lane" in said
    assert "spills" in said
    assert "qwen2.5-coder:14b would fit whole" in said
    with (tmp_path / "bridge.toml").open("a") as file:
        file.write('\n[engines.ollama]\nmodel = "qwen2.5-coder:7b"\n')
    assert model_findings() == []
