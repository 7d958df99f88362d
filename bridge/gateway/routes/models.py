"""What models there are, in OpenAI's shape and on the short path. Listing loads nothing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.engines.base import EngineModel
from bridge.gateway.context import GatewayContext
from bridge.gateway.endpoint import endpoint
from bridge.gateway.reply import json_response
from bridge.protocols.asked import Json
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.refusal import Refusal, RefusalKind, RefusedAsk

_WIRE = ChatCompletions()


def routes(context: GatewayContext) -> list[Route]:
    """`/v1/models`, `/v1/models/{id}`, `/models`."""

    async def listed() -> list[Json]:
        models = await context.live.models()
        loaded = (await context.live.in_thread(context.live.backend.engine.health)).loaded
        return [_model(model, is_loaded=model.name in loaded) for model in models]

    async def openai(_request: Request) -> Response:
        return json_response({"object": "list", "data": await listed()})

    async def short(_request: Request) -> Response:
        return json_response({"models": await listed()})

    async def one(request: Request) -> Response:
        name = request.path_params["name"]
        found = next((model for model in await listed() if model["id"] == name), None)
        if found is None:
            message = f"there is no model {name[:80]!r}: GET /v1/models lists them"
            raise RefusedAsk(Refusal(kind=RefusalKind.NOT_FOUND, message=message, code="model_not_found"))
        return json_response(found)

    return [
        Route("/v1/models", endpoint(_WIRE, openai)),
        Route("/models", endpoint(_WIRE, short)),
        Route("/v1/models/{name:path}", endpoint(_WIRE, one)),
    ]


def _model(model: EngineModel, *, is_loaded: bool) -> Json:
    status = "loaded" if is_loaded else "unloaded"
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "qwen-bridge",
        "name": model.name,
        "size": model.size_bytes,
        "digest": model.digest,
        "status": status,
    }
