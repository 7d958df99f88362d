"""Every body that the gateway sends is what the types of OpenAI's, Anthropic's and Ollama's own packages say, strictly read.

The clients themselves read leniently: what lacks a field becomes an object without it, and fails in somebody's program.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import anthropic.types
import httpx
import ollama
import openai
import pytest
from openai.types import batch, chat, completion, create_embedding_response, file_object, model, responses
from pydantic import TypeAdapter

from bridge.core.chat import ToolCall
from bridge.core.errors import ContextExceeded, StreamInterrupted
from bridge.engines.scripted import Scripted
from tests.gateway.conftest import Served

_ADD = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
}
_SAID = [{"role": "user", "content": "hi"}]
_CHAT = {"model": "scripted", "messages": _SAID, "tools": [{"type": "function", "function": _ADD}]}
_RESPONSE = {"model": "scripted", "input": "hi", "tools": [{"type": "function", "strict": False, **_ADD}]}
_MESSAGE = {
    "model": "scripted",
    "max_tokens": 99,
    "messages": _SAID,
    "tools": [{"name": "add", "input_schema": _ADD["parameters"]}],
}

#: (path, body, type of the reply)
_WHOLE = [
    ("/v1/chat/completions", _CHAT, chat.ChatCompletion),
    ("/v1/chat/completions", {"messages": _SAID, "functions": [_ADD]}, chat.ChatCompletion),
    ("/v1/chat/completions", {**_CHAT, "n": 2}, chat.ChatCompletion),
    ("/v1/completions", {"model": "scripted", "prompt": "def f("}, completion.Completion),
    ("/v1/responses", _RESPONSE, responses.Response),
    ("/v1/responses", {**_RESPONSE, "background": True}, responses.Response),
    ("/v1/responses/input_tokens", _RESPONSE, responses.InputTokenCountResponse),
    ("/v1/embeddings", {"model": "scripted", "input": ["a", "b"], "encoding_format": "float"}, create_embedding_response.CreateEmbeddingResponse),
    ("/v1/messages", _MESSAGE, anthropic.types.Message),
    ("/v1/messages/count_tokens", _MESSAGE, anthropic.types.MessageTokensCount),
    ("/api/chat", {"model": "scripted", "messages": _SAID, "stream": False}, ollama.ChatResponse),
    ("/api/generate", {"model": "scripted", "prompt": "hi", "stream": False}, ollama.GenerateResponse),
    ("/api/embed", {"model": "scripted", "input": "hi"}, ollama.EmbedResponse),
    ("/api/show", {"model": "scripted"}, ollama.ShowResponse),
]  # fmt: skip
#: (path, body, type of each event)
_STREAMS = [
    ("/v1/chat/completions", {**_CHAT, "stream": True, "stream_options": {"include_usage": True}}, chat.ChatCompletionChunk),
    ("/v1/chat/completions", {"messages": _SAID, "functions": [_ADD], "stream": True}, chat.ChatCompletionChunk),
    ("/v1/completions", {"model": "scripted", "prompt": "def f(", "stream": True}, completion.Completion),
    ("/v1/responses", {**_RESPONSE, "stream": True}, responses.ResponseStreamEvent),
    ("/v1/messages", {**_MESSAGE, "stream": True}, anthropic.types.RawMessageStreamEvent),
]  # fmt: skip


def _script(served: Served, count: int = 2) -> None:
    call = ToolCall(id="call_x", name="add", arguments='{"a": 1}')
    served.engine.enqueue(*[Scripted(text="I add it up.", tool_calls=(call,))] * count)


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize(("path", "body", "kind"), _WHOLE, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(_WHOLE)])
def test_a_whole_reply_has_its_type(served: Served, path: str, body: dict[str, object], kind: type) -> None:
    _script(served)
    reply = httpx.post(f"{served.url}{path}", json=body)
    assert reply.status_code == 200, reply.text
    TypeAdapter(kind).validate_json(reply.content)


@pytest.mark.parametrize(("path", "body", "kind"), _STREAMS, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(_STREAMS)])  # fmt: skip
def test_each_event_of_a_stream_has_its_type(served: Served, path: str, body: dict[str, object], kind: type) -> None:
    _script(served)
    found = list(_events(httpx.post(f"{served.url}{path}", json=body).text))
    assert len(found) >= 2  # what comes at once may be one piece
    for event in found:
        TypeAdapter(kind).validate_python(_ended(event) if kind is completion.Completion else event)


def _ended(event: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    """A chunk of text with a reason of its end: OpenAI's own server says null before the last, and the type does not know it."""
    return {
        **event,
        "choices": [{**choice, "finish_reason": choice["finish_reason"] or "stop"} for choice in event["choices"]],
    }


def test_the_events_of_a_response_are_numbered_in_their_order(served: Served) -> None:
    _script(served)
    found = _events(httpx.post(f"{served.url}/v1/responses", json={**_RESPONSE, "stream": True}).text)
    numbers = [event["sequence_number"] for event in found]
    assert numbers == list(range(len(numbers)))


def test_a_stream_that_fails_has_its_type_too(served: Served) -> None:
    served.engine.enqueue(Scripted(text="I ad", error=StreamInterrupted("the answer broke off")))
    found = list(_events(httpx.post(f"{served.url}/v1/responses", json={**_RESPONSE, "stream": True}).text))
    for event in found[:-1]:
        TypeAdapter(responses.ResponseStreamEvent).validate_python(event)
    assert TypeAdapter(responses.ResponseFailedEvent).validate_python(found[-1]).response.status == "failed"


def test_a_stream_that_is_too_long_is_told_as_codex_reads_it(served: Served) -> None:
    served.engine.enqueue(Scripted(text="I ad", error=ContextExceeded("too long", over_by=9)))
    *_, last = _events(httpx.post(f"{served.url}/v1/responses", json={**_RESPONSE, "stream": True}).text)
    assert last["response"]["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/models/scripted", model.Model),
        ("/api/tags", ollama.ListResponse),
        ("/api/ps", ollama.ProcessResponse),
    ],
)  # fmt: skip
def test_what_is_only_looked_at_has_its_type(served: Served, path: str, kind: type) -> None:
    TypeAdapter(kind).validate_json(httpx.get(f"{served.url}{path}").content)


def test_files_and_batches_have_their_types(served: Served, client: openai.OpenAI) -> None:
    row = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "auto", "messages": _SAID},
    }
    data = io.BytesIO(json.dumps(row).encode())
    name = client.files.create(
        file=("in.jsonl", data), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    ).id
    made = client.batches.create(input_file_id=name, endpoint="/v1/chat/completions", completion_window="24h").id
    TypeAdapter(file_object.FileObject).validate_json(httpx.get(f"{served.url}/v1/files/{name}").content)
    TypeAdapter(batch.Batch).validate_json(httpx.get(f"{served.url}/v1/batches/{made}").content)
    for path, kind in (("/v1/files", file_object.FileObject), ("/v1/batches", batch.Batch)):
        listed = httpx.get(f"{served.url}{path}").json()
        TypeAdapter(list[kind]).validate_python(listed["data"])  # type: ignore[valid-type]
        assert listed["object"] == "list"
