"""A loopback registry that a real Ollama pulls from: manifests over TLS, as it insists on, and blobs behind a redirect.

What Ollama 0.24 asks of one (its server/images.go and server/download.go): `GET /v2/<name>/manifests/<tag>`; of each blob a HEAD
for its length, then a GET that must redirect to another host, and from there `Range` requests.
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class LoopbackRegistry:
    """The registry; a context manager. It offers all that an Ollama's `models` folder holds."""

    models: Path
    folder: Path  #: for its certificate
    #: The next downloads of a large blob break off after so many bytes, one each; None: not.
    cuts: deque[int | None] = field(default_factory=deque)
    damaged: bool = False  #: another byte in every large blob
    slow_after: int | None = None  #: a download stands still after so many bytes, until `released`
    released: threading.Event = field(default_factory=threading.Event)
    ranges: list[str] = field(default_factory=list)  #: asked for of large blobs

    def __enter__(self) -> LoopbackRegistry:
        self.certificate = self.folder / "registry.pem"
        script = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=loopback",
                  "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(self.folder / "registry.key"),
                  "-out", str(self.certificate)]  # fmt: skip
        subprocess.run(script, check=True, capture_output=True)
        handler = type("Handler", (_Handler,), {"registry": self})
        self._blobs = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.folder / "registry.key")
        self._api.socket = context.wrap_socket(self._api.socket, server_side=True)
        for server in (self._blobs, self._api):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.released.set()
        for server in (self._blobs, self._api):
            server.shutdown()
            server.server_close()

    def name(self, model: str) -> str:
        """What to pull to get a model of that Ollama from here."""
        return f"127.0.0.1:{self._api.server_port}/library/{model}"

    @property
    def redirect_to(self) -> str:
        """Another host, as a registry's storage is."""
        return f"http://localhost:{self._blobs.server_port}"

    def blob(self, digest: str) -> Path:
        """The file of a blob."""
        return self.models / "blobs" / digest.replace(":", "-")


LARGE_BYTES = 100_000


class _Handler(BaseHTTPRequestHandler):
    registry: LoopbackRegistry
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def _answer(self, *, head: bool) -> None:
        registry = self.registry
        if found := re.fullmatch(r"/v2/library/([\w.-]+)/manifests/([\w.-]+)", self.path):
            path = registry.models / "manifests" / "registry.ollama.ai" / "library" / found[1] / found[2]
            if path.is_file():
                return self._send(200, path.read_bytes(), head=head)
            body = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
            return self._send(404, json.dumps(body).encode(), head=head)
        if found := re.fullmatch(r"/v2/library/[\w.-]+/blobs/(sha256:[0-9a-f]{64})", self.path):
            if head:
                return self._send(200, registry.blob(found[1]).read_bytes(), head=True)
            return self._send(307, b"", head=False, Location=f"{registry.redirect_to}/blob/{found[1]}")
        if found := re.fullmatch(r"/blob/(sha256:[0-9a-f]{64})", self.path):
            return self._range(registry.blob(found[1]).read_bytes())
        return self._send(404, b"", head=head)

    def _range(self, data: bytes) -> None:
        registry = self.registry
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, end = (int(wanted[1]), int(wanted[2]) + 1) if wanted else (0, len(data))
        is_large = len(data) > LARGE_BYTES
        if is_large:
            registry.ranges.append(self.headers.get("Range", ""))
        if registry.damaged and is_large:
            data = data[:-1] + bytes([data[-1] ^ 1])
        part = data[start:end]
        cut = registry.cuts.popleft() if is_large and registry.cuts else None
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if is_large and registry.slow_after is not None:
            self.wfile.write(part[: registry.slow_after])
            self.wfile.flush()
            registry.released.wait(60)
            part = part[registry.slow_after :]
        self.wfile.write(part if cut is None else part[:cut])
        if cut is not None:
            self.close_connection = True

    def _send(self, code: int, body: bytes, *, head: bool, **headers: str) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            """A client that went away is no error of ours."""

    def log_message(self, *_args: Any) -> None:
        """Quiet."""
