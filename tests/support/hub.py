"""A loopback hub: the wire of Hugging Face's file listing and downloads, with the failures that a test asks for.

The listing is `GET /api/models/<repo>/tree/main`; `GET /<repo>/resolve/main/<file>` redirects, with `X-Linked-Etag`, to
another path that has the bytes, a strong `ETag`, and obeys `Range` and `If-Range`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bridge.models.hub_names import repository

NAME = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"


@dataclass
class LoopbackHub:
    """The server; a context manager."""

    content: bytes
    size: str = "0.5b"
    listed: list[dict[str, Any]] | None = None  #: in place of the true listing
    etag: str = '"v1"'  #: of the server that has the bytes
    obeys_ranges: bool = True
    obeys_if_range: bool = True  #: False: the wanted range of whatever version there is
    shifted_by: int = 0  #: every range begins so much earlier than was asked for, and says so
    served: bytes | None = None  #: in place of the content
    linked: str | None = None  #: in place of the true SHA-256 in the redirect
    packs: str = ""  #: requests to paths that begin so get gzip, whatever they asked for
    target: str = "/cdn/bytes"  #: where the redirect leads
    #: The next downloads are cut after so many bytes, one each; None: not.
    cuts: deque[int | None] = field(default_factory=deque)
    #: The next requests get these instead, one each; None: nothing.
    codes: deque[int | None] = field(default_factory=deque)
    holds_after: int | None = None  #: a download stands still after so many bytes, until `released`
    held: threading.Event = field(default_factory=threading.Event)  #: one stands still
    released: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)  #: (path, headers)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def downloads(self) -> list[dict[str, str]]:
        """Headers of the requests for bytes."""
        return [headers for path, headers in self.requests if path.startswith("/cdn/")]

    def __enter__(self) -> LoopbackHub:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub

    def do_GET(self) -> None:
        hub = self.hub
        hub.requests.append((self.path, dict(self.headers)))
        code = hub.codes.popleft() if hub.codes else None
        if code is not None:
            self._send(code, b"{}")
        elif self.path == f"/api/models/{repository(hub.size)}/tree/main":
            self._send(200, json.dumps(self._listing()).encode(), {"Content-Type": "application/json"})
        elif self.path == f"/{repository(hub.size)}/resolve/main/{NAME}":
            linked = hub.linked or hub.sha256
            headers = {"Location": hub.target, "X-Linked-Etag": f'"{linked}"', "X-Linked-Size": str(len(hub.content))}
            self._send(302, b"Found. Redirecting", headers)
        elif self.path.startswith("/cdn/"):
            self._bytes()
        else:
            self._send(404, b"Entry not found")

    def _listing(self) -> list[dict[str, Any]]:
        if self.hub.listed is not None:
            return self.hub.listed
        lfs = {"oid": self.hub.sha256, "size": len(self.hub.content), "pointerSize": 134}
        other = {"type": "file", "oid": "0" * 40, "size": 1, "path": NAME.replace("q4_k_m", "q8_0"), "lfs": lfs}
        readme = {"type": "file", "oid": "1" * 40, "size": 5_000, "path": "README.md"}
        return [readme, other, {"type": "file", "oid": "2" * 40, "size": lfs["size"], "path": NAME, "lfs": lfs}]

    def _bytes(self) -> None:
        hub = self.hub
        body = hub.content if hub.served is None else hub.served
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = not hub.obeys_if_range or self.headers.get("If-Range") in (None, hub.etag)
        if wanted and hub.obeys_ranges and same:
            start = int(wanted[1]) - hub.shifted_by
            if start >= len(body):
                self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"})
                return
            part = body[start:]
            told = {"ETag": hub.etag, "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            self._send(206, part, told, cut=True)
        else:
            self._send(200, body, {"ETag": hub.etag, "Accept-Ranges": "bytes"}, cut=True)

    def _send(self, code: int, body: bytes, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        if self.hub.packs and self.path.startswith(self.hub.packs):
            body, headers = gzip.compress(body), {**(headers or {}), "Content-Encoding": "gzip"}
        self.send_response(code)
        for name, value in {**(headers or {}), "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        most = self.hub.cuts.popleft() if cut and self.hub.cuts else None
        if cut and self.hub.holds_after is not None:
            self.wfile.write(body[: self.hub.holds_after])
            self.wfile.flush()
            self.hub.held.set()
            self.hub.released.wait(60)
            body = body[self.hub.holds_after :]
        self.wfile.write(body if most is None else body[:most])
        self.close_connection = True

    def log_message(self, *_args: Any) -> None:
        """Quiet."""
