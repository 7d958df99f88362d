"""Every path that asks for an answer: one table of paths and wires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.core.result import to_iso
from bridge.engines.relay import RelayFamily
from bridge.gateway.again import Again
from bridge.gateway.body import read_json
from bridge.gateway.context import GatewayContext, caller_of
from bridge.gateway.headers import is_private, wants_later
from bridge.gateway.relay import RelayReply, passed_on
from bridge.gateway.reply import StreamReply, WholeReply, json_response, refused
from bridge.gateway.routed import RoutedSource
from bridge.gateway.routing import wish_of
from bridge.gateway.source import Caller, ReplySource
from bridge.gateway.stored import StoredResponses, later_response
from bridge.protocols import ollama, ollama_request
from bridge.protocols.anthropic import Messages
from bridge.protocols.asked import Asked, Json, WireFormat
from bridge.protocols.infill import Infill
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.openai_completions import Completions
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

#: {path: its wire}. OpenAI's are there without `/v1` too, because half of all base addresses lack it.
WIRES: Mapping[str, WireFormat] = {
    "/v1/chat/completions": ChatCompletions(),
    "/chat/completions": ChatCompletions(),
    "/v1/completions": Completions(),
    "/completions": Completions(),
    "/v1/messages": Messages(),
    "/api/chat": ollama.Chat(),
    "/api/generate": ollama.Generate(),
    "/infill": Infill(),
}


def routes(context: GatewayContext) -> list[Route]:
    """The paths of `WIRES`."""
    return [Route(path, AnswerPath(context, wire), methods=["POST"]) for path, wire in WIRES.items()]


class AnswerPath:
    """One path, as an ASGI application: its replies watch for the client's leaving, so they need the connection itself."""

    def __init__(self, context: GatewayContext, wire: WireFormat) -> None:
        self.context, self._wire = context, wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read what is asked, then reply."""
        request = Request(scope, receive)
        try:
            body = await read_json(request)
            self._brake(body, caller_of(request))
            reply = await self.reply(body, request)
        except RefusedAsk as refused_ask:
            reply = refused(self._wire, refused_ask.refusal)
        await reply(scope, receive, send)

    def _brake(self, body: Json, caller: Caller) -> None:
        """Raises RefusedAsk."""
        wait_s = self.context.brake.wait_s(caller.name, body, self.context.now_s())
        if wait_s is not None:
            message = "this very request was answered several times in the last minutes: an agent may be looping"
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.RATE_LIMITED, message=message, retry_after_s=wait_s))

    async def reply(self, body: Json, request: Request) -> ASGIApp:
        """What answers a body. Raises RefusedAsk."""
        if isinstance(self._wire, ollama.OllamaWire) and (load := ollama_request.read_load(body)) is not None:
            return await self._load(load)
        context = self.context
        passed = None
        if context.routing is None:
            passed = await passed_on(context.live, request, body, token=context.token)
        if passed is not None:
            asked = self._wire.read(body) if passed.relay.family is RelayFamily.OLLAMA else None
            return RelayReply(self.context.live, self._wire, caller_of(request), passed, asked=asked)
        asked = as_headers_say(self._wire.read(body), request)
        if wants_later(request.headers.getlist("prefer")):
            return later_response(await StoredResponses(self.context).queue(asked, caller_of(request)), applied=True)
        kind = StreamReply if asked.stream else WholeReply
        return kind(source_for(self.context, request), self._wire, asked, caller_of(request))

    async def _load(self, asked: ollama_request.LoadAsked) -> Response:
        """Ollama's way to load or unload a model. Raises RefusedAsk."""
        live = self.context.live
        chosen = await live.chosen(asked.model)
        if asked.unload:
            await live.residency.unload(chosen.name)
        else:
            await live.residency.load(chosen.name)
        reason = "unload" if asked.unload else "load"
        told = {"model": chosen.name, "created_at": to_iso(self.context.now()), "done": True, "done_reason": reason}
        return json_response({**told, "response": "", "message": {"role": "assistant", "content": ""}})


def source_for(context: GatewayContext, request: Request) -> ReplySource:
    """What answers a request: the gateway's engine, or the router's targets."""
    if context.routing is None:
        return context.live
    return RoutedSource(context.routing, wish_of(request), again=Again(context, context.routing), now=context.now())


def as_headers_say(asked: Asked, request: Request) -> Asked:
    """The request, private if a header says so."""
    return replace(asked, private=True) if is_private(request.headers) else asked
