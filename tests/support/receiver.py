"""A loopback webhook: notes what it is sent, and answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What came, and what to answer."""

    statuses: list[int] = field(default_factory=list)  #: of the next answers; then 200
    location: str = ""
    got: list[tuple[dict[str, str], bytes, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def receiving(path: str = "/hook") -> Iterator[Receiver]:
    """A receiver that listens, at `url`, until the block ends."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append((dict(self.headers), body, self.path))
            self.send_response(state.statuses.pop(0) if state.statuses else 200)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}{path}"
    yield state
    server.shutdown()
    server.server_close()
