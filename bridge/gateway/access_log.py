"""One line a request: when, which route, how it ended, how long it took. Never a body, a query, a header or a path from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.core.result import to_iso
from bridge.gateway.counters import RequestCounters

#: Of a request that no route takes.
_NOWHERE = "-"


@dataclass(frozen=True, kw_only=True)
class RequestLog:
    """Where requests are counted and told."""

    counters: RequestCounters
    write: Callable[[str], None]  #: gets each line, without its end
    now: Callable[[], datetime]
    now_s: Callable[[], float]

    def tell(self, facts: Mapping[str, object]) -> None:
        """A line that is not about one request's end."""
        self.write(orjson.dumps({"at": to_iso(self.now()), **facts}).decode())


class AccessLog:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, *, log: RequestLog) -> None:
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, and say how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = self._log.now_s()
        ended = {"status": 499, "bytes": 0}  # nginx's number for a client that left

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                ended["status"] = message["status"]
            elif message["type"] == "http.response.body":
                ended["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            took_s = self._log.now_s() - began_s
            route = getattr(scope.get("route"), "path", _NOWHERE)
            self._log.counters.add(route, ended["status"], took_s)
            line = {
                "at": to_iso(self._log.now()),
                "method": scope["method"],
                "route": route,
                **ended,
                "seconds": round(took_s, 4),
            }
            self._log.write(orjson.dumps(line).decode())
