"""What a client sends to the gateway, and where else it would go: a wrapper around the gateway, and a proxy that leads nowhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(kw_only=True)
class Exchange:
    """A request and how it was answered."""

    method: str
    path: str  #: with its query
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    reply: bytes = b""
    seconds: float = 0.0

    @property
    def fields(self) -> dict[str, object]:
        """The body, if it is a JSON object; else nothing."""
        try:
            read = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return read if isinstance(read, dict) else {}


@dataclass
class Recorder:
    """An ASGI application around another, which keeps what goes through."""

    app: ASGIApp
    kept: list[Exchange] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode()
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        one = Exchange(method=scope["method"], path=scope["path"] + (f"?{query}" if query else ""), headers=headers)
        self.kept.append(one)
        began = time.monotonic()

        async def receiving() -> Message:
            message = await receive()
            one.body += message.get("body", b"")
            return message

        async def sending(message: Message) -> None:
            one.status = message.get("status", one.status)
            one.reply += message.get("body", b"")
            one.seconds = time.monotonic() - began
            await send(message)

        await self.app(scope, receiving, sending)


@contextmanager
def nowhere() -> Iterator[tuple[str, set[str]]]:
    """The address of a proxy that refuses everything, and the hosts that it was asked for."""
    hosts: set[str] = set()

    class Refuse(BaseHTTPRequestHandler):
        def parse_request(self) -> bool:
            """Take note of the host, and refuse before any method is looked for."""
            if super().parse_request():
                hosts.add(self.path.removeprefix("http://").partition("/")[0].removesuffix(":443"))
                self.send_error(403)
            return False

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", hosts
    finally:
        server.shutdown()
        server.server_close()
