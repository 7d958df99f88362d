"""A stand-in for an API on a port of the loopback: it says what it is told to, waits where it is told to, and counts."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tests.support.patience import until

MODELS = {"object": "list", "data": [{"id": "m", "object": "model"}]}


def chunk(text: str, finish: str | None = None) -> bytes:
    """An event of a chat, with a field that nobody knows."""
    choice = {"index": 0, "delta": {"content": text, "x_thinking": "hm"}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"


CHAT = (chunk("one "), chunk("two", "stop"), b"data: [DONE]\n\n")


@dataclass(kw_only=True)
class Says:
    """A reply."""

    pieces: tuple[bytes, ...] = CHAT
    status: int = 200
    kind: str = "text/event-stream"
    headers: tuple[tuple[str, str], ...] = ()
    gate: threading.Event | None = None  #: is waited for after the first piece, or until the client leaves
    cut: bool = False  #: the connection breaks at the end


@dataclass(kw_only=True)
class Got:
    """A request."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass(kw_only=True)
class Upstream:
    """One API."""

    url: str = ""
    default: Says = field(default_factory=Says)
    script: deque[Says] = field(default_factory=deque)
    got: list[Got] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    left: int = 0  #: clients that left in the middle

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "GET":
            await _reply(send, Says(pieces=(json.dumps(MODELS).encode(),), kind="application/json"))
            return
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        says = self.script.popleft() if self.script else self.default
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.got.append(Got(path=scope["path"], headers=headers, body=json.loads(raw)))
        try:
            await self._say(says, receive, send)
        finally:
            self.at_once -= 1

    async def _say(self, says: Says, receive: Any, send: Any) -> None:
        await _begin(send, says)
        for number, piece in enumerate(says.pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if number == 0 and says.gate is not None and not await self._passed(says.gate, receive):
                return
        if says.cut:
            raise ConnectionError("cut on purpose")
        await send({"type": "http.response.body", "body": b""})

    async def _passed(self, gate: threading.Event, receive: Any) -> bool:
        leaving = asyncio.ensure_future(receive())
        while not gate.is_set():
            done, _ = await asyncio.wait({leaving}, timeout=0.005)
            if done:
                self.left += 1
                return False
        leaving.cancel()
        return True


async def _begin(send: Any, says: Says) -> None:
    headers = [(b"content-type", says.kind.encode()), *((n.encode(), v.encode()) for n, v in says.headers)]
    await send({"type": "http.response.start", "status": says.status, "headers": headers})


async def _reply(send: Any, says: Says) -> None:
    await _begin(send, says)
    await send({"type": "http.response.body", "body": b"".join(says.pieces)})


@contextmanager
def upstream() -> Iterator[Upstream]:
    """One that serves until the block ends."""
    made = Upstream()
    server = uvicorn.Server(uvicorn.Config(made, host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    until(lambda: server.started)
    made.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join(30)
