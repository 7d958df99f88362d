"""A request whose client and API speak the same family: its body passes through, with what the gateway does not know in it.

Only the model's name is ours, and of Ollama the window, so that nothing is cut in silence. What asks something of the gateway
itself (a declared cut, the queue, a stored response, calls read from the text of Qwen2.5-Coder) is answered as for any engine.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from bridge.core.chat import ChatRequest
from bridge.core.errors import EngineDown, EngineError, ModelMissing, StreamInterrupted
from bridge.engines.relay import NO_HEADERS, Relay, RelayedBody, RelayFamily
from bridge.gateway.body import asks_private
from bridge.gateway.headers import keys_of, wants_later
from bridge.gateway.live import Live
from bridge.gateway.names import ChosenModel
from bridge.gateway.reply import refused, told_by
from bridge.gateway.source import Caller, RequestProgress
from bridge.gateway.streaming import Streaming
from bridge.kernel.catalogue import FAMILY
from bridge.kernel.ollama import WHOLE_PROMPT
from bridge.protocols import sse
from bridge.protocols.asked import Asked, Json, StreamWriter, WireFormat
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk
from bridge.protocols.relayed import EventTooLong, RelayedStream

#: {path of ours: its family and the API's path}.
_PATHS: Mapping[str, tuple[RelayFamily, str]] = {
    "/v1/chat/completions": (RelayFamily.OPENAI, "/chat/completions"),
    "/chat/completions": (RelayFamily.OPENAI, "/chat/completions"),
    "/v1/completions": (RelayFamily.OPENAI, "/completions"),
    "/completions": (RelayFamily.OPENAI, "/completions"),
    "/v1/responses": (RelayFamily.OPENAI, "/responses"),
    "/responses": (RelayFamily.OPENAI, "/responses"),
    "/v1/embeddings": (RelayFamily.OPENAI, "/embeddings"),
    "/embeddings": (RelayFamily.OPENAI, "/embeddings"),
    "/v1/messages": (RelayFamily.ANTHROPIC, "/messages"),
    "/v1/messages/count_tokens": (RelayFamily.ANTHROPIC, "/messages/count_tokens"),
    "/api/chat": (RelayFamily.OLLAMA, "/api/chat"),
    "/api/generate": (RelayFamily.OLLAMA, "/api/generate"),
    "/api/embed": (RelayFamily.OLLAMA, "/api/embed"),
    "/api/embeddings": (RelayFamily.OLLAMA, "/api/embeddings"),
}
#: What Anthropic's clients say in headers: which fields they use.
_HEADERS = ("anthropic-version", "anthropic-beta")
#: The version of Anthropic's API that is spoken where a client names none.
_VERSION = "2023-06-01"
#: Fields that are asked of the gateway, and fields of OpenAI's Responses that need what it stores.
_OURS = ("truncation", "language", "background", "previous_response_id")


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A request that passes through."""

    relay: Relay
    path: str  #: of the API
    body: Json
    model: ChosenModel
    key: str | None  #: the caller's own
    headers: Mapping[str, str]  #: of the caller's, those that the API reads
    stream: bool

    @property
    def as_bytes(self) -> bytes:
        """The body as it is sent."""
        return orjson.dumps({**self.body, "model": self.model.name})


async def passed_on(live: Live, request: Request, body: Json, *, token: str | None) -> Passed | None:
    """How a request passes through; None: it does not. `token`: the gateway's own, which goes to nobody.

    Raises:
        RefusedAsk: there is no model.
    """
    relay = live.backend.relay
    path = request.url.path
    family, theirs = _PATHS.get(path, (None, ""))
    if (
        relay is None
        or relay.family is not family
        or theirs in live.lacking
        or _asks_the_gateway(theirs, body, request)
    ):
        return None
    name = body.get("model")
    model = await live.chosen(name if isinstance(name, str) else None)
    if asks_private(request, body):
        live.backend.require_private(model.name)
    if (body.get("tools") or body.get("functions")) and model.name.startswith(FAMILY):
        return None
    streams = body.get("stream") is True or (theirs in WHOLE_PROMPT and body.get("stream") is None)
    sent = {name: value for name, value in body.items() if name != "bridge"}
    key = None if relay.has_key else key_of_caller(request.headers, token)
    headers = _headers_of(request) if family is RelayFamily.ANTHROPIC else NO_HEADERS
    return Passed(relay=relay, path=theirs, body=sent, model=model, key=key, headers=headers, stream=streams)


def _headers_of(request: Request) -> dict[str, str]:
    given = {name: ",".join(request.headers.getlist(name)) for name in _HEADERS if name in request.headers}
    return {_HEADERS[0]: _VERSION, **given}


def key_of_caller(headers: Mapping[str, str], token: str | None) -> str | None:
    """A key that the caller brought for the API: its bearer, or its `x-api-key`, whichever is not the gateway's token."""
    keys = keys_of(headers)
    return next((key for key in keys if token is None or not hmac.compare_digest(key.encode(), token.encode())), None)


def _asks_the_gateway(path: str, body: Json, request: Request) -> bool:
    if wants_later(request.headers.getlist("prefer")):
        return True
    stored = path == "/responses" and body.get("store") is not False
    ours = any(body.get(name) not in (None, False, "disabled") for name in _OURS)
    return stored or ours


class RelayReply(Streaming):
    """An ASGI response that says what the API says."""

    def __init__(
        self, live: Live, wire: WireFormat, caller: Caller, passed: Passed, *, asked: Asked | None = None,
        otherwise: Callable[[], Awaitable[ASGIApp]] | None = None,
    ) -> None:  # fmt: skip
        """`asked`: what the body asks, where the gateway has to know it (Ollama's window).

        `otherwise`: what replies if the API turns out to lack the path.
        """
        super().__init__(wire.stream_type, keeps_alive=passed.stream)
        self._live, self._wire, self._caller, self._passed = live, wire, caller, passed
        self._asked, self._otherwise = asked, otherwise
        self._progress = RequestProgress()
        self._head = live.head(passed.model, wire.id_prefix)
        self.headers = told_by(self._head)

    async def respond(self) -> ASGIApp | None:
        """See `Streaming.respond`."""
        try:
            return await self._ask()
        except RefusedAsk as refused_ask:
            error = refused_ask
        if self._otherwise is not None and not self.has_begun and _said(error, 404, 405, 501):
            self._live.lacking.add(self._passed.path)
            try:
                return await self._otherwise()
            except RefusedAsk as refused_ask:
                error = refused_ask
        return await self._fail(self._as_callers(error))

    async def _ask(self) -> Response | None:
        """Raises RefusedAsk."""
        live = self._live
        async with live.turn(self._passed.model, self._caller, self._progress):
            passed = await self._fitted()
            opened = passed.relay.open(
                passed.path, passed.as_bytes, key=passed.key, headers=passed.headers, timeout_s=live.backend.timeout_s
            )
            async with opened as body:
                if not passed.stream:
                    return await self._whole(body)
                await self._pass_on(body)
                return None

    def may_begin(self) -> bool:
        """See `Streaming.may_begin`."""
        return True

    def alive(self) -> bytes:
        """See `Streaming.alive`. In OpenAI's own numbering of events there is no place for one of ours: a comment."""
        if self._passed.relay.family is not RelayFamily.OPENAI:
            return self._writer().alive(self._progress.waiting())
        return sse.comment(self._progress.waiting().detail or "working")

    async def _fitted(self) -> Passed:
        """Of Ollama's: with the window that it fits in. Raises RefusedAsk, EngineError."""
        passed, live, asked = self._passed, self._live, self._asked
        if asked is None or passed.path not in WHOLE_PROMPT:
            return passed
        request = live.request(asked, passed.model)
        fitted = await live.fitted(request, asked.truncation)
        given = passed.body.get("options")
        options = {
            **(given if isinstance(given, dict) else {}),
            "num_ctx": fitted.request.num_ctx,
            "num_predict": fitted.request.max_tokens,
        }
        # Ollama's ways to lose part of a prompt; who asks for one by name gets it.
        return replace(passed, body={**WHOLE_PROMPT[passed.path], **passed.body, "options": options})

    async def _pass_on(self, body: RelayedBody) -> None:
        """Raises EngineError."""
        stream = RelayedStream(lines=self._passed.relay.family is RelayFamily.OLLAMA)
        self.stream_type = body.content_type or self.stream_type
        while piece := await body.read():
            try:
                whole = stream.feed(piece)
            except EventTooLong as error:
                raise StreamInterrupted(f"the answer broke off ({error})") from None
            if whole:
                await self.say(partial(bytes, whole))
        rest = stream.rest()
        if not stream.is_whole:
            raise StreamInterrupted("the answer broke off (its stream has no end)")
        await self.say(lambda: rest, more=False)

    async def _whole(self, body: RelayedBody) -> Response:
        """Raises EngineError."""
        data = await body.whole()
        try:
            orjson.loads(data)
        except orjson.JSONDecodeError:
            raise EngineDown("the API does not answer with JSON") from None
        return Response(data, headers=self.headers, media_type="application/json")

    async def _fail(self, refusal: ApiRefusal) -> Response | None:
        if not self.has_begun:
            return refused(self._wire, refusal)
        await self.say(lambda: self._writer().fail(refusal), more=False)
        return None

    def _writer(self) -> StreamWriter:
        return self._wire.stream(self._asked or Asked(request=ChatRequest(prompt=""), stream=True), self._head)

    def _as_callers(self, error: RefusedAsk) -> ApiRefusal:
        """A key that the API does not take is the caller's to mend, if it is the caller's."""
        if self._passed.key is not None and _said(error, 401, 403):
            return ApiRefusal(kind=RefusalKind.UNAUTHORIZED, message=str(error))
        return error.refusal


def _said(error: RefusedAsk, *statuses: int) -> bool:
    """Whether the API answered with one of these, and it is not about a model."""
    cause = error.__cause__
    said = isinstance(cause, EngineError) and not isinstance(cause, ModelMissing)
    return said and str(cause).startswith(tuple(f"HTTP {status}:" for status in statuses))
