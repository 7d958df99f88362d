"""A loopback server that speaks OpenAI's chat completions, with failures on request."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.ollama import prompt_of, tokens_in


@dataclass
class LoopbackOpenAI:
    """The server; a context manager."""

    answer: Callable[[str], str] = lambda prompt: f"Answer to {prompt[:40]}"
    models: tuple[str, ...] | None = ("small", "large")  #: None: something else than a list of models
    key: str | None = None
    context: int = 4096
    #: What a request with tools gets: (id, name, arguments as text).
    tool_calls: tuple[tuple[str, str, str], ...] = ()
    json_answer: str = '{"x": 7}'  #: of a request with a response_format
    embeds: bool = True
    port: int = 0
    #: What the next requests suffer: (status, headers, body), or the name of a way in which a stream breaks.
    failures: deque[tuple[int, dict[str, str], str] | str] = field(default_factory=deque)
    broken: tuple[int, dict[str, str], str] | str = ""  #: what every request suffers
    failing_prompts: dict[str, tuple[int, dict[str, str], str] | str] = field(
        default_factory=dict
    )  #: by what they hold
    requests: list[dict[str, Any]] = field(default_factory=list)

    def failure_of(self, prompt: str) -> tuple[int, dict[str, str], str] | str:
        """What a request suffers."""
        found = next((failure for needle, failure in self.failing_prompts.items() if needle in prompt), "")
        return self.broken or found or (self.failures.popleft() if self.failures else "")

    def __post_init__(self) -> None:
        self.released = threading.Event()
        self.left = threading.Event()  #: a client went away from an endless reply
        self.arrived = threading.Semaphore(0)
        self._server: ThreadingHTTPServer | None = None
        self.handler = _Handler

    def __enter__(self) -> LoopbackOpenAI:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        self.released.clear()
        self._server = _Server(("127.0.0.1", self.port), type("Handler", (self.handler,), {"api": self}))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.released.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: LoopbackOpenAI

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.close_connection = self.close_connection or self.api.released.is_set()

    def do_GET(self) -> None:
        if self.api.released.is_set():
            return self._reset()  # stopped: connections that are kept alive end as well
        if self._allowed():
            self._send(
                200,
                json.dumps({"data": [{"id": name} for name in self.api.models]} if self.api.models is not None else []),
            )
        return None

    def do_POST(self) -> None:
        api = self.api
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if api.released.is_set():
            return self._reset()
        if not self._allowed():
            return None
        if self.path == "/v1/embeddings":
            return self._embed(body)
        api.requests.append(body)
        api.arrived.release()
        failure = api.failure_of(prompt_of(body))
        if isinstance(failure, tuple):
            return self._send(failure[0], failure[2], failure[1])
        if failure == "mute":
            api.released.wait(60)
            return None
        if failure == "reset early":
            return self._reset()
        if failure in _ENDLESS:
            return self._never_end(*_ENDLESS[failure])
        if api.models is not None and body["model"] not in api.models:
            return self._send(
                404,
                json.dumps(
                    {"error": {"message": f"The model `{body['model']}` does not exist", "code": "model_not_found"}}
                ),
            )
        tokens = tokens_in(prompt_of(body))
        if tokens > api.context:
            said = f"This model's maximum context length is {api.context} tokens. However, your messages resulted in {tokens} tokens."
            return self._send(400, json.dumps({"error": {"message": said, "code": "context_length_exceeded"}}))
        return self._stream(body, failure, tokens)

    def _never_end(self, head: bytes, piece: bytes, every_s: float) -> None:
        """Send for ever, until the client goes or `released`."""
        with contextlib.suppress(OSError):
            self.wfile.write(head)
            while not self.api.released.wait(every_s) if every_s else not self.api.released.is_set():
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if b"chunked" in head else piece)
        self.close_connection = True
        self.api.left.set()

    def _embed(self, body: dict[str, Any]) -> None:
        if not self.api.embeds:
            said = {"code": 501, "message": "This server does not support embeddings", "type": "not_supported_error"}
            return self._send(501, json.dumps({"error": said}))
        rows = [
            {"object": "embedding", "index": n, "embedding": [len(text) / 100, text.count("a") / 10, 1.0]}
            for n, text in enumerate(body["input"])
        ]
        return self._send(200, json.dumps({"object": "list", "data": rows[::-1], "model": body["model"]}))

    def _stream(self, body: dict[str, Any], failure: str, tokens: int) -> None:
        calls = self.api.tool_calls if body.get("tools") else ()
        wanted = body.get("response_format")
        text = (
            ""
            if failure in ("empty", "all spent") or calls
            else self.api.json_answer
            if wanted
            else self.api.answer(prompt_of(body))
        )
        pieces = [text[i : i + 4] for i in range(0, len(text), 4)]
        limit = body["max_tokens"]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._chunk(": keep-alive\n\n")
            self._event({"choices": [{"delta": {"role": "assistant"}, "finish_reason": None}], "model": body["model"]})
            if failure.endswith("before") and self._break(failure.removesuffix(" before")):
                return
            for number, piece in enumerate(pieces[:limit]):
                if number == 3 and failure and self._break(failure):
                    return
                self._event({"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
            for index, (call, name, arguments) in enumerate(calls):
                head = {"index": index, "id": call, "type": "function", "function": {"name": name, "arguments": ""}}
                for piece in (head, *({"index": index, "function": {"arguments": c}} for c in arguments)):
                    self._event({"choices": [{"delta": {"tool_calls": [piece]}, "finish_reason": None}]})
            ended = "tool_calls" if calls else "stop"
            finish = (
                "content_filter"
                if failure == "filtered"
                else "length"
                if len(pieces) > limit or failure == "all spent"
                else ended
            )
            self._event({"choices": [{"delta": {}, "finish_reason": finish}]})
            self._event(
                {"choices": [], "usage": {"prompt_tokens": tokens, "completion_tokens": min(len(pieces), limit)}}
            )
            self._chunk("data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def _break(self, failure: str) -> bool:
        """Whether the stream ends here."""
        if failure == "error event":
            self._event({"error": {"message": "the server had an error", "code": "server_error"}})
        elif failure == "garbage":
            self._chunk("data: <html>\n\n")
        elif failure == "stall":
            self.api.released.wait(60)
            self.close_connection = True
            return True
        elif failure == "reset":
            self._reset()
            return True
        elif failure != "no finish":
            return False
        self.wfile.write(b"0\r\n\r\n")
        return True

    def _allowed(self) -> bool:
        if self.api.key is None or self.headers.get("Authorization") == f"Bearer {self.api.key}":
            return True
        self._send(
            401, json.dumps({"error": {"message": f"Incorrect API key provided: {self.headers.get('Authorization')}"}})
        )
        return False

    def _event(self, value: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(value)}\n\n")

    def _chunk(self, text: str) -> None:
        raw = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _send(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(text.encode())),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
_CHUNKED, _CLOSE = b"Transfer-Encoding: chunked\r\n\r\n", b"Connection: close\r\n\r\n"
_EVENT = b"data: " + json.dumps({"choices": [{"delta": {"content": "word " * 400}}]}).encode() + b"\n\n"
_CALL = (
    b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "[1,"}}]}}]}\n\n'
)
#: (what is sent first, what is sent again and again, seconds between two)
_ENDLESS: dict[object, tuple[bytes, bytes, float]] = {
    "endless": (_OK + _CHUNKED, _EVENT * 20, 0),
    "endless, connection: close": (_OK + _CLOSE, _EVENT * 20, 0),
    "endless line": (_OK + _CHUNKED, b"data: " + b"x" * 50_000, 0),
    "endless calls": (_OK + _CHUNKED, _CALL * 100, 0),
    "trickle": (_OK + _CLOSE + b"data: ", b"x", 0.02),
    "endless error": (b"HTTP/1.1 500 Error\r\n" + _CHUNKED, b"x" * 50_000, 0),
    "bomb": (_OK + b"Content-Encoding: gzip\r\n" + _CHUNKED, gzip.compress(b"data: " + bytes(50_000_000)), 0),
}
