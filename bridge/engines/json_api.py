"""JSON over HTTP with a key: plain calls and streams of server-sent events, every failure told as one of our errors.

The key goes into one header and nowhere else: not into a log, not into an error, not to another host by a redirect.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from bridge.core.errors import EngineDown, EngineError, StreamInterrupted
from bridge.engines import response_body
from bridge.engines.openai_errors import read_refusal
from bridge.kernel.error_kind import Stopped
from bridge.kernel.stop import Stop

_END = object()
_CUT = object()
#: Events that may wait for their reader; the server is not read from meanwhile.
_EVENTS_AHEAD = 256
#: What a stream may call itself. Anything else, as the page of a sign-in or a proxy, is not from such an API.
_STREAM_TYPES = ("", "text/event-stream", "text/plain", "application/json", "application/octet-stream")


class _Bearer(requests.auth.AuthBase):
    # An auth object rather than a header: with a plain header, requests prefers a .netrc entry of that host.
    def __init__(self, key: str | None) -> None:
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            prepared.headers["Authorization"] = f"Bearer {self._key}"
        return prepared


class _Inbox:
    """The way from the thread that reads a stream to the one that wants it. Full: the stream is not read."""

    def __init__(self) -> None:
        self.closed = threading.Event()  #: nobody wants more
        self._items: queue.Queue[Any] = queue.Queue(_EVENTS_AHEAD)
        self._response: requests.Response | None = None

    def put(self, item: object) -> None:
        while not self.closed.is_set():
            with contextlib.suppress(queue.Full):
                return self._items.put(item, timeout=0.2)
        return None

    def get(self, timeout_s: float | None) -> Any:
        """Raises queue.Empty."""
        return self._items.get(timeout=timeout_s)

    def wake(self) -> None:
        with contextlib.suppress(queue.Full):  # then nobody waits
            self._items.put_nowait(_CUT)

    def cut_at_close(self, response: requests.Response) -> None:
        self._response = response
        if self.closed.is_set():
            self._cut()

    def close(self) -> None:
        self.closed.set()
        self._cut()

    def _cut(self) -> None:
        """Have the reading thread return at once, wherever in a line it waits."""
        if self._response is not None:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # it has ended by itself
                self._response.raw.shutdown()


class JsonApi:
    """The way to one server. Threads may share it."""

    def __init__(
        self,
        base: str,
        key: str | None = None,
        *,
        connect_s: float = 10.0,
        silence_s: float = 300.0,
        use_environment: bool = True,
        longest_bytes: int = response_body.LONGEST_BYTES,
        auth: requests.auth.AuthBase | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base`: what every path is put behind. `silence_s`: how long nothing at all may come.

        `use_environment`: proxies and certificates as `requests` reads them from the environment. `auth`: how the key is sent,
        by default as a bearer.
        """
        self.base = base.rstrip("/")
        self._key = key
        self._patience = (connect_s, silence_s)
        self._longest_bytes = longest_bytes
        self._now = now
        self._session = requests.Session()
        self._session.trust_env = use_environment
        self._session.auth = auth or _Bearer(key)
        self._session.headers["Accept-Encoding"] = "identity"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=64))

    def get(self, path: str, *, timeout_s: float = 30.0) -> Any:
        """The JSON at a path. Raises EngineError."""
        return self._call("GET", path, None, timeout_s)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What a path answers to a JSON object. Raises EngineError."""
        return self._call("POST", path, body, self._patience[1])

    def delete(self, path: str) -> Any:
        """What a path answers when it is deleted. Raises EngineError."""
        return self._call("DELETE", path, None, self._patience[1])

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> Any:
        try:
            patience = (self._patience[0], timeout_s)
            with self._session.request(
                method, f"{self.base}{path}", json=body, timeout=patience, allow_redirects=False, stream=True
            ) as response:
                self._check(response)
                raw = response_body.whole(response, most_bytes=self._longest_bytes, timeout_s=timeout_s)
                return json.loads(raw)
        except (ValueError, RecursionError) as error:
            if isinstance(error, response_body.BodyCompressed):
                raise self._unreachable(error) from None
            raise EngineDown(f"{self.base}{path} does not answer like an OpenAI-compatible API") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from None

    def events(
        self, path: str, body: Mapping[str, Any], stop: Stop, timeout_s: float | None
    ) -> Iterator[dict[str, Any]]:
        """Each event of the stream, read by a thread of its own, because a wait for headers cannot be cut otherwise."""
        inbox = _Inbox()
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        threading.Thread(target=self._read, args=(path, body, inbox), name="openai-stream", daemon=True).start()
        try:
            with stop.guard(inbox.wake):
                while True:
                    try:
                        item = inbox.get(None if deadline is None else max(0.0, deadline - time.monotonic()))
                    except queue.Empty:
                        raise StreamInterrupted("the answer took longer than the time limit") from None
                    if item is _CUT or stop.is_set():
                        raise Stopped
                    if item is _END:
                        return
                    if isinstance(item, EngineError):
                        raise item
                    yield item
        finally:
            inbox.close()

    def _read(self, path: str, body: Mapping[str, Any], inbox: _Inbox) -> None:
        began = False
        try:
            sent = self._session.post(
                f"{self.base}{path}", json=body, stream=True, timeout=self._patience, allow_redirects=False
            )
            with sent as response:
                inbox.cut_at_close(response)
                self._check(response)
                self._check_stream(response)
                for line in response_body.lines(response, longest_bytes=self._longest_bytes):
                    if inbox.closed.is_set():
                        return
                    field, _, data = line.partition(b":")
                    if field != b"data":
                        continue  # a comment, an event name, or the line between two events
                    began = True
                    if data.strip() == b"[DONE]":
                        break
                    event = json.loads(data)
                    if event.get("error"):
                        raise read_refusal(200, data.decode(errors="replace"), {}, self._now())
                    inbox.put(event)
            inbox.put(_END)
        except EngineError as error:
            inbox.put(error)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
            AttributeError,
            RecursionError,
        ) as error:
            inbox.put(self._unreachable(error, began=began))

    def _check(self, response: requests.Response) -> None:
        if response.status_code != 200:
            raise read_refusal(response.status_code, self._said(response)[:4000], response.headers, self._now())

    def _check_stream(self, response: requests.Response) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in _STREAM_TYPES:
            said = " ".join(self._said(response).split())[:200]
            raise EngineDown(
                f"{self.base} does not answer like an OpenAI-compatible API (HTTP 200, {kind[:40]}): {said}"
            )

    def _said(self, response: requests.Response) -> str:
        text = response_body.beginning(response, timeout_s=self._patience[0])
        return text.replace(self._key, "***") if self._key else text  # some APIs quote it

    def _unreachable(self, error: Exception, *, began: bool = False) -> EngineError:
        if isinstance(error, response_body.BodyCompressed):
            return EngineDown(f"{self.base} compresses its replies, though asked not to")
        # The kind of error only: its text may hold headers or a proxy's password.
        reason = f"{type(error).__name__} at {self.base}"
        if began or isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError | ValueError):
            return StreamInterrupted(f"the answer broke off ({reason})")
        return EngineDown(f"the API cannot be reached ({reason})")
