"""A private request stays here: it is refused where somebody else would read it."""

from __future__ import annotations

import httpx
import pytest

from bridge.engines.address import is_public
from bridge.engines.openai import OpenAIEngine
from bridge.engines.relay import HttpRelay, RelayFamily
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.plan import ServePlan
from bridge.gateway.server import backend_of
from tests.cli.conftest import Run
from tests.gateway.serving import gateway
from tests.gateway.upstream import upstream

HI = [{"role": "user", "content": "hi"}]
ASKED: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/completions": {"prompt": "hi"},
    "/v1/responses": {"input": "hi", "store": False},
    "/v1/messages": {"messages": HI, "max_tokens": 9},
    "/v1/embeddings": {"input": "hi"},
    "/api/chat": {"messages": HI},
    "/api/generate": {"prompt": "hi"},
    "/api/embed": {"input": "hi"},
    "/infill": {"input_prefix": "hi"},
}


@pytest.mark.parametrize(
    ("url", "is_elsewhere"),
    [
        ("https://api.openai.com/v1", True),
        ("http://8.8.8.8:1234/v1", True),
        ("http://[2001:4860:4860::8888]/v1", True),
        ("http://127.0.0.1:11434", False),
        ("http://[::1]:11434", False),
        ("http://192.168.1.7:8000/v1", False),
        ("http://10.0.0.7/v1", False),
        ("http://localhost:8000", False),
        ("http://LOCALHOST.:8000", False),
        ("http://gpu:8000", False),
        ("http://gpu.lan:8000", False),
        ("http://gpu.local", False),
        ("http://local.example.org", True),
        ("http://127.0.0.1.nip.io", True),
        ("", False),
    ],
)
def test_whose_an_address_is(url: str, *, is_elsewhere: bool) -> None:
    assert is_public(url) is is_elsewhere


def test_it_does_not_go_to_a_public_api_passed_through_or_not() -> None:
    with upstream() as api:
        base = f"{api.url}/v1"
        relay = HttpRelay(base, family=RelayFamily.OPENAI)
        with gateway(OpenAIEngine(base), default_model="m", relay=relay, is_public=True) as served:
            for path, body in ASKED.items():
                asked = {"model": "m", "stream": False, **body}
                by_header = httpx.post(f"{served.url}{path}", json=asked, headers={"x-bridge-private": "true"})
                by_body = httpx.post(f"{served.url}{path}", json={**asked, "bridge": {"private": True}})
                for refused in (by_header, by_body):
                    assert (path, refused.status_code) == (path, 403)
                    assert "does not go to a public target" in refused.text
        assert api.got == []


def test_nor_to_a_model_that_ollama_has_only_by_name() -> None:
    class Cloudy(ScriptedEngine):
        name = "ollama"

    with gateway(Cloudy(models=("qwen2.5-coder:7b", "qwen3-coder:480b-cloud"))) as served:
        for model, status in (("qwen3-coder:480b-cloud", 403), ("qwen2.5-coder:7b", 200)):
            body = {"model": model, "messages": HI, "bridge": {"private": True}}
            assert httpx.post(f"{served.url}/v1/chat/completions", json=body).status_code == status


@pytest.mark.parametrize(
    ("base_url", "is_elsewhere"), [("https://api.example.com/v1", True), ("http://127.0.0.1:9/v1", False)]
)
def test_bridge_serve_knows_it_by_the_address_of_its_engine(
    bridge: Run, monkeypatch: pytest.MonkeyPatch, base_url: str, *, is_elsewhere: bool
) -> None:
    plans: list[ServePlan] = []
    monkeypatch.setattr("bridge.gateway.server.serve", lambda _engine, plan, **_: plans.append(plan))
    done = bridge("serve", "--engine", "openai", "--base-url", base_url, "--model", "m")
    assert done.code == 0, done.err
    assert [plan.is_public for plan in plans] == [is_elsewhere]
    assert backend_of(ScriptedEngine(), plans[0]).is_public is is_elsewhere
