"""A reply on its way to a client, kept alive while nothing comes, and given up when the client leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

#: How long a stream waits with its status, in seconds: so long an error can still be told by one.
HELD_S = 2.0
#: How long nothing may come, in seconds: no client that was looked at gives up sooner (facts, section 1.2).
ALIVE_S = 10.0


class Streaming:
    """An ASGI response that may be said piece by piece: `respond`, `may_begin` and `alive` are what a kind of reply adds."""

    def __init__(self, stream_type: str, *, keeps_alive: bool = True) -> None:
        """`keeps_alive`: nothing is said before `respond` says something, if not."""
        self.stream_type = stream_type
        self.headers: dict[str, str] = {}
        self.has_begun = False
        self._keeps_alive = keeps_alive
        self._send: Send
        self._one_at_a_time = asyncio.Lock()
        self._said = 0  # counts what was sent, so that a silence is known

    async def respond(self) -> ASGIApp | None:
        """Say all of it; a response, if nothing was said and this is the whole reply."""
        raise NotImplementedError

    def opening(self) -> bytes:
        """What goes before all else."""
        return b""

    def may_begin(self) -> bool:
        """Whether enough is known to say something."""
        raise NotImplementedError

    def alive(self) -> bytes:
        """What keeps the client patient."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reply, until that ends or the client leaves."""
        self._send = send

        async def work() -> None:
            pinger = asyncio.create_task(self._ping()) if self._keeps_alive else None
            try:
                response = await self.respond()
            finally:
                if pinger is not None:
                    pinger.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await pinger
            if response is not None:
                await response(scope, receive, send)

        await until_left(work(), receive)

    async def say(self, words: Callable[[], bytes], *, more: bool = True) -> None:
        """A piece; `more`: whether others follow. Writers number their events, so `words` is asked after the opening."""
        async with self._one_at_a_time:
            data = b""
            if not self.has_begun:
                self.has_begun = True
                await self._send(self._start())
                data = self.opening()
            data += words()
            self._said += 1
            if data or not more:
                await self._send({"type": "http.response.body", "body": data, "more_body": more})

    def _start(self) -> dict[str, object]:
        headers = {
            "content-type": self.stream_type,
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            **self.headers,
        }
        encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return {"type": "http.response.start", "status": 200, "headers": encoded}

    async def _ping(self) -> None:
        wait_s = HELD_S
        while True:
            said = self._said
            await asyncio.sleep(wait_s)
            if self._said == said and self.may_begin():
                await self.say(self.alive)
                wait_s = ALIVE_S


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
