"""What Ollama's clients ask beside answers: its models, their facts, embeddings. Listing loads nothing.

VS Code's Ollama provider hides a server whose version is no number of at least 0.6.4, and models without `capabilities`
(facts/gateway-and-clients.md, section 1.3).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from bridge.core.result import to_iso
from bridge.engines.base import Capabilities, EngineModel
from bridge.gateway.body import asks_private, read_json
from bridge.gateway.context import GatewayContext, caller_of
from bridge.gateway.embedding import embed
from bridge.gateway.endpoint import endpoint
from bridge.gateway.pulls import PullStep
from bridge.gateway.relay import RelayReply, passed_on
from bridge.gateway.reply import json_response
from bridge.gateway.routes.models import remove
from bridge.kernel.catalogue import billions
from bridge.protocols.asked import Json
from bridge.protocols.ollama import Chat
from bridge.protocols.refusal import RefusedAsk

#: The version of Ollama whose API this is.
SPOKEN_VERSION = "0.33.0"
_WIRE = Chat()
_NAMES = {"tools": "tools", "suffix": "insert", "images": "vision", "embeddings": "embedding"}


def routes(context: GatewayContext) -> list[Route]:
    """`/api/version`, `/api/tags`, `/api/ps`, `/api/show`, `/api/embed` and the older `/api/embeddings`."""
    return OllamaPaths(context).routes()


class OllamaPaths:
    """What the paths of Ollama's clients do."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/api/pull", endpoint(_WIRE, self._pull), methods=["POST"]),
            Route("/api/delete", endpoint(_WIRE, self._delete), methods=["DELETE"]),
            Route("/api/version", endpoint(_WIRE, self._version)),
            Route("/api/tags", endpoint(_WIRE, self._tags)),
            Route("/api/ps", endpoint(_WIRE, self._running)),
            Route("/api/show", endpoint(_WIRE, self._show), methods=["POST"]),
            Route("/api/embed", endpoint(_WIRE, self._embeddings), methods=["POST"]),
            Route("/api/embeddings", endpoint(_WIRE, self._embeddings), methods=["POST"]),
        ]

    async def _version(self, _request: Request) -> Response:
        return json_response({"version": SPOKEN_VERSION})

    async def _tags(self, _request: Request) -> Response:
        moment = to_iso(self._context.now())
        return json_response({"models": [_tag(model, moment) for model in await self._context.live.models()]})

    async def _running(self, _request: Request) -> Response:
        health = await self._context.live.in_thread(self._context.live.backend.engine.health)
        moment = to_iso(self._context.now())
        found = [_tag(model, moment) for model in await self._context.live.models() if model.name in health.loaded]
        return json_response({"models": [{**tag, "expires_at": moment, "size_vram": 0} for tag in found]})

    async def _show(self, request: Request) -> Response:
        body = await read_json(request)
        name = body.get("model") or body.get("name")
        if not isinstance(name, str):
            raise RefusedAsk.bad("model is needed", "model")
        chosen = await self._context.live.chosen(name)
        able = await self._context.live.in_thread(lambda: self._context.live.backend.engine.capabilities(chosen.name))
        return json_response(
            _shown(chosen.name, able, window=able.context_tokens or self._context.live.backend.num_ctx)
        )

    async def _embeddings(self, request: Request) -> ASGIApp:
        body = await read_json(request)
        if (passed := await passed_on(self._context.live, request, body, token=self._context.token)) is not None:
            return RelayReply(self._context.live, _WIRE, caller_of(request), passed)
        is_older = request.url.path.endswith("/embeddings")
        given = body.get("prompt") if is_older else body.get("input")
        found = await embed(self._context.live, given, body.get("model"), private=asks_private(request, body))
        if is_older:
            return json_response({"embedding": list(found.vectors[0]) if found.vectors else []})
        return json_response({"model": found.model, "embeddings": [list(vector) for vector in found.vectors]})

    async def _pull(self, request: Request) -> Response:
        body = await read_json(request)
        name = body.get("model") or body.get("name")
        if not isinstance(name, str):
            raise RefusedAsk.bad("model is needed", "model")
        steps = self._context.pulls.follow(name)
        if body.get("stream") is not False:
            return StreamingResponse(_lines(steps), media_type=_WIRE.stream_type)
        last = [step async for step in steps][-1]
        if last.refusal is not None:
            raise RefusedAsk(last.refusal)
        return json_response({"status": last.status})

    async def _delete(self, request: Request) -> Response:
        body = await read_json(request)
        name = body.get("model") or body.get("name")
        if not isinstance(name, str):
            raise RefusedAsk.bad("model is needed", "model")
        await remove(self._context, name)
        return Response()


async def _lines(steps: AsyncIterator[PullStep]) -> AsyncIterator[bytes]:
    async for step in steps:
        if step.refusal is not None:
            yield orjson.dumps(_WIRE.refuse(step.refusal)) + b"\n"
        else:
            counts = {"total": step.total_bytes, "completed": step.done_bytes} if step.total_bytes > 1 else {}
            yield orjson.dumps({"status": step.status, **counts}) + b"\n"


def _tag(model: EngineModel, moment: str) -> Json:
    size = billions(model.name)
    details = {"format": "gguf", "family": _family(model.name), "parameter_size": f"{size:g}B" if size else ""}
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": moment,
        "size": model.size_bytes or 0,
        "digest": model.digest or "",
        "details": details,
    }


def _shown(name: str, able: Capabilities, *, window: int) -> Json:
    family = _family(name)
    more = [theirs for ours, theirs in _NAMES.items() if getattr(able, ours)]
    return {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": {"format": "gguf", "family": family},
        "model_info": {"general.architecture": family, "general.basename": name, f"{family}.context_length": window},
        "capabilities": ["completion", *more],
    }


def _family(name: str) -> str:
    return "qwen2" if "qwen2" in name.lower() else "qwen3" if "qwen3" in name.lower() else "llama"
