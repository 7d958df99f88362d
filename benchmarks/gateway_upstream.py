"""The scripted API that the gateways are measured before, and the floor: one ASGI function under bare uvicorn.

    python -m benchmarks.gateway_upstream     # prints its address

The model's name says what it does: `c200-g2` streams 200 numbered chunks, 2 ms apart.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from typing import Any

import uvicorn

#: When streams were cut by their clients, in seconds of the monotonic clock, which all processes of a machine share.
_left: list[float] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The API."""
    if scope["type"] != "http":
        return
    if scope["method"] == "GET":
        models = {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]}
        await _send(send, json.dumps({"left": _left} if scope["path"] == "/left" else models).encode())
        return
    raw, more = b"", True
    while more:
        message = await receive()
        raw, more = raw + message.get("body", b""), message.get("more_body", False)
    body = json.loads(raw)
    chunks, gap_ms = map(int, re.findall(r"\d+", body["model"]))
    if not body.get("stream"):
        await _send(send, json.dumps(_whole(chunks)).encode())
        return
    leaving = asyncio.ensure_future(receive()) if gap_ms else None
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for number in range(chunks):
        if leaving is not None:
            await asyncio.sleep(gap_ms / 1000)
            if leaving.done():
                _left.append(time.monotonic())
                return
        await send({"type": "http.response.body", "body": _CHUNKS[number], "more_body": True})
    end = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    await send({"type": "http.response.body", "body": end})
    if leaving is not None:
        leaving.cancel()


#: What is asked for.
MODELS = ("c200-g2", "c1-g0", "c5-g0", "c50-g20", "c2000-g5")


def _chunk(number: int) -> bytes:
    choice = {"index": 0, "delta": {"content": f"word-{number} "}, "finish_reason": None}
    made = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(made).encode() + b"\n\n"


_CHUNKS = [_chunk(number) for number in range(2000)]


def _whole(chunks: int) -> dict[str, object]:
    text = "".join(f"word-{number} " for number in range(chunks))
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


async def _send(send: Any, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
