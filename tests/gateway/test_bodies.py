"""Every body that the gateway sends is what the family's own client calls valid: whole replies and each event of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import ollama
import openai.types as ot
import pytest
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from openai.types import chat as oc
from openai.types import responses as orr
from openai.types.responses.input_token_count_response import InputTokenCountResponse

from bridge.core.chat import FinishReason, ToolCall
from bridge.engines.scripted import Scripted, ScriptedEngine
from tests.gateway.conftest import Served
from tests.gateway.judged import OURS, events, judged
from tests.gateway.serving import gateway
from tests.support.queues import make_queue

_PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}}
_CALLS = tuple(ToolCall(id=f"call_{name}", name="add", arguments='{"a": 1}') for name in "xy")
#: What an engine says, and how it ends.
SAID = {
    "text": Scripted(text="Hello there, whoever you are."),
    "cut": Scripted(text="Hello th", finish_reason=FinishReason.LENGTH),
    "empty": Scripted(text=""),
    "call": Scripted(text="", tool_calls=_CALLS[:1]),
    "calls and text": Scripted(text="I add.", tool_calls=_CALLS),
}
_HI = [{"role": "user", "content": "hi"}]
_TOOLS = [{"type": "function", "function": {"name": "add", "parameters": _PARAMETERS}}]
Body = dict[str, Any]
CHAT: Body = {"model": "scripted", "messages": _HI, "tools": _TOOLS}
OLDER: Body = {"model": "scripted", "messages": _HI, "functions": [{"name": "add", "parameters": _PARAMETERS}]}
RESPONSE: Body = {
    "model": "scripted", "input": "hi", "tools": [{"type": "function", "name": "add", "parameters": _PARAMETERS, "strict": False}],
}  # fmt: skip
MESSAGES: Body = {
    "model": "scripted", "max_tokens": 100, "messages": _HI, "tools": [{"name": "add", "input_schema": _PARAMETERS}],
}  # fmt: skip

#: (path, body, the model of a whole reply, that of an event).
FAMILIES: dict[str, tuple[str, Body, Any, Any]] = {
    "chat": ("/v1/chat/completions", CHAT, oc.ChatCompletion, oc.ChatCompletionChunk),
    "chat with usage": ("/v1/chat/completions", {**CHAT, "stream_options": {"include_usage": True}}, oc.ChatCompletion, oc.ChatCompletionChunk),
    "chat, older": ("/v1/chat/completions", OLDER, oc.ChatCompletion, oc.ChatCompletionChunk),
    "chat, another model": ("/v1/chat/completions", {**CHAT, "model": "gpt-4o"}, oc.ChatCompletion, oc.ChatCompletionChunk),
    "completions": ("/v1/completions", {"model": "scripted", "prompt": "hi"}, ot.Completion, ot.Completion),
    "responses": ("/v1/responses", RESPONSE, orr.Response, orr.ResponseStreamEvent),
    "responses, another model": ("/v1/responses", {**RESPONSE, "model": "gpt-4o"}, orr.Response, orr.ResponseStreamEvent),
    "messages": ("/v1/messages", MESSAGES, Message, RawMessageStreamEvent),
    "messages, another model": ("/v1/messages?beta=true", {**MESSAGES, "model": "claude-x"}, Message, RawMessageStreamEvent),
}  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One gateway for all of them."""
    folder = tmp_path_factory.mktemp("judged")
    engine = ScriptedEngine(models=("scripted", "qwen2.5-coder:1.5b"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_STATE_DIR", str(folder / "state"))
        queue = make_queue(folder / "q")
        with gateway(engine, default_model="scripted", queue=queue, state=folder / "gateway") as made:
            yield Served(gateway=made, engine=engine, queue=queue)


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_reply_is_valid_whole_and_streamed(served: Served, family: str, said: str) -> None:
    path, body, whole, event = FAMILIES[family]
    if family == "completions" and SAID[said].tool_calls:
        pytest.skip("it has no tools")
    served.engine.enqueue(SAID[said], SAID[said])
    reply = httpx.post(served.url + path, json=body)
    assert reply.status_code == 200
    ours = (
        OURS | _BESIDE.get(family.partition(",")[0], frozenset()) | ({"function_call"} if "older" in family else set())
    )
    judged(whole, reply.json(), ours=ours)
    stream = httpx.post(served.url + path, json={**body, "stream": True})
    found = events(stream)
    assert found
    for one in found:
        judged(event, _with_finish(one) if family == "completions" else one, ours=ours)


def _with_finish(chunk: Body) -> Body:
    """OpenAI's own chunks have null before the end, though the client's model of whole replies serves for them too."""
    choices = [{**choice, "finish_reason": choice["finish_reason"] or "stop"} for choice in chunk["choices"]]
    return {**chunk, "choices": choices}


@pytest.mark.parametrize("said", SAID)
def test_ollamas_lines_are_valid(served: Served, said: str) -> None:
    chat = {"model": "scripted", "messages": _HI, "tools": _TOOLS}
    for path, body, kind in (
        ("/api/chat", chat, ollama.ChatResponse),
        ("/api/generate", {"model": "scripted", "prompt": "hi"}, ollama.GenerateResponse),
    ):
        if path == "/api/generate" and SAID[said].tool_calls:
            continue
        served.engine.enqueue(SAID[said], SAID[said])
        kind.model_validate(httpx.post(served.url + path, json={**body, "stream": False}).json())
        lines = httpx.post(served.url + path, json=body).text.splitlines()
        found = [kind.model_validate_json(line) for line in lines]
        assert [line.done for line in found] == [False] * (len(found) - 1) + [True]


#: OpenAI's own responses say it; the client's model does not know it.
STORE = frozenset({"bridge", "store"})
_BESIDE = {"responses": STORE}


def _waiting(served: Served) -> Body:
    return dict(httpx.post(f"{served.url}/v1/responses", json={**RESPONSE, "background": True}).json())


def _answered_response(served: Served) -> Body:
    reply = httpx.post(f"{served.url}/v1/responses", json=RESPONSE).json()
    return dict(httpx.get(f"{served.url}/v1/responses/{reply['id']}").json())


def _cancelled(served: Served) -> Body:
    return dict(httpx.post(f"{served.url}/v1/responses/{_waiting(served)['id']}/cancel").json())


def _uploaded(served: Served) -> Body:
    row = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": _HI}}
    data = json.dumps(row).encode()
    sent = httpx.post(f"{served.url}/v1/files", data={"purpose": "batch"}, files={"file": ("in.jsonl", data)})
    return dict(sent.json())


def _batch(served: Served) -> Body:
    asked = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": {"a": "b"}}
    return dict(httpx.post(f"{served.url}/v1/batches", json={**asked, "input_file_id": _uploaded(served)["id"]}).json())


def _get(path: str) -> Callable[[Served], Body]:
    return lambda served: dict(httpx.get(served.url + path).json())


def _post(path: str, body: Body) -> Callable[[Served], Body]:
    return lambda served: dict(httpx.post(served.url + path, json=body).json())


def _listed(what: Callable[[Served], Body], path: str) -> Callable[[Served], Body]:
    def row(served: Served) -> Body:
        what(served)
        return dict(httpx.get(served.url + path).json()["data"][0])

    return row


#: {what: (how to get it, the model of it, fields of ours)}.
OBJECTS: dict[str, tuple[Callable[[Served], Body], Any, frozenset[str]]] = {
    "a response that waits": (_waiting, orr.Response, STORE),
    "a response that was kept": (_answered_response, orr.Response, STORE),
    "a response that was cancelled": (_cancelled, orr.Response, STORE),
    "a file": (_uploaded, ot.FileObject, frozenset()),
    "a file in a list": (_listed(_uploaded, "/v1/files"), ot.FileObject, frozenset()),
    "a batch": (_batch, ot.Batch, frozenset()),
    "a batch in a list": (_listed(_batch, "/v1/batches"), ot.Batch, frozenset()),
    "a model": (
        _get("/v1/models/scripted"),
        ot.Model,
        frozenset({"name", "size", "digest", "status", "context_length"}),
    ),
    "embeddings": (
        _post("/v1/embeddings", {"input": "hi"}),
        ot.CreateEmbeddingResponse,
        frozenset({"embeddings"}),
    ),
    "counted tokens": (_post("/v1/responses/input_tokens", RESPONSE), InputTokenCountResponse, frozenset()),
    "counted tokens of messages": (_post("/v1/messages/count_tokens", MESSAGES), MessageTokensCount, frozenset()),
    "a list of models": (_get("/api/tags"), ollama.ListResponse, frozenset()),
    "running models": (_get("/api/ps"), ollama.ProcessResponse, frozenset()),
    "what a model can do": (_post("/api/show", {"model": "scripted"}), ollama.ShowResponse, frozenset()),
    "vectors": (_post("/api/embed", {"input": "hi"}), ollama.EmbedResponse, frozenset()),
    "a vector": (_post("/api/embeddings", {"prompt": "hi"}), ollama.EmbeddingsResponse, frozenset()),
    "a pulled model": (_post("/api/pull", {"model": "scripted", "stream": False}), ollama.ProgressResponse, frozenset()),
}  # fmt: skip


@pytest.mark.parametrize("what", OBJECTS)
def test_an_object_is_valid(served: Served, what: str) -> None:
    get, kind, ours = OBJECTS[what]
    value = get(served)
    if kind.__module__.startswith("ollama"):
        kind.model_validate(value)  # dates are texts in its JSON: it reads them leniently
    else:
        judged(kind, value, ours=ours)
