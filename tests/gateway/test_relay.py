"""Requests that pass through to an API of the client's own family."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import openai
import pytest

from bridge.engines.anthropic import AnthropicEngine
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine
from bridge.engines.relay import HttpRelay, RelayFamily
from bridge.gateway.guard import GuardRules
from tests.gateway.serving import Gateway, gateway
from tests.gateway.upstream import CHAT, Says, Upstream, chunk, upstream
from tests.support.patience import until

HI = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
WHOLE = Says(
    pieces=(json.dumps({"choices": [], "x_cached": 3, "service_tier": "flex"}).encode(),), kind="application/json"
)


@pytest.fixture
def api() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture
def served(api: Upstream) -> Iterator[Gateway]:
    with before(api) as made:
        yield made


def before(api: Upstream, *, key: str | None = None, token: str | None = None):
    base = f"{api.url}/v1"
    return gateway(
        OpenAIEngine(base, key),
        default_model="m",
        relay=HttpRelay(base, key, family=RelayFamily.OPENAI),
        rules=GuardRules(token=token),
    )


def ask(served: Gateway, path: str = "/v1/chat/completions", headers: dict[str, str] | None = None, **body: object):
    return httpx.post(served.url + path, json={**HI, **body}, headers=headers, timeout=30)


def test_what_nobody_knows_passes_through_both_ways(api: Upstream, served: Gateway) -> None:
    api.script.append(WHOLE)
    reply = ask(served, thinking={"type": "adaptive"}, logprobs=True, seed=7)
    assert api.got[0].body == {**HI, "thinking": {"type": "adaptive"}, "logprobs": True, "seed": 7}
    assert api.got[0].path == "/v1/chat/completions"
    assert reply.json() == json.loads(WHOLE.pieces[0])


def test_a_stream_passes_through_as_it_is(api: Upstream, served: Gateway) -> None:
    reply = ask(served, stream=True)
    assert reply.content == b"".join(CHAT)
    assert reply.headers["content-type"] == "text/event-stream"
    assert not served.line.running


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings", "/v1/responses"])
def test_each_path_of_the_family_passes_through(api: Upstream, served: Gateway, path: str) -> None:
    api.script.append(WHOLE)
    reply = ask(served, path, store=False, input="x", prompt="x")
    assert (api.got[0].path, reply.json()["x_cached"]) == (path, 3)


def test_a_model_that_nobody_has_is_substituted_and_said(api: Upstream, served: Gateway) -> None:
    api.script.append(WHOLE)
    reply = ask(served, model="gpt-4o")
    assert api.got[0].body["model"] == "m"
    assert reply.headers["x-bridge-model-asked"] == "gpt-4o"


@pytest.mark.parametrize(
    ("own", "token", "sent", "arrives"),
    [
        (None, None, {"authorization": "Bearer mine"}, "Bearer mine"),
        (None, None, {"x-api-key": "mine"}, "Bearer mine"),
        (None, None, {}, None),
        ("ours", None, {"authorization": "Bearer mine"}, "Bearer ours"),  # the engine's own comes first
        (None, "t0k", {"authorization": "Bearer t0k"}, None),  # the gateway's token goes to nobody
        (None, "t0k", {"x-api-key": "t0k"}, None),
        (None, "t0k", {"authorization": "Bearer t0k", "x-api-key": "mine"}, "Bearer mine"),
    ],
)
def test_which_key_the_api_gets(
    api: Upstream, own: str | None, token: str | None, sent: dict[str, str], arrives: str | None
) -> None:
    api.script.append(WHOLE)
    with before(api, key=own, token=token) as served:
        assert ask(served, headers=sent).status_code == 200
    assert api.got[0].headers.get("authorization") == arrives
    assert "t0k" not in str(api.got[0].headers)


@pytest.mark.parametrize(
    ("status", "said", "expected", "code"),
    [
        (429, {"message": "slow down"}, 429, "rate_limit_exceeded"),
        (400, {"message": "maximum context length is 10 tokens, your request has 12 tokens"}, 400, "context_length_exceeded"),
        (404, {"message": "no such model"}, 404, "model_not_found"),
        (401, {"message": "wrong key mine"}, 401, "invalid_api_key"),
        (503, {"message": "busy"}, 429, "rate_limit_exceeded"),
        (302, {}, 400, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_told_in_our_words(
    api: Upstream, served: Gateway, status: int, said: dict[str, str], expected: int, code: str | None, stream: bool
) -> None:
    body = json.dumps({"error": said}).encode()
    api.script.append(Says(status=status, pieces=(body,), kind="application/json", headers=(("retry-after", "7"),)))
    reply = ask(served, stream=stream, headers={"authorization": "Bearer mine"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (expected, code)
    assert "mine" not in reply.text
    if status == 429:
        assert reply.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "says",
    [
        Says(pieces=(chunk("one"),)),  # ends without a word
        Says(pieces=(chunk("one"), b'data: {"choi')),  # in the middle of an event
        Says(pieces=(chunk("one"), chunk("data: [DONE]"))),  # the text only looks like an end
        Says(pieces=(chunk("one"),), cut=True),  # the connection breaks
    ],
)
def test_a_stream_that_breaks_off_ends_with_an_error(api: Upstream, served: Gateway, says: Says) -> None:
    api.script.append(says)
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="x", max_retries=0) as client:
        stream = client.chat.completions.create(model="m", messages=HI["messages"], stream=True)  # type: ignore[call-overload]
        said = []
        with pytest.raises(openai.APIError, match="broke off"):
            said += [event.choices[0].delta.content for event in stream]
    assert not served.line.running


@pytest.mark.parametrize(
    "last",
    [
        (chunk("two", "stop"),),  # some servers send no [DONE]
        (b'data: {"choices":[],"usage":{"prompt_tokens":1}}\r\n\r\n',),
        (b'data: {"error":{"message":"no"}}\n\n',),  # the API has told it
        (b"data: [DONE]",),  # without its line end
    ],
)
def test_an_end_that_the_client_understands_is_left_alone(
    api: Upstream, served: Gateway, last: tuple[bytes, ...]
) -> None:
    api.script.append(Says(pieces=(chunk("one"), *last)))
    assert "broke off" not in ask(served, stream=True).text


def test_a_client_that_leaves_cuts_the_connection_to_the_api(api: Upstream, served: Gateway) -> None:
    api.script.append(Says(gate=threading.Event()))
    with httpx.stream("POST", f"{served.url}/v1/chat/completions", json={**HI, "stream": True}, timeout=30) as stream:
        pieces = stream.iter_raw()  # kept: a generator that is let go of closes the stream
        next(pieces)
        assert len(served.line.running) == 1
    until(lambda: api.left == 1)
    until(lambda: not served.line.running)


@pytest.mark.parametrize("limits", [{"silence_s": 0.05}, {"timeout_s": 0.05}])
def test_an_api_that_says_nothing_more_is_given_up(api: Upstream, limits: dict[str, float]) -> None:
    api.script.append(Says(gate=threading.Event()))
    base = f"{api.url}/v1"
    relay = HttpRelay(base, family=RelayFamily.OPENAI, silence_s=limits.get("silence_s", 300.0))
    with gateway(OpenAIEngine(base), default_model="m", relay=relay, timeout_s=limits.get("timeout_s")) as served:
        assert "broke off" in ask(served, stream=True).text
    until(lambda: api.left == 1)


def test_an_api_that_is_not_there_is_told(api: Upstream, served: Gateway) -> None:
    assert served.backend.relay is not None
    served.backend.relay._base = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    reply = ask(served)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "engine_unavailable")


def test_a_path_that_the_api_lacks_is_answered_by_chat(api: Upstream, served: Gateway) -> None:
    api.script.append(Says(status=404, pieces=(b'{"detail":"Not Found"}',), kind="application/json"))
    for question in ("one", "two"):
        assert ask(served, "/v1/responses", store=False, input=question).json()["output"][0]["type"] == "message"
    assert [got.path for got in api.got] == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {"input": "x"}),  # to be stored here
        ("/v1/chat/completions", {"truncation": "auto"}),
        ("/v1/messages", {"max_tokens": 9}),  # another family
    ],
)
def test_what_is_asked_of_the_gateway_is_not_passed_through(
    api: Upstream, served: Gateway, path: str, body: dict[str, object]
) -> None:
    assert ask(served, path, **body, x_unknown=1).status_code == 200
    assert "x_unknown" not in api.got[0].body


def test_ollamas_fields_pass_through_with_our_window(api: Upstream) -> None:
    done = json.dumps({"model": "m", "message": {"content": "hi"}, "done": True}).encode() + b"\n"
    api.default = Says(pieces=(done,), kind="application/x-ndjson")
    relay = HttpRelay(api.url, family=RelayFamily.OLLAMA)
    with gateway(_Listed(api.url), default_model="m", relay=relay, num_ctx=4096) as served:
        reply = ask(served, "/api/chat", think=True, keep_alive="1m", options={"mirostat": 2})
    body = api.got[-1].body
    assert reply.content == done
    assert (body["think"], body["keep_alive"], body["options"]["mirostat"]) == (True, "1m", 2)
    assert body["options"]["num_ctx"] == 4096
    assert (body["shift"], body["truncate"]) == (False, False)


class _Listed(OllamaEngine):
    def models(self):
        return OpenAIEngine(f"{self.url}/v1").models()

    def load(self, model: str, *, num_ctx: int = 0) -> None:
        pass


_MESSAGE = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"x","x_cached":3}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}\n\n',
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
)
_CACHED = {"max_tokens": 9, "thinking": {"type": "adaptive"}, "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}  # fmt: skip


@contextmanager
def claude(api: Upstream, *, key: str | None = None) -> Iterator[Gateway]:
    """Before an API of Anthropic's family."""
    base = f"{api.url}/v1"
    relay = HttpRelay(base, key, family=RelayFamily.ANTHROPIC)
    with gateway(AnthropicEngine(base, key), default_model="m", relay=relay) as made:
        yield made


def test_anthropics_thinking_and_caching_pass_through(api: Upstream) -> None:
    api.default = Says(pieces=_MESSAGE)
    with claude(api) as served:
        beta = {"x-api-key": "mine", "anthropic-beta": "a-1,b-2", "x-own": "stays here"}
        reply = ask(served, "/v1/messages?beta=true", headers=beta, stream=True, **_CACHED)
        assert reply.content == b"".join(_MESSAGE)
        api.default = Says(pieces=(b'{"input_tokens": 7}',), kind="application/json")
        counted = ask(served, "/v1/messages/count_tokens", thinking={"type": "adaptive"})
        assert counted.json() == {"input_tokens": 7}
    first, second = api.got
    assert (first.path, first.body) == ("/v1/messages", {**HI, "stream": True, **_CACHED})
    told = {
        name: first.headers.get(name)
        for name in ("x-api-key", "anthropic-beta", "anthropic-version", "authorization", "x-own")
    }
    assert told == {"x-api-key": "mine", "anthropic-beta": "a-1,b-2", "anthropic-version": "2023-06-01", "authorization": None, "x-own": None}  # fmt: skip
    assert (second.path, second.body["thinking"]) == ("/v1/messages/count_tokens", {"type": "adaptive"})


def test_an_anthropic_stream_that_breaks_off_ends_with_its_error(api: Upstream) -> None:
    api.default = Says(pieces=_MESSAGE[:2], cut=True)
    with claude(api, key="ours") as served:
        reply = ask(served, "/v1/messages", stream=True, headers={"x-api-key": "mine"}, **_CACHED)
    *_, last = reply.text.strip().split("\n\n")
    assert last.startswith("event: error")
    assert "broke off" in last
    assert api.got[0].headers["x-api-key"] == "ours"
