"""How many tokens a request is, in the families that ask before they send."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.gateway.body import read_json
from bridge.gateway.context import GatewayContext
from bridge.gateway.endpoint import endpoint
from bridge.gateway.reply import json_response
from bridge.protocols.anthropic import Messages
from bridge.protocols.asked import Json, WireFormat
from bridge.protocols.openai_chat import ChatCompletions


def routes(context: GatewayContext) -> list[Route]:
    """`/v1/messages/count_tokens`, `/v1/chat/completions/input_tokens`."""

    def count(wire: WireFormat, field: str, more: Json) -> Route:
        async def answer(request: Request) -> Response:
            asked = wire.read({**await read_json(request), "stream": False})
            return json_response({**more, field: await context.live.count(asked)})

        path = "/v1/messages/count_tokens" if isinstance(wire, Messages) else "/v1/chat/completions/input_tokens"
        return Route(path, endpoint(wire, answer), methods=["POST"])

    return [count(Messages(), "input_tokens", {}), count(ChatCompletions(), "input_tokens", {})]
