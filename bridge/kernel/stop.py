"""A switch that ends what is under way, also a thread that waits on a socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection


class Stop:
    """Once set, stays set: requests under way are cut, and new ones do not begin.

    Cutting the connection is also how Ollama learns that nobody wants the answer any more (fact 7.20).
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[HTTPConnection] = set()

    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait this long, or until the switch is set; gives back whether it is."""
        return self._event.wait(timeout_s)

    def set(self) -> None:
        """Ask to stop; cuts every connection that is being guarded. Safe from any thread, and twice."""
        self._event.set()
        with self._lock:
            for connection in self._connections:
                _cut(connection)

    @contextlib.contextmanager
    def guard(self, connection: HTTPConnection) -> Iterator[None]:
        """While inside, `set` cuts this connection, so that a blocking read on it returns at once."""
        with self._lock:
            self._connections.add(connection)
            if self._event.is_set():
                _cut(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)


def _cut(connection: HTTPConnection) -> None:
    # shutdown, not close: only shutdown wakes a thread that is inside recv.
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
