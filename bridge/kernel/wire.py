"""The HTTP below the Ollama client: JSON lines as they come, and each way in which they fail to come.

Nothing that a server sends can take more memory than `LONGEST_LINE_BYTES`, or more time than the caller's limit.

Plain `http.client`, because a thread that waits on a socket must be stoppable, and because a proxy has no business
between us and 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from .address import ollama_url
from .error_kind import ErrorKind, OllamaError, Stopped, read_error, read_retry_after
from .stop import Stop

#: One line of a reply. The longest honest ones are a whole answer (six bytes a character) and the vectors of many texts.
LONGEST_LINE_BYTES = 32 << 20
#: What a reply may call itself. Anything else, as the page of a sign-in or a proxy, is not from Ollama.
_JSON_TYPES = ("", "application/json", "application/x-ndjson", "text/plain", "application/octet-stream")


WireBody: TypeAlias = Mapping[str, Any]


class Wire:
    """The way to one server. Holds no connection, so threads may share it."""

    def __init__(
        self, host: str, *, connect_s: float, silence_s: float, longest_line_bytes: int = LONGEST_LINE_BYTES
    ) -> None:
        self.url = ollama_url(host)
        self._longest_line_bytes = longest_line_bytes
        self._connect_s = connect_s
        self._silence_s = silence_s

    def lines(
        self,
        method: str,
        path: str,
        body: WireBody | None,
        *,
        stop: Stop | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Each JSON line of a reply as it comes; a reply that is one JSON object is one line.

        `timeout_s` holds wherever the server stays: in its headers, between lines, or in a line that has no end.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        began = False
        stop, late = stop or Stop(), threading.Event()
        try:
            with contextlib.closing(self._connection()) as connection:
                connection.connect()
                sock = connection.sock  # the connection lets go of it when the server says that it will close it

                def ring() -> None:
                    late.set()
                    _cut(sock)

                with (
                    stop.guard(lambda: _cut(sock)),
                    _alarm(deadline, ring),
                    self._ask(connection, method, path, body, deadline) as response,
                ):
                    _check_reply(response)
                    for line in self._whole_lines(response, sock, deadline):
                        if len(line) >= self._longest_line_bytes:  # in chunks, a little more may come
                            began = True
                            raise ValueError(f"a line of more than {self._longest_line_bytes} bytes")
                        if line.strip() and not late.is_set():
                            value = _object(line)
                            began = True
                            yield value
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            if stop.is_set():
                raise Stopped from None
            in_time = not late.is_set() and (deadline is None or time.monotonic() < deadline)
            raise (self._broken(error, began) if in_time else _too_late()) from error
        if stop.is_set():
            raise Stopped
        if late.is_set():  # a connection that was cut may look like a polite end
            raise _too_late()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=self._connect_s)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: WireBody | None,
        deadline: float | None,
    ) -> http.client.HTTPResponse:
        connection.sock.settimeout(self._patience(deadline))
        payload = None if body is None else json.dumps(body).encode()
        connection.request(method, urlsplit(self.url).path + path, payload, {"Content-Type": "application/json"})
        return connection.getresponse()

    def _whole_lines(
        self, response: http.client.HTTPResponse, sock: socket.socket, deadline: float | None
    ) -> Iterator[bytes]:
        while line := response.readline(self._longest_line_bytes):
            yield line
            if sock.fileno() >= 0:  # open until the last chunk was read
                sock.settimeout(self._patience(deadline))
        # No last chunk: `readline` takes a killed server for a polite end (measured on 0.24.0).
        if response.chunked and response.chunk_left is not None:
            raise http.client.IncompleteRead(b"")

    def _patience(self, deadline: float | None) -> float:
        left = self._silence_s if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time limit")
        return min(left, self._silence_s)

    def _broken(self, error: Exception, began: bool) -> OllamaError:
        if isinstance(error, TimeoutError):
            return OllamaError(ErrorKind.INTERRUPTED, f"nothing came from {self.url} for {self._silence_s:g} s")
        reason = str(error) or type(error).__name__
        if began:
            return OllamaError(ErrorKind.INTERRUPTED, f"the answer broke off ({reason})")
        return OllamaError(ErrorKind.DOWN, f"no Ollama answers at {self.url} ({reason}): is `ollama serve` running?")


def _too_late() -> OllamaError:
    return OllamaError(ErrorKind.INTERRUPTED, "the answer took longer than the time limit")


def _cut(sock: socket.socket) -> None:
    # shutdown, not close: only shutdown wakes a thread that is inside recv.
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _alarm(deadline: float | None, ring: Callable[[], object]) -> Iterator[None]:
    """While inside, `ring` is called at the deadline, from another thread: a read waits for as long as bytes trickle in."""
    if deadline is None:
        yield
        return
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _refusal(response: http.client.HTTPResponse) -> OllamaError:
    raw = response.read(65536).decode(errors="replace")
    try:
        said = str(json.loads(raw)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        kind = ErrorKind.DOWN if response.status >= 500 else ErrorKind.BAD_REQUEST
        return _not_ollama(kind, f"HTTP {response.status}", raw)
    after = read_retry_after(response.getheader("Retry-After"), datetime.now(timezone.utc))  # noqa: UP017  # as in run
    return read_error(response.status, said, retry_after_s=after)


def _check_reply(response: http.client.HTTPResponse) -> None:
    if response.status != 200:
        raise _refusal(response)
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES:
        raise _not_ollama(ErrorKind.DOWN, f"HTTP 200, {kind[:40]}", response.read1(65536).decode(errors="replace"))


def _not_ollama(kind: ErrorKind, what: str, text: str) -> OllamaError:
    return OllamaError(kind, f"{what} from something that does not talk like Ollama: {' '.join(text.split())[:200]}")


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError(f"a line of the reply is no JSON object: {line[:80]!r}")
    return value
