"""One reply on its way to a client: whole, or as a stream that is kept alive; given up when the client leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.core.chat import ChatReply
from bridge.gateway.live import Caller, NoSink, ReplySource, RequestProgress
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, StreamWriter, WireFormat
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

#: What is done with a reply once it is whole.
AfterAnswer = Callable[[Answered], Awaitable[None]]

#: How long a stream waits with its status, in seconds: so long an error can still be told by one.
HELD_S = 2.0
#: How long nothing may come, in seconds: no client that was looked at gives up sooner (facts, section 1.2).
ALIVE_S = 10.0


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


class StreamReply:
    """An ASGI response that says the answer as it comes; the sink of its own answer."""

    def __init__(
        self, source: ReplySource, wire: WireFormat, asked: Asked, caller: Caller, *, after: AfterAnswer | None = None
    ) -> None:
        """`after` is awaited with the reply before the client has its end."""
        self._source, self._wire, self._asked, self._caller, self._after = source, wire, asked, caller, after
        self._writer: StreamWriter | None = None
        self._head: ReplyHead | None = None
        self._progress = RequestProgress()
        self._is_begun = False
        self._send: Send
        self._one_at_a_time = asyncio.Lock()
        self._said = 0  # counts what was sent, so that the pinger knows a silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, until it ends or the client leaves."""
        self._send = send

        async def work() -> None:
            pinger = asyncio.create_task(self._keep_alive())
            try:
                response = await self._stream()
            finally:
                pinger.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await pinger
            if response is not None:
                await response(scope, receive, send)

        await until_left(work(), receive)

    def begin(self, head: ReplyHead) -> None:
        """See `Sink.begin`."""
        if not self._is_begun:  # else the end says it
            self._head = head
            self._writer = self._wire.stream(self._asked, head)

    async def text(self, piece: str, index: int) -> None:
        """See `Sink.text`."""
        await self._say(self._started().text(piece, index))

    async def finish(self, reply: ChatReply, index: int) -> None:
        """See `Sink.finish`."""
        await self._say(self._started().finish(reply, index))

    async def _stream(self) -> Response | None:
        """Say all of it; a response, if it is refused before anything was said."""
        wire = self._wire
        try:
            answered = await self._source.answer(
                self._asked, self._caller, id_prefix=wire.id_prefix, sink=self, progress=self._progress
            )
        except RefusedAsk as refused_ask:
            return await self._fail(refused_ask.refusal)
        except Exception:
            if not self._is_begun:
                raise
            await self._fail(ApiRefusal(kind=RefusalKind.INTERNAL, message="the gateway failed; its log says why"))
            raise
        if self._after:
            await self._after(answered)
        await self._say(self._end(answered), more=False)
        return None

    async def _fail(self, refusal: ApiRefusal) -> Response | None:
        if not self._is_begun:
            return refused(self._wire, refusal)
        await self._say(self._started().fail(refusal), more=False)
        return None

    def _end(self, answered: Answered) -> bytes:
        return self._started().end(answered)

    def _started(self) -> StreamWriter:
        if self._writer is None:
            raise RuntimeError("said before it was begun")
        return self._writer

    async def _say(self, data: bytes, *, more: bool = True) -> None:
        async with self._one_at_a_time:
            if not self._is_begun:
                self._is_begun = True
                await self._send(self._start())
                data = self._started().begin() + data
            self._said += 1
            if data or not more:
                await self._send({"type": "http.response.body", "body": data, "more_body": more})

    def _start(self) -> dict[str, object]:
        headers = {
            "content-type": self._wire.stream_type,
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            **(told_by(self._head) if self._head else {}),
        }
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return {"type": "http.response.start", "status": 200, "headers": encoded}

    async def _keep_alive(self) -> None:
        wait_s = HELD_S
        while True:
            said = self._said
            await asyncio.sleep(wait_s)
            if self._said == said and self._writer is not None:
                await self._say(self._writer.alive(self._progress.waiting()))
                wait_s = ALIVE_S


def told_by(head: ReplyHead) -> dict[str, str]:
    """The headers that say what answered."""
    told = {"x-bridge-model": head.model}
    if "model_asked" in head.note:
        told["x-bridge-model-asked"] = str(head.note["model_asked"])
    if isinstance(cut := head.note.get("prompt_cut_by_engine"), dict):
        told["x-bridge-prompt-cut"] = f"{cut['read']}/{cut['sent']}"
    return {name: value.encode("ascii", "replace").decode() for name, value in told.items() if value.isprintable()}


async def until_left(work: Awaitable[None], receive: Receive) -> None:
    """Do the work; give it up as soon as the client is gone. Raises what the work raises."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, leaving):
            if not task.done():
                task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
    if not working.cancelled() and (failed := working.exception()) is not None:
        raise failed


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
