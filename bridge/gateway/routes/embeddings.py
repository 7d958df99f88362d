"""`/v1/embeddings`: OpenAI's shape, and the flat list that some callers want, in one reply.

Source: https://platform.openai.com/docs/api-reference/embeddings.
"""

from __future__ import annotations

import base64
import struct

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.core.options import CHARS_PER_TOKEN
from bridge.gateway.body import read_json
from bridge.gateway.context import GatewayContext
from bridge.gateway.embedding import embed
from bridge.gateway.endpoint import endpoint
from bridge.gateway.reply import json_response
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.refusal import RefusedAsk


def routes(context: GatewayContext) -> list[Route]:
    """`/v1/embeddings`."""

    async def embeddings(request: Request) -> Response:
        body = await read_json(request)
        form = body.get("encoding_format") or "float"
        if form not in ("float", "base64"):
            raise RefusedAsk.bad(f'encoding_format must be "float" or "base64", not {form!r}', "encoding_format")
        found = await embed(context.live, body.get("input"), body.get("model"))
        written = [_write(vector) if form == "base64" else list(vector) for vector in found.vectors]
        rows = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(written)]
        tokens = sum(-(-len(text) // CHARS_PER_TOKEN) for text in found.texts)
        return json_response(
            {
                "object": "list",
                "data": rows,
                "model": found.model,
                "embeddings": [list(vector) for vector in found.vectors] if form == "float" else [],
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )

    return [
        Route(path, endpoint(ChatCompletions(), embeddings), methods=["POST"])
        for path in ("/v1/embeddings", "/embeddings")
    ]


def _write(vector: tuple[float, ...]) -> str:
    """32-bit floats, little-endian, in base64: what openai-python asks for unasked."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
