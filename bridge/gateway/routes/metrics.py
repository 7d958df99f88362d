"""`/metrics`, for Prometheus."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.gateway.context import GatewayContext

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes(context: GatewayContext) -> list[Route]:
    """`/metrics`."""

    async def metrics(_request: Request) -> Response:
        line = context.live.backend.slots.line
        gauges = {
            "bridge_lanes": float(line.lanes),
            "bridge_requests_running": float(len(line.running)),
            "bridge_requests_waiting": float(len(line.waiting)),
        }
        memory = context.memory_bytes()
        if memory is not None:
            gauges["bridge_memory_bytes"] = float(memory)
        return Response(context.counters.text(gauges), media_type=_TYPE)

    return [Route("/metrics", metrics)]
