"""What models there are, in OpenAI's shape and on the short path; to fetch, load and unload them. Listing loads nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bridge.engines.base import EngineModel
from bridge.gateway.body import read_json
from bridge.gateway.context import GatewayContext
from bridge.gateway.endpoint import endpoint
from bridge.gateway.pulls import PullStep
from bridge.gateway.reply import json_response
from bridge.models.choose import family_name
from bridge.protocols import codex_models, sse
from bridge.protocols.asked import Json
from bridge.protocols.openai_chat import ChatCompletions, refusal_json
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

_WIRE = ChatCompletions()


def routes(context: GatewayContext) -> list[Route]:
    """`/v1/models`, `/v1/models/{id}`, `/models` and what is below it."""
    return ModelPaths(context).routes()


class ModelPaths:
    """What the paths of models do."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/v1/models", endpoint(_WIRE, self._openai)),
            Route("/models", endpoint(_WIRE, self._short)),
            Route("/models/download", endpoint(_WIRE, self._download), methods=["POST"]),
            Route("/models/load", endpoint(_WIRE, self._load), methods=["POST"]),
            Route("/models/unload", endpoint(_WIRE, self._unload), methods=["POST"]),
            Route("/v1/models/{name:path}", endpoint(_WIRE, self._one)),
            Route("/v1/models/{name:path}", endpoint(_WIRE, self._remove), methods=["DELETE"]),
        ]

    async def _listed(self) -> list[Json]:
        models = await self._context.live.models()
        loaded = (await self._context.live.in_thread(self._context.live.backend.engine.health)).loaded
        return [
            _model(model, is_loaded=model.name in loaded, window=self._context.live.backend.num_ctx) for model in models
        ]

    async def _openai(self, request: Request) -> Response:
        return json_response({"object": "list", "data": await self._listed(), **await self._codex(request)})

    async def _short(self, request: Request) -> Response:
        return json_response({"models": await self._listed(), **await self._codex(request)})

    async def _codex(self, request: Request) -> Json:
        """The list in Codex's form, where Codex asks."""
        if codex_models.QUERY not in request.query_params:
            return {}
        live = self._context.live
        names = [model.name for model in await live.models()]
        window = live.backend.num_ctx
        entries = [codex_models.codex_model(name, window=window, place=n) for n, name in enumerate(names)]
        return {"models": entries}

    async def _one(self, request: Request) -> Response:
        name = request.path_params["name"]
        found = next((model for model in await self._listed() if model["id"] == name), None)
        if found is None:
            message = f"there is no model {name[:80]!r}: GET /v1/models lists them"
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.NOT_FOUND, message=message, code="model_not_found"))
        return json_response(found)

    async def _remove(self, request: Request) -> Response:
        name = family_name(request.path_params["name"])
        await remove(self._context, name)
        return json_response({"id": name, "object": "model", "deleted": True})

    async def _download(self, request: Request) -> Response:
        body = await read_json(request)
        name = _name(body)
        if body.get("stream") is True:
            return StreamingResponse(_events(self._context.pulls.follow(name)), media_type=sse.CONTENT_TYPE)
        self._context.pulls.start(name)
        step = self._context.pulls.step(name)
        assert step is not None
        return json_response(_step(name, step), status=200 if step.refusal is None else step.refusal.status)

    async def _load(self, request: Request) -> Response:
        chosen = await self._context.live.chosen(_name(await read_json(request)))
        await self._context.live.residency.load(chosen.name)
        return json_response({"model": chosen.name, "status": "loaded"})

    async def _unload(self, request: Request) -> Response:
        chosen = await self._context.live.chosen(_name(await read_json(request)))
        if not await self._context.live.residency.unload(chosen.name):
            message = f"{chosen.name} answers a request: it goes out of memory when that has ended"
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.CONFLICT, message=message))
        return json_response({"model": chosen.name, "status": "unloaded"})


async def remove(context: GatewayContext, name: str) -> None:
    """Have a model off the engine's disk, unless it answers a request. Raises RefusedAsk."""
    live = context.live
    if name in {model.name for model in await live.models()} and not await live.residency.unload(name):
        message = f"{name} answers a request: remove it when that has ended"
        raise RefusedAsk(ApiRefusal(kind=RefusalKind.CONFLICT, message=message))
    await live.in_thread(lambda: live.backend.engine.remove(name))
    live.listing.forget()


def _name(body: Json) -> str:
    """`model_name` or `model`, with its `quantization` as Ollama writes it. Raises RefusedAsk."""
    name, quantization = body.get("model_name") or body.get("model"), body.get("quantization")
    if not isinstance(name, str) or not name.strip():
        raise RefusedAsk.bad("model_name is needed", "model_name")
    if quantization is not None and (not isinstance(quantization, str) or not quantization.strip()):
        raise RefusedAsk.bad("quantization must be a text, such as q4_K_M", "quantization")
    full = family_name(name)
    return f"{full}-instruct-{quantization}" if quantization else full


async def _events(steps: AsyncIterator[PullStep]) -> AsyncIterator[bytes]:
    async for step in steps:
        yield sse.event(_step("", step))
    yield sse.DONE


def _step(name: str, step: PullStep) -> Json:
    model = {"model": name} if name else {}
    counts = {"completed": step.done_bytes, "total": step.total_bytes}
    error = refusal_json(step.refusal) if step.refusal else {}
    return {**model, "status": step.status, "progress": step.percent, **counts, **error}


def _model(model: EngineModel, *, is_loaded: bool, window: int) -> Json:
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "qwen-bridge",
        "name": model.name,
        "size": model.size_bytes,
        "digest": model.digest,
        "status": "loaded" if is_loaded else "unloaded",
        "context_length": window,
    }
