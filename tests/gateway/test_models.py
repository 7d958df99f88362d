"""Models over the gateway: listed, loaded, let go of, fetched."""

from __future__ import annotations

import httpx
import ollama
import pytest

from tests.gateway.conftest import Served


def test_the_short_path_lists_models_and_health_loads_none(served: Served) -> None:
    served.engine.unload("scripted")
    found = httpx.get(f"{served.url}/models").json()["models"]
    assert [(model["id"], model["status"]) for model in found] == [
        ("scripted", "unloaded"),
        ("qwen2.5-coder:1.5b", "loaded"),
    ]
    health = httpx.get(f"{served.url}/health").json()
    assert {"status", "model_loaded", "memory_usage"} <= set(health)
    assert served.engine.loaded == ("qwen2.5-coder:1.5b",)


def test_a_model_is_loaded_and_unloaded_by_its_short_name(served: Served) -> None:
    body = {"model_name": "qwencoder-1.5b"}
    assert httpx.post(f"{served.url}/models/unload", json=body).json()["status"] == "unloaded"
    assert served.engine.loaded == ("scripted",)
    assert httpx.post(f"{served.url}/models/load", json=body).json() == {
        "model": "qwen2.5-coder:1.5b",
        "status": "loaded",
    }


def test_a_model_is_fetched_with_progress(served: Served) -> None:
    body = {"model_name": "qwencoder-1.5b", "stream": True}
    events = httpx.post(f"{served.url}/models/download", json=body).text
    assert '"status":"success","progress":100.0' in events
    assert events.endswith("data: [DONE]\n\n")
    with ollama.Client(host=served.url) as client:
        assert client.pull("scripted").status == "success"
        with pytest.raises(ollama.ResponseError, match="nobody-has-this"):
            client.pull("nobody-has-this")


def test_ollama_loads_by_an_empty_prompt(served: Served) -> None:
    served.engine.unload("scripted")
    with ollama.Client(host=served.url) as client:
        assert client.generate(model="scripted").done_reason == "load"
        assert "scripted" in served.engine.loaded
        client.generate(model="scripted", keep_alive=0)
    assert "scripted" not in served.engine.loaded
