"""The HTTP below the Ollama client: JSON lines as they come, and each way in which they fail to come.

Plain `http.client`, because a thread that waits on a socket must be stoppable, and because a proxy has no business
between us and 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from .address import ollama_url
from .error_kind import ErrorKind, OllamaError, Stopped, read_error
from .stop import Stop


class Wire:
    """The way to one server. Holds no connection, so threads may share it."""

    def __init__(self, host: str, *, connect_s: float, silence_s: float) -> None:
        self.url = ollama_url(host)
        self._connect_s = connect_s
        self._silence_s = silence_s

    def lines(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        stop: Stop | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Each JSON line of a reply as it comes; a reply that is one JSON object is one line."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._connect_s)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        began = False
        stop = stop or Stop()
        try:
            with contextlib.closing(connection):
                connection.connect()
                with stop.guard(lambda: _cut(connection)):
                    connection.sock.settimeout(self._patience(deadline))
                    payload = None if body is None else json.dumps(body).encode()
                    connection.request(method, parts.path + path, payload, {"Content-Type": "application/json"})
                    response = connection.getresponse()
                    if response.status != 200:
                        raise _refusal(response)
                    while line := response.readline():
                        began = True
                        if line.strip():
                            yield _object(line)
                        if connection.sock is not None:  # gone once the last chunk was read
                            connection.sock.settimeout(self._patience(deadline))
        except (OSError, http.client.HTTPException, ValueError) as error:
            if stop.is_set():
                raise Stopped from None
            raise self._broken(error, began, deadline) from error
        if stop.is_set():
            raise Stopped

    def _patience(self, deadline: float | None) -> float:
        left = self._silence_s if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time limit")
        return min(left, self._silence_s)

    def _broken(self, error: Exception, began: bool, deadline: float | None) -> OllamaError:
        if isinstance(error, TimeoutError):
            if deadline is not None and time.monotonic() >= deadline:
                return OllamaError(ErrorKind.INTERRUPTED, "the answer took longer than the time limit")
            return OllamaError(ErrorKind.INTERRUPTED, f"nothing came from {self.url} for {self._silence_s:g} s")
        reason = str(error) or type(error).__name__
        if began:
            return OllamaError(ErrorKind.INTERRUPTED, f"the answer broke off ({reason})")
        return OllamaError(ErrorKind.DOWN, f"no Ollama answers at {self.url} ({reason}): is `ollama serve` running?")


def _cut(connection: http.client.HTTPConnection) -> None:
    # shutdown, not close: only shutdown wakes a thread that is inside recv.
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _refusal(response: http.client.HTTPResponse) -> OllamaError:
    raw = response.read(65536).decode(errors="replace")
    try:
        return read_error(response.status, str(json.loads(raw)["error"]))
    except (ValueError, KeyError, TypeError):
        kind = ErrorKind.DOWN if response.status >= 500 else ErrorKind.BAD_REQUEST
        return OllamaError(kind, f"HTTP {response.status} from something that does not talk like Ollama: {raw[:200]}")


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError(f"a line of the reply is no JSON object: {line[:80]!r}")
    return value
