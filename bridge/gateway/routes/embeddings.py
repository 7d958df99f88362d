"""`/v1/embeddings`: OpenAI's shape, and the flat list that some callers want, in one reply.

Source: https://platform.openai.com/docs/api-reference/embeddings.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from bridge.gateway.body import asks_private, read_json
from bridge.gateway.context import GatewayContext, caller_of
from bridge.gateway.embedding import embed
from bridge.gateway.endpoint import endpoint
from bridge.gateway.relay import RelayReply, passed_on
from bridge.gateway.reply import json_response
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.refusal import RefusedAsk

_WIRE = ChatCompletions()


def routes(context: GatewayContext) -> list[Route]:
    """`/v1/embeddings`."""

    async def embeddings(request: Request) -> ASGIApp:
        body = await read_json(request)
        if (passed := await passed_on(context.live, request, body, token=context.token)) is not None:
            return RelayReply(context.live, _WIRE, caller_of(request), passed)
        form = body.get("encoding_format") or "float"
        if form not in ("float", "base64"):
            raise RefusedAsk.bad(f'encoding_format must be "float" or "base64", not {form!r}', "encoding_format")
        found = await embed(context.live, body.get("input"), body.get("model"), private=asks_private(request, body))
        return json_response(found.as_openai(base64=form == "base64"))

    return [Route(path, endpoint(_WIRE, embeddings), methods=["POST"]) for path in ("/v1/embeddings", "/embeddings")]
