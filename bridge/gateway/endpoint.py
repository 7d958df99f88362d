"""A plain path: a function from a request to a response, whose refusals are told in the family's own shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.types import ASGIApp

from bridge.gateway.reply import refused
from bridge.protocols.asked import WireFormat
from bridge.protocols.refusal import RefusedAsk

Endpoint = Callable[[Request], Awaitable[ASGIApp]]


def endpoint(wire: WireFormat, answer: Endpoint) -> Endpoint:
    """The same, with its `RefusedAsk` as a response."""

    async def answered(request: Request) -> ASGIApp:
        try:
            return await answer(request)
        except RefusedAsk as refused_ask:
            return refused(wire, refused_ask.refusal)

    return answered
