"""Whether the gateway lives, and what it has in memory. None of it loads a model or waits for one."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.engines.base import Health
from bridge.gateway.context import GatewayContext
from bridge.gateway.reply import json_response

#: How long the engine may take to say how it is, in seconds; the whole answer is promised in one.
_PATIENCE_S = 0.6


def routes(context: GatewayContext) -> list[Route]:
    """`/health` and the root."""

    async def health(_request: Request) -> Response:
        engine = context.live.backend.engine
        found = await _health_of(context)
        line = context.live.backend.slots.line
        return json_response(
            {
                "status": "ok" if found.ok else "degraded",
                "model_loaded": bool(found.loaded) if found.ok else False,
                "models_loaded": list(found.loaded),
                "memory_usage": context.memory_bytes(),
                "engines": [{"name": engine.name, "ok": found.ok, "detail": found.detail, "version": found.version}],
                "queue": context.queue is not None,
                "line": {"lanes": line.lanes, "running": len(line.running), "waiting": len(line.waiting)},
            }
        )

    async def root(_request: Request) -> Response:
        return Response("Qwen Bridge is running\n", media_type="text/plain")

    return [Route("/health", health), Route("/", root)]


async def _health_of(context: GatewayContext) -> Health:
    asking = asyncio.get_running_loop().run_in_executor(None, context.live.backend.engine.health)
    try:
        return await asyncio.wait_for(asyncio.shield(asking), _PATIENCE_S)
    except TimeoutError:
        return Health(ok=False, detail=f"the engine did not say how it is within {_PATIENCE_S:g} s")
