"""How many tokens a request is, in the families that ask before they send; `/tokenize` for all others."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bridge.gateway.body import read_json
from bridge.gateway.context import GatewayContext, caller_of
from bridge.gateway.endpoint import endpoint
from bridge.gateway.relay import RelayReply, passed_on
from bridge.gateway.reply import json_response
from bridge.protocols.anthropic import Messages
from bridge.protocols.asked import Asked, Json, WireFormat
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.openai_completions import Completions
from bridge.protocols.refusal import RefusedAsk

_CHAT = ChatCompletions()


def routes(context: GatewayContext) -> list[Route]:
    """`/v1/messages/count_tokens`, `/v1/chat/completions/input_tokens`, `/tokenize`."""

    def count(wire: WireFormat, field: str, more: Json) -> Route:
        async def answer(request: Request) -> ASGIApp:
            body = await read_json(request)
            if (passed := await passed_on(context.live, request, body, token=context.token)) is not None:
                return RelayReply(context.live, wire, caller_of(request), passed)
            asked = wire.read({**body, "stream": False})
            return json_response({**more, field: await context.live.count(asked)})

        path = "/v1/messages/count_tokens" if isinstance(wire, Messages) else "/v1/chat/completions/input_tokens"
        return Route(path, endpoint(wire, answer), methods=["POST"])

    async def tokenize(request: Request) -> Response:
        asked = _tokenized(await read_json(request))
        live = context.live
        chosen = await live.chosen(asked.options.model)
        able = await live.in_thread(lambda: live.backend.engine.capabilities(chosen.name))
        told: Json = {"model": chosen.name, "max_model_len": live.backend.num_ctx}
        counted = "exact" if able.exact_counts else "estimate"
        return json_response({"count": await live.count(asked), "counted": counted, **told})

    return [
        count(Messages(), "input_tokens", {}),
        count(_CHAT, "input_tokens", {}),
        Route("/tokenize", endpoint(_CHAT, tokenize), methods=["POST"]),
    ]


def _tokenized(body: Json) -> Asked:
    """What is to be counted: llama.cpp's clients say `content`, vLLM's `prompt` or `messages`. Raises RefusedAsk."""
    if "messages" in body:
        return _CHAT.read({**body, "stream": False})
    text = body.get("content", body.get("prompt"))
    if not isinstance(text, str):
        raise RefusedAsk.bad("content, prompt or messages is needed", "content")
    return Completions().read({"prompt": text, "model": body.get("model")})
