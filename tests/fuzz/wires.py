"""Engines and Drive, answered with bytes of ours: a server that says them whatever it is asked, and a connection that does."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httplib2
from googleapiclient import discovery

from bridge.core.errors import DriveError, EngineError, StorageFull
from bridge.engines.base import Request
from bridge.engines.json_api import JsonApi
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine, embed_texts, stream_answer
from bridge.transports.drive.calls import NONE, Calls, Connections
from bridge.transports.drive.catalog import Catalog, Roles
from bridge.transports.drive.refusals import Changed, Taken
from tests.fuzz.campaign import Target
from tests.support.drive.discovery import document

_ASKED = Request(prompt="x", model="m", timeout_s=20)


class Parrot:
    """A server that says the same bytes to everybody, and closes."""

    def __init__(self) -> None:
        self.says = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                top, _, body = head.partition(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in top.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                while len(body) < length:
                    body += connection.recv(65536)
                connection.sendall(self.says)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(0.05)  # a client may keep it open
                connection.recv(1)


def _reply(body: bytes, kind: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n\r\n%s" % (status, kind, body)


def _lines(values: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def _events(values: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values) + b"data: [DONE]\n\n"


def _each(*calls: Callable[[], object]) -> None:
    for call in calls:
        with contextlib.suppress(EngineError):
            call()


def ollama_wire() -> Target:
    """Everything that is asked of an Ollama, each time answered with the same."""
    parrot = Parrot()
    engine = OllamaEngine(parrot.url, silence_s=20)

    def run(data: bytes) -> None:
        parrot.says = data
        answers: list[Any] = []
        _each(
            lambda: answers.append(engine.answer(_ASKED)),
            engine.models,
            lambda: engine.capabilities("m"),
            lambda: engine.count_tokens(_ASKED),
            lambda: engine.embed(["x"], "m"),
            lambda: engine.unload("m"),
        )
        engine.health()
        for answer in answers:
            _check_answer(answer)

    end = {
        "model": "m",
        "done": True,
        "done_reason": "stop",
        "total_duration": 9,
        "prompt_eval_count": 3,
        "eval_count": 5,
        "eval_duration": 7,
    }
    call = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}
    model = {"name": "m", "model": "m", "size": 5, "digest": "d", "size_vram": 3, "context_length": 9}
    seeds = [
        _reply(_lines([{"response": "Hello"}, {"response": " you"}, end]), b"application/x-ndjson"),
        _reply(_lines([{"message": call}, {"message": {"content": "x"}}, end]), b"application/x-ndjson"),
        _reply(_lines([{"models": [model]}]), b"application/json"),
        _reply(
            _lines(
                [{"capabilities": ["completion"], "model_info": {"general.architecture": "q", "q.context_length": 9}}]
            ),
            b"application/json",
        ),
        _reply(_lines([{"embeddings": [[0.5, 1]], "prompt_eval_count": 7, "version": "1.2"}]), b"application/json"),
        _reply(_lines([{"error": "server busy"}]), b"application/json", b"503 Busy"),
        _reply(
            _lines([{"error": "requested (99 tokens) exceeds the available context size (9 tokens)"}]),
            b"application/json",
            b"400 Bad",
        ),
    ]
    return Target(name="ollama", seeds=seeds, run=run)


def openai_wire() -> Target:
    """Everything that is asked of an OpenAI-compatible API."""
    parrot = Parrot()
    engine = OpenAIEngine(f"{parrot.url}/v1", silence_s=20, use_environment=False)

    def run(data: bytes) -> None:
        parrot.says = data
        answers: list[Any] = []
        _each(lambda: answers.append(engine.answer(_ASKED)), engine.models, lambda: engine.embed(["x"], "m"))
        engine.health()
        for answer in answers:
            _check_answer(answer)

    return Target(name="openai", seeds=_openai_seeds(), run=run)


def llamacpp_wire() -> Target:
    """What the embedded llama.cpp is asked, which leaves tool calls in its text."""
    parrot = Parrot()
    api = JsonApi(parrot.url, "key", silence_s=20, use_environment=False)

    def run(data: bytes) -> None:
        parrot.says = data
        answers: list[Any] = []
        _each(
            lambda: answers.append(
                stream_answer(
                    api, "/v1/completions", {"prompt": "x"}, _ASKED, lambda _: None, None, calls_in_text=["f"]
                )
            ),
            lambda: embed_texts(api, "/v1/embeddings", ["x"], "m"),
        )
        for answer in answers:
            _check_answer(answer)

    return Target(name="llamacpp", seeds=_openai_seeds(), run=run)


def _check_answer(answer: Any) -> None:
    """Behind the edge, values are of their types."""
    assert isinstance(answer.text, str)
    assert isinstance(answer.model, str)
    assert all(type(count) is int and 0 <= count < 2**53 for count in answer.usage.values()), answer.usage
    assert all(isinstance(s, float | int) and 0 <= s < 1e10 for s in answer.timing_s.values()), answer.timing_s
    assert all(isinstance(text, str) for call in answer.tool_calls for text in (call.id, call.name, call.arguments))


def _openai_seeds() -> list[bytes]:
    def event(finish: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"id": "1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    sse = b"text/event-stream"
    return [
        _reply(_events([event(content="Hello"), event(content=" you"), event("stop"), usage]), sse),
        _reply(_events([event(tool_calls=[call]), event("tool_calls"), usage]), sse),
        _reply(
            _events(
                [
                    {
                        "choices": [
                            {"text": '<tool_call>{"name": "f", "arguments": {}}</tool_call>', "finish_reason": "stop"}
                        ]
                    }
                ]
            ),
            sse,
        ),
        _reply(json.dumps({"data": [{"id": "m"}, {"id": "n"}]}).encode(), b"application/json"),
        _reply(json.dumps({"data": [{"index": 0, "embedding": [0.5, 1]}]}).encode(), b"application/json"),
        _reply(
            json.dumps({"error": {"message": "maximum context length is 9, requested 99 tokens"}}).encode(),
            b"application/json",
            b"400 Bad",
        ),
        b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 36\r\n\r\n"
        + b'{"error": {"message": "rate_limit"}}',
        _reply(_events([{"error": {"message": "rate_limit", "retryDelay": "7s"}}]), sse),
    ]


class _Line:
    """A connection of httplib2's shape that answers everything with the same."""

    def __init__(self) -> None:
        self.status, self.headers, self.content = 200, dict[str, str](), b""
        self.connections: dict[str, Any] = {}

    def request(self, *_asked: Any, **_more: Any) -> tuple[httplib2.Response, bytes]:
        return httplib2.Response({"status": str(self.status), **self.headers}), self.content

    def close(self) -> None:
        """Holds nothing."""


def drive_answers() -> Target:
    """Drive's description of files, its lists, ids and refusals. The first byte says the status."""
    line = _Line()
    service = discovery.build_from_document(document(), http=line)
    calls = Calls(service=service, connections=Connections(lambda: line), patience=NONE)

    def run(data: bytes) -> None:
        statuses: Mapping[int, int] = {ord("4"): 403, ord("5"): 500, ord("9"): 429}
        line.status, line.content = statuses.get(data[0] if data else 0, 200), data[1:]
        line.headers = {"retry-after": data[1:9].decode("latin-1")} if line.status == 429 else {}
        found: list[Any] = []
        for call in (
            lambda: found.append(calls.get("x")),
            lambda: found.extend(_once(line, lambda: calls.search("x"))),
            calls.new_id,
            calls.changes_from_now,
            lambda: found.extend(_once(line, lambda: calls.changes("1"))[0]),
        ):
            with contextlib.suppress(DriveError, StorageFull, Changed, Taken):
                call()
        catalog = Catalog(queue_id="q", roles=Roles(stem="qwen_bridge"), anchor="x")
        catalog.take(found, home="h")

    described = {
        "id": "x", "title": "qwen_bridge.ipynb", "etag": "e", "mimeType": "t", "headRevisionId": "r", "md5Checksum": "m", "fileSize": "5", "createdDate": "2026",
        "editable": True, "labels": {"trashed": False}, "parents": [{"id": "h"}],
        "properties": [{"key": "qwen_bridge_queue", "value": "q", "visibility": "PUBLIC"}, {"key": "qwen_bridge_role", "value": "*.ipynb", "visibility": "PUBLIC"}],
    }  # fmt: skip
    values: list[Any] = [
        described, {"items": [described, {**described, "id": "y"}]}, {"ids": ["a"]}, {"startPageToken": "7"},
        {"items": [{"fileId": "x", "deleted": False, "file": described}], "newStartPageToken": "8"},
        {"error": {"errors": [{"reason": "rateLimitExceeded"}], "code": 403}},
    ]  # fmt: skip
    seeds = [status + json.dumps(value).encode() for value in values for status in (b" ", b"4")]
    return Target(name="drive", seeds=[*seeds, b"97", b"5<html>"], run=run)


def _once(line: _Line, ask: Callable[[], Any]) -> Any:
    """A list that always says that there is more is asked for once more only."""
    calls = 0
    whole = line.request

    def request(*asked: Any, **more: Any) -> tuple[httplib2.Response, bytes]:
        nonlocal calls
        calls += 1
        return whole(*asked, **more) if calls < 4 else (httplib2.Response({"status": "200"}), b"{}")

    line.request = request  # type: ignore[method-assign]  # of this object alone
    try:
        return ask()
    finally:
        line.request = whole  # type: ignore[method-assign]  # as before
