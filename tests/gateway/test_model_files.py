"""Models as files behind the gateway, on a real llama.cpp: fetched, used, removed, damaged; and prompts longer than any window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("xllamacpp", reason="needs the extra [embedded]")

from bridge import wiring
from bridge.models import tiny
from tests.gateway.serving import Gateway, gateway
from tests.support.hub import LoopbackHub

NAME = "qwen2.5-coder:0.5b"
HI = [{"role": "user", "content": "Write a Python function that reverses a string."}]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with LoopbackHub(tiny.PATH.read_bytes()) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def served(hub: LoopbackHub, tmp_path: Path) -> Iterator[Gateway]:
    folder = tmp_path / "models"
    folder.mkdir()
    settings = wiring.EngineSettings(name="llamacpp", kind=wiring.EngineKind.LLAMACPP, gguf=str(folder))
    engine = wiring.open_engine(settings, lanes=2, num_ctx=2048)
    with gateway(engine, num_ctx=2048, one_model=True) as made:
        yield made
    engine.close()


def post(served: Gateway, path: str, **body: object) -> httpx.Response:
    return httpx.post(f"{served.url}{path}", json=body, timeout=120)


def test_a_fetched_model_answers_without_a_restart_and_can_be_removed(served: Gateway, tmp_path: Path) -> None:
    nothing = post(served, "/v1/chat/completions", messages=HI)
    assert (nothing.status_code, "bridge models fetch" in nothing.text) == (503, True)
    events = post(served, "/models/download", model_name="qwencoder-0.5b", quantization="q4_K_M", stream=True).text
    assert '"status":"fetching"' in events
    assert '"status":"success","progress":100.0' in events

    reply = post(served, "/v1/chat/completions", model="qwencoder-0.5b", messages=HI, max_tokens=8).json()
    assert reply["model"] == NAME
    assert httpx.get(f"{served.url}/health").json()["models_loaded"] == [NAME]
    assert httpx.delete(f"{served.url}/v1/models/{NAME}").json()["deleted"] is True
    assert not list((tmp_path / "models").glob("*.gguf"))
    assert httpx.get(f"{served.url}/models").json() == {"models": []}


def test_asking_what_there_is_loads_nothing(served: Gateway) -> None:
    post(served, "/models/download", model_name=NAME, stream=True)
    for path in ("/health", "/v1/models", f"/v1/models/{NAME}", "/models", "/api/tags", "/api/ps", "/metrics"):
        assert httpx.get(f"{served.url}{path}", timeout=30).status_code == 200
    assert post(served, "/api/show", model=NAME).status_code == 200
    assert httpx.get(f"{served.url}/health").json()["models_loaded"] == []


def test_a_damaged_file_is_told_in_each_family(served: Gateway, tmp_path: Path) -> None:
    (tmp_path / "models" / "half.gguf").write_bytes(tiny.PATH.read_bytes()[:3_000_000])
    asked = {
        "/v1/chat/completions": {"messages": HI},
        "/v1/responses": {"input": "hi"},
        "/v1/messages": {"messages": HI, "max_tokens": 9},
        "/api/chat": {"messages": HI, "stream": False},
    }
    for path, body in asked.items():
        reply = post(served, path, model="half", **body)
        assert reply.status_code == 400
        assert "half.gguf cannot be loaded" in reply.text
        assert "incomplete" in reply.text


def test_a_prompt_of_100_thousand_tokens_is_counted_and_refused_before_it_starts(served: Gateway) -> None:
    post(served, "/models/download", model_name=NAME, stream=True)
    long = [{"role": "user", "content": "def add(a, b):\n    return a + b\n" * 9_000}]
    counted = post(served, "/v1/chat/completions/input_tokens", model=NAME, messages=long).json()["input_tokens"]
    assert counted > 100_000
    refused = post(served, "/v1/chat/completions", model=NAME, messages=long)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "context_length_exceeded"
    assert str(counted) in refused.text
    assert "2048" in refused.text
    assert post(served, "/v1/chat/completions", model=NAME, messages=HI, max_tokens=8).status_code == 200
