"""The body of a request, read with limits."""

from __future__ import annotations

import asyncio

import orjson
from starlette.requests import ClientDisconnect, Request

from bridge.gateway.headers import is_private
from bridge.protocols.asked import Json
from bridge.protocols.openai_request import read_private
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

#: An agent's turn with its tools has 80 kB (facts, section 1.1); a prompt of 256,000 tokens about 1 MB; images more.
MOST_BYTES = 32 << 20
#: How long a client may take to send it.
PATIENCE_S = 60.0


async def read_json(request: Request, *, most_bytes: int = MOST_BYTES) -> Json:
    """The JSON object of a request; no body is an empty one. orjson reads at most 1,024 levels.

    Raises:
        RefusedAsk: too large, too slow, or no JSON object.
    """
    raw = await read_bytes(request, most_bytes=most_bytes)
    if not raw.strip():
        return {}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RefusedAsk.bad(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RefusedAsk.bad("the body must be a JSON object")
    return value


def asks_private(request: Request, body: Json) -> bool:
    """Whether a request is to stay here, by its header or its body. Raises RefusedAsk."""
    return is_private(request.headers) or read_private(body)


async def read_bytes(request: Request, *, most_bytes: int) -> bytes:
    """All of a body. Raises RefusedAsk."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and (len(told) > 18 or int(told) > most_bytes):
        raise _too_large(most_bytes)
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for piece in request.stream():
                size += len(piece)
                if size > most_bytes:
                    raise _too_large(most_bytes)
                pieces.append(piece)
    except TimeoutError:
        why = f"the body took longer than {PATIENCE_S:.0f} s"
        raise RefusedAsk(ApiRefusal(kind=RefusalKind.TIMED_OUT, message=why)) from None
    except ClientDisconnect:
        raise RefusedAsk.bad("the client left before its request was whole") from None
    return b"".join(pieces)


def _too_large(most_bytes: int) -> RefusedAsk:
    return RefusedAsk(
        ApiRefusal(
            kind=RefusalKind.TOO_LARGE, message=f"a request has at most {most_bytes / 1e6:.0f} MB here: send less"
        )
    )
