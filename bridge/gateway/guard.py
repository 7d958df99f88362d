"""Who may speak to the gateway: by Host, Origin and token, before anything else of a request is read.

A web page that a person has open can send requests to a port of their machine, and by DNS rebinding even read what comes
back: its Origin is a foreign one, and after rebinding its Host is a foreign name.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.gateway.headers import keys_of
from bridge.gateway.reply import refused
from bridge.protocols.asked import WireFormat
from bridge.protocols.refusal import ApiRefusal, RefusalKind

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class GuardRules:
    """What is let in."""

    hosts: frozenset[str] = LOOPBACK  #: names in the Host header, without port; empty: any
    origins: frozenset[str] = frozenset()  #: web pages, such as `http://localhost:3000`
    token: str | None = field(default=None, repr=False)  #: None: none is asked for

    def refusal(self, headers: Mapping[str, str]) -> ApiRefusal | None:
        """Why a request is turned away; None: it is not."""
        host = _host_name(headers.get("host", ""))
        if self.hosts and host not in self.hosts:
            return ApiRefusal(
                kind=RefusalKind.FORBIDDEN,
                message=f"the gateway does not answer to the host name {host[:80]!r}: `--allow-host` adds one",
            )
        origin = headers.get("origin")
        if origin is not None and origin not in self.origins:
            return ApiRefusal(
                kind=RefusalKind.FORBIDDEN,
                message=f"web pages of {origin[:80]!r} may not use the gateway: `--allow-origin` lets one in",
            )
        if self.token is not None and not self._knows(headers):
            return ApiRefusal(
                kind=RefusalKind.UNAUTHORIZED,
                message="the token is missing or wrong: send BRIDGE_TOKEN as `Authorization: Bearer …`",
            )
        return None

    def _knows(self, headers: Mapping[str, str]) -> bool:
        token = (self.token or "").encode()
        return any(hmac.compare_digest(key.encode(), token) for key in keys_of(headers))


class Guard:
    """ASGI middleware that turns away what the rules do not let in, with the error of the path's family."""

    def __init__(
        self, app: ASGIApp, *, rules: GuardRules, open_paths: frozenset[str], wires: Mapping[str, WireFormat]
    ) -> None:
        """`open_paths` need no token; `wires`: by the beginning of a path, the empty one for all others."""
        self._app, self._rules, self._open, self._wires = app, rules, open_paths, wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or answer with an error."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        found = self._rules.refusal(headers)
        path = str(scope["path"])
        if found is None or (found.kind is RefusalKind.UNAUTHORIZED and path in self._open):
            await self._app(scope, receive, send)
            return
        await refused(self._wire(path), found)(scope, receive, send)

    def _wire(self, path: str) -> WireFormat:
        return next(wire for start, wire in self._wires.items() if path.startswith(start))


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
