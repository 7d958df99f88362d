"""One reply on its way to a client: whole, or as a stream that is kept alive; given up when the client leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.core.chat import ChatReply
from bridge.gateway.source import Caller, NoSink, ReplySource, RequestProgress
from bridge.gateway.streaming import Streaming, until_left
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, StreamWriter, WireFormat
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

#: What is done with a reply once it is whole.
AfterAnswer = Callable[[Answered], Awaitable[None]]


def json_response(body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON by orjson."""
    return Response(orjson.dumps(body), status_code=status, headers=headers, media_type="application/json")


def refused(wire: WireFormat, refusal: ApiRefusal) -> Response:
    """An error with the family's body and its headers."""
    return json_response(wire.refuse(refusal), status=refusal.status, headers=refusal.headers())


class WholeReply:
    """An ASGI response that is one JSON object."""

    def __init__(
        self, source: ReplySource, wire: WireFormat, asked: Asked, caller: Caller, *, after: AfterAnswer | None = None
    ) -> None:
        """`after` is awaited with the reply before the client has its end."""
        self._source, self._wire, self._asked, self._caller, self._after = source, wire, asked, caller, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, unless the client leaves."""

        async def work() -> None:
            response = await self._response()
            await response(scope, receive, send)

        await until_left(work(), receive)

    async def _response(self) -> Response:
        wire = self._wire
        try:
            answered = await self._source.answer(
                self._asked, self._caller, id_prefix=wire.id_prefix, sink=NoSink(), progress=RequestProgress()
            )
        except RefusedAsk as refused_ask:
            return refused(wire, refused_ask.refusal)
        if self._after:
            await self._after(answered)
        return json_response(wire.whole(self._asked, answered), headers=told_by(answered.head))


class StreamReply(Streaming):
    """An ASGI response that says the answer as it comes; the sink of its own answer."""

    def __init__(
        self, source: ReplySource, wire: WireFormat, asked: Asked, caller: Caller, *, after: AfterAnswer | None = None
    ) -> None:
        """`after` is awaited with the reply before the client has its end."""
        super().__init__(wire.stream_type)
        self._source, self._wire, self._asked, self._caller, self._after = source, wire, asked, caller, after
        self._writer: StreamWriter | None = None
        self._progress = RequestProgress()

    def begin(self, head: ReplyHead) -> None:
        """See `Sink.begin`."""
        if not self.has_begun:  # else the end says it
            self.headers = told_by(head)
            self._writer = self._wire.stream(self._asked, head)

    async def text(self, piece: str, index: int) -> None:
        """See `Sink.text`."""
        await self.say(lambda: self._started().text(piece, index))

    async def finish(self, reply: ChatReply, index: int) -> None:
        """See `Sink.finish`."""
        await self.say(lambda: self._started().finish(reply, index))

    def opening(self) -> bytes:
        """See `Streaming.opening`."""
        return self._started().begin()

    def may_begin(self) -> bool:
        """See `Streaming.may_begin`: the model is known."""
        return self._writer is not None

    def alive(self) -> bytes:
        """See `Streaming.alive`."""
        return self._started().alive(self._progress.waiting())

    async def respond(self) -> Response | None:
        """See `Streaming.respond`: a response, if it is refused before anything was said."""
        wire = self._wire
        try:
            answered = await self._source.answer(
                self._asked, self._caller, id_prefix=wire.id_prefix, sink=self, progress=self._progress
            )
        except RefusedAsk as refused_ask:
            return await self._fail(refused_ask.refusal)
        except Exception:
            if not self.has_begun:
                raise
            await self._fail(ApiRefusal(kind=RefusalKind.INTERNAL, message="the gateway failed; its log says why"))
            raise
        if self._after:
            await self._after(answered)
        await self.say(lambda: self._started().end(answered), more=False)
        return None

    async def _fail(self, refusal: ApiRefusal) -> Response | None:
        if not self.has_begun:
            return refused(self._wire, refusal)
        await self.say(lambda: self._started().fail(refusal), more=False)
        return None

    def _started(self) -> StreamWriter:
        if self._writer is None:
            raise RuntimeError("said before it was begun")
        return self._writer


def told_by(head: ReplyHead) -> dict[str, str]:
    """The headers that say what answered."""
    told = {"x-bridge-model": head.model}
    if "model_asked" in head.note:
        told["x-bridge-model-asked"] = str(head.note["model_asked"])
    if "target" in head.note:
        told["x-bridge-target"] = str(head.note["target"])
    if isinstance(way := head.note.get("route"), list):
        told["x-bridge-route"] = ", ".join(map(str, way))[:500]
    if "cut" in head.note:
        told["x-bridge-cut"] = f"{head.note['tokens_before']}/{head.note['tokens_after']}"
    if isinstance(cut := head.note.get("prompt_cut_by_engine"), dict):
        told["x-bridge-prompt-cut"] = f"{cut['read']}/{cut['sent']}"
    return {name: value.encode("ascii", "replace").decode() for name, value in told.items() if value.isprintable()}
