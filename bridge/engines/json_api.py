"""JSON over HTTP with a key: plain calls and streams of server-sent events, every failure told as one of our errors.

The key goes into one header and nowhere else: not into a log, not into an error, not to another host by a redirect.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bridge.core.errors import EngineDown, EngineError, StreamInterrupted
from bridge.engines.openai_errors import read_refusal
from bridge.kernel.error_kind import Stopped
from bridge.kernel.stop import Stop

_END = object()
_CUT = object()


class _Bearer(requests.auth.AuthBase):
    # An auth object rather than a header: with a plain header, requests prefers a .netrc entry of that host.
    def __init__(self, key: str | None) -> None:
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            prepared.headers["Authorization"] = f"Bearer {self._key}"
        return prepared


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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base`: what every path is put behind. `silence_s`: how long nothing at all may come.

        `use_environment`: proxies and certificates as `requests` reads them from the environment.
        """
        self.base = base.rstrip("/")
        self._key = key
        self._patience = (connect_s, silence_s)
        self._now = now
        self._session = requests.Session()
        self._session.trust_env = use_environment
        self._session.auth = _Bearer(key)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=64))

    def get(self, path: str, *, timeout_s: float = 30.0) -> Any:
        """The JSON at a path. Raises EngineError."""
        return self._call("GET", path, None, timeout_s)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What a path answers to a JSON object. Raises EngineError."""
        return self._call("POST", path, body, self._patience[1])

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> Any:
        try:
            patience = (self._patience[0], timeout_s)
            response = self._session.request(
                method, f"{self.base}{path}", json=body, timeout=patience, allow_redirects=False
            )
            return self._checked(response).json()
        except ValueError:
            raise EngineDown(f"{self.base}{path} does not answer like an OpenAI-compatible API") from None
        except requests.RequestException as error:
            raise self._unreachable(error) from None

    def events(
        self, path: str, body: Mapping[str, Any], stop: Stop, timeout_s: float | None
    ) -> Iterator[dict[str, Any]]:
        """Each event of the stream, read by a thread of its own, because a wait for headers cannot be cut otherwise."""
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        gone = threading.Event()
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        threading.Thread(target=self._read, args=(path, body, inbox, gone), name="openai-stream", daemon=True).start()
        try:
            with stop.guard(lambda: inbox.put(_CUT)):
                while True:
                    try:
                        item = inbox.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
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
            gone.set()

    def _read(self, path: str, body: Mapping[str, Any], inbox: queue.SimpleQueue[Any], gone: threading.Event) -> None:
        began = False
        try:
            sent = self._session.post(
                f"{self.base}{path}", json=body, stream=True, timeout=self._patience, allow_redirects=False
            )
            with sent as response:
                self._checked(response)
                for line in response.iter_lines():
                    if gone.is_set():
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
        except (requests.RequestException, OSError, ValueError, AttributeError) as error:
            inbox.put(self._unreachable(error, began=began))

    def _checked(self, response: requests.Response) -> requests.Response:
        if response.status_code != 200:
            text = response.text[:4000]
            if self._key:
                text = text.replace(self._key, "***")  # some APIs quote it
            raise read_refusal(response.status_code, text, response.headers, self._now())
        return response

    def _unreachable(self, error: Exception, *, began: bool = False) -> EngineError:
        # The kind of error only: its text may hold headers or a proxy's password.
        reason = f"{type(error).__name__} at {self.base}"
        if began or isinstance(error, requests.ReadTimeout | ValueError):
            return StreamInterrupted(f"the answer broke off ({reason})")
        return EngineDown(f"the API cannot be reached ({reason})")
