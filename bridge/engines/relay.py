"""Requests passed on as they came to an API that speaks the client's own family, and replies as they come.

In the event loop, without a thread: what comes from the API is awaited where it is written to the client, so a client that
leaves cuts the connection at once. The key goes into one header and nowhere else: not to another host by a redirect.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from bridge.core.errors import EngineDown, EngineError, StreamInterrupted
from bridge.engines.openai_errors import read_refusal
from bridge.engines.response_body import LONGEST_BYTES, LONGEST_ERROR_BYTES

if TYPE_CHECKING:
    import aiohttp

#: Shorter than the 5 s after which uvicorn closes an idle connection: one that is being closed is not written to.
_KEPT_S = 4.0
#: Nothing but what a relay itself sends.
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class RelayFamily(Enum):
    """Whose words an API speaks."""

    OPENAI = "openai"  # its paths stand behind a base address that ends with the version
    ANTHROPIC = "anthropic"  # the same; its key goes into `x-api-key`
    OLLAMA = "ollama"  # its paths are the same everywhere


class RelayedBody(Protocol):
    """A reply that has begun well."""

    content_type: str

    async def read(self) -> bytes:
        """What has come, as soon as there is something; empty: it has ended. Raises EngineError."""

    async def whole(self) -> bytes:
        """All of it. Raises EngineError."""


class Relay(Protocol):
    """The way to one API. Only the event loop that it is used in may touch it."""

    @property
    def family(self) -> RelayFamily:
        """Whose words it speaks."""

    @property
    def has_key(self) -> bool:
        """Whether it has a key of its own, so that nobody else's is sent."""

    def open(
        self,
        path: str,
        body: bytes,
        *,
        key: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout_s: float | None = None,
    ) -> AbstractAsyncContextManager[RelayedBody]:
        """Ask; the connection is cut when the block ends before the reply does. `key`: the caller's own, `headers` as well.

        Raises:
            EngineError: also in the block, if the reply takes longer than `timeout_s` as a whole.
        """

    async def close(self) -> None:
        """Give back connections; safe twice."""


class HttpRelay:
    """A relay by aiohttp, which parses in C and cancels at once."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        family: RelayFamily,
        connect_s: float = 10.0,
        silence_s: float = 300.0,
        use_environment: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base_url`: what every path is put behind. `silence_s`: how long nothing at all may come.

        `use_environment`: proxies and certificates as `requests` reads them from the environment, as `JsonApi` does.
        """
        self.family = family
        self._base, self._key, self._now = base_url.rstrip("/"), api_key, now
        self._connect_s, self._silence_s, self._use_environment = connect_s, silence_s, use_environment
        self._client: aiohttp.ClientSession | None = None
        self._proxy: str | None = None

    @property
    def has_key(self) -> bool:
        """See `Relay.has_key`."""
        return bool(self._key)

    @asynccontextmanager
    async def open(
        self,
        path: str,
        body: bytes,
        *,
        key: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout_s: float | None = None,
    ) -> AsyncIterator[RelayedBody]:
        """See `Relay.open`."""
        used = self._key or key
        sent = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers, **self._auth(used)}
        watch = _Silence(self._silence_s)
        try:
            async with asyncio.timeout(timeout_s) as limit:
                watch.begin(limit)
                response = await self._ask(path, body, sent)
                try:
                    await self._check(response, used)
                    yield _Body(response, self._base, watch)
                finally:
                    response.close() if not response.content.is_eof() else response.release()
        except TimeoutError:
            if not limit.expired():
                raise
            why = f"nothing came for {self._silence_s:g} s" if watch.is_over else "it took longer than the time limit"
            raise StreamInterrupted(f"the answer broke off ({why})") from None
        finally:
            watch.end()

    def _auth(self, key: str | None) -> dict[str, str]:
        if not key:
            return {}
        return {"x-api-key": key} if self.family is RelayFamily.ANTHROPIC else {"Authorization": f"Bearer {key}"}

    async def close(self) -> None:
        """See `Relay.close`."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ask(self, path: str, body: bytes, headers: dict[str, str]) -> aiohttp.ClientResponse:
        client = self._client or self._opened()
        try:
            return await client.post(
                self._base + path, data=body, headers=headers, proxy=self._proxy, allow_redirects=False
            )
        except _failures() as error:
            raise _broken(error, self._base, began=False) from None

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        verify: object = True
        if self._use_environment:
            found = requests.Session().merge_environment_settings(self._base, {}, None, None, None)
            self._proxy = requests.utils.select_proxy(self._base, found["proxies"])
            verify = found["verify"]
        authorities = verify if isinstance(verify, str) else str(DEFAULT_CA_BUNDLE_PATH)
        secure = ssl.create_default_context(cafile=authorities) if self._base.startswith("https") else True
        limits = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s)
        # The line before an engine bounds how many there are; no `trust_env`, which reads ~/.netrc over our header.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_S, ssl=secure)
        self._client = aiohttp.ClientSession(connector=connector, timeout=limits, auto_decompress=False)
        return self._client

    async def _check(self, response: aiohttp.ClientResponse, key: str | None) -> None:
        """Raises EngineError."""
        if response.status != 200:
            said = await _beginning(response)
            said = said.replace(key, "***") if key else said  # some APIs quote it
            raise read_refusal(response.status, said[:4000], response.headers, self._now())
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise EngineDown(f"{self._base} compresses its replies, though asked not to")


class _Silence:
    """Ends a reply of which nothing has come for too long. One timer, however many pieces come: each would cost its own else."""

    def __init__(self, longest_s: float) -> None:
        self.is_over = False
        self._longest_s = longest_s
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._limit: asyncio.Timeout | None = None
        self.heard_s = self._loop.time()  #: when something came last

    def begin(self, limit: asyncio.Timeout) -> None:
        """From now on."""
        self._limit = limit
        self._timer = self._loop.call_later(self._longest_s, self._look)

    def heard(self) -> None:
        """Something has come."""
        self.heard_s = self._loop.time()

    def end(self) -> None:
        """It does not matter any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        left_s = self.heard_s + self._longest_s - self._loop.time()
        if left_s > 0 or self._limit is None:
            self._timer = self._loop.call_later(max(left_s, 0.001), self._look)
        else:
            self.is_over = True
            self._limit.reschedule(self._loop.time())


class _Body:
    """See `RelayedBody`."""

    def __init__(self, response: aiohttp.ClientResponse, base: str, watch: _Silence) -> None:
        self._response, self._base, self._watch = response, base, watch
        self._failures = _failures()
        self.content_type = response.headers.get("Content-Type", "")

    async def read(self) -> bytes:
        """See `RelayedBody.read`."""
        try:
            piece = await self._response.content.readany()
        except self._failures as error:
            raise _broken(error, self._base, began=True) from None
        self._watch.heard()
        return piece

    async def whole(self) -> bytes:
        """See `RelayedBody.whole`."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST_BYTES:
                raise EngineDown(f"{self._base} answers with more than {LONGEST_BYTES} bytes")
        return b"".join(pieces)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The text of an error, as far as it matters. Never raises for what the server does."""
    held = bytearray()
    try:
        while (piece := await response.content.readany()) and len(held) < LONGEST_ERROR_BYTES:
            held += piece
    except _failures():
        pass  # what came of it must do
    return bytes(held[:LONGEST_ERROR_BYTES]).decode(errors="replace")


def _failures() -> tuple[type[Exception], ...]:
    """What a connection may raise."""
    import aiohttp

    return (aiohttp.ClientError, OSError)


def _broken(error: Exception, base: str, *, began: bool) -> EngineError:
    # The kind of error only: its text may hold headers or a proxy's password.
    reason = f"{type(error).__name__} at {base}"
    return StreamInterrupted(f"the answer broke off ({reason})") if began else EngineDown(f"the API cannot be reached ({reason})")  # fmt: skip
