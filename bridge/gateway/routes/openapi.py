"""`/openapi.json`."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge import __version__
from bridge.gateway.context import GatewayContext
from bridge.gateway.openapi import document


def routes(context: GatewayContext) -> list[Route]:  # noqa: ARG001  # the document is the same for all
    """`/openapi.json`."""
    body = orjson.dumps(document(__version__))

    async def openapi(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    return [Route("/openapi.json", openapi)]
