"""`/v1/responses`: live, kept so that they can be asked for again, or answered later by a job of the queue."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bridge.gateway.body import read_json
from bridge.gateway.context import GatewayContext, caller_of
from bridge.gateway.endpoint import endpoint
from bridge.gateway.headers import wants_later
from bridge.gateway.queued import QueuedSource
from bridge.gateway.relay import RelayReply, passed_on
from bridge.gateway.reply import StreamReply, WholeReply, json_response
from bridge.gateway.routes.answers import AnswerPath, as_headers_say, source_for
from bridge.gateway.stored import StoredResponses, later_response
from bridge.protocols.asked import Answered, Json
from bridge.protocols.refusal import RefusedAsk
from bridge.protocols.responses import Responses

_WIRE = Responses()
#: The longest wait for one, in seconds.
_LONGEST_WAIT_S = 300.0


def routes(context: GatewayContext) -> list[Route]:
    """All of them."""
    stored = StoredResponses(context)

    async def get(request: Request) -> Response:
        found = await stored.look(request.path_params["id"], wait_s=_wait_s(request))
        return json_response(found.body)

    async def cancel(request: Request) -> Response:
        return json_response((await stored.cancel(request.path_params["id"])).body)

    async def delete(request: Request) -> Response:
        name = request.path_params["id"]
        await stored.delete(name)
        return json_response({"id": name, "object": "response", "deleted": True})

    async def count(request: Request) -> Response:
        asked = _WIRE.read({**await read_json(request), "stream": False})
        return json_response({"object": "response.input_tokens", "input_tokens": await context.live.count(asked)})

    found = [Route(path, ResponsesPath(context), methods=["POST"]) for path in ("/v1/responses", "/responses")]
    one = "/v1/responses/{id}"
    return [
        *found,
        Route("/v1/responses/input_tokens", endpoint(_WIRE, count), methods=["POST"]),
        Route(one, endpoint(_WIRE, get), methods=["GET"]),
        Route(one, endpoint(_WIRE, delete), methods=["DELETE"]),
        Route(f"{one}/cancel", endpoint(_WIRE, cancel), methods=["POST"]),
    ]


class ResponsesPath(AnswerPath):
    """`POST /v1/responses`."""

    def __init__(self, context: GatewayContext) -> None:
        super().__init__(context, _WIRE)

    async def reply(self, body: Json, request: Request) -> ASGIApp:
        """See `AnswerPath.reply`."""
        context, caller = self.context, caller_of(request)
        passed = None
        if context.routing is None:
            passed = await passed_on(context.live, request, body, token=context.token)
        if passed is not None:
            return RelayReply(context.live, _WIRE, caller, passed, otherwise=lambda: self._own(body, request))
        return await self._own(body, request)

    async def _own(self, body: Json, request: Request) -> ASGIApp:
        """The reply, made here. Raises RefusedAsk."""
        context, caller = self.context, caller_of(request)
        asked = as_headers_say(_WIRE.read(body), request)
        stored = StoredResponses(context)
        if asked.previous is not None:
            before = await stored.said_before(asked.previous)
            mine = asked.request.messages
            first = 1 if asked.echo.get("instructions") else 0  # instructions stay in front
            asked = replace(asked, request=replace(asked.request, prompt=(*mine[:first], *before, *mine[first:])))
        by_header = wants_later(request.headers.getlist("prefer"))
        if asked.background or by_header:
            later = await stored.queue(replace(asked, background=True), caller)
            if not asked.stream:
                return later_response(later, applied=by_header)
            record = await stored.find(later.id)
            if context.queue is None or record.job is None:
                raise RefusedAsk.bad("its queue is not open here")
            return StreamReply(QueuedSource(context.queue, record.job, stored.head_of(record)), _WIRE, asked, caller)

        async def keep(answered: Answered) -> None:
            await stored.keep(asked, caller, answered)

        kind = StreamReply if asked.stream else WholeReply
        return kind(source_for(context, request), _WIRE, asked, caller, after=keep if asked.echo["store"] else None)


def _wait_s(request: Request) -> float:
    """`?wait=30`, in seconds. Raises RefusedAsk."""
    told = request.query_params.get("wait", "0")
    try:
        return min(max(0.0, float(told)), _LONGEST_WAIT_S)
    except ValueError:
        raise RefusedAsk.bad(f"wait must be a number of seconds, not {told[:20]!r}", "wait") from None
