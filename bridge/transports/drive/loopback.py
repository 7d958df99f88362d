"""The web server that waits for one answer of Google's consent page, on this machine only.

Any page in any browser, and any program here, can send a request to it. So an answer counts only if it carries the random
`state`; a forged one is refused and changes nothing, and after the first good one nothing counts. The `Host` must be this
machine by name, so that no foreign name that was pointed here (DNS rebinding) is served. What was sent is never repeated
unescaped, and never logged, because the address holds the code.
"""

from __future__ import annotations

import hmac
import html
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from bridge.core.errors import SignInFailed

HOST = "127.0.0.1"
#: How long a connection may be silent, seconds.
_SILENCE_S = 10.0
#: Between two looks at the clock, seconds.
_LOOK_S = 0.5
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Connection": "close",
}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a request is worth: an answer if it has a code or an error, else only a page."""

    status: int
    page: str
    code: str | None = None
    error: str | None = None

    @property
    def answers(self) -> bool:
        """Whether it ends the wait."""
        return self.code is not None or self.error is not None


def judge(target: str, host: str | None, *, state: str, port: int) -> Judged:
    """What one GET is worth."""
    if (host or "").lower() not in (f"{HOST}:{port}", f"localhost:{port}"):
        return Judged(status=421, page="This address serves only this machine.")
    try:
        parts = urlsplit(target)
    except ValueError:
        return Judged(status=400, page="This is not an answer of Google.")
    if parts.path != "/":
        return Judged(status=404, page="There is nothing here.")
    query = parse_qs(parts.query, keep_blank_values=True)
    if any(len(values) > 1 for values in query.values()):
        return Judged(status=400, page="This is not an answer of Google.")
    given = query.get("state", [""])[0]
    if not hmac.compare_digest(given.encode("utf-8", "replace"), state.encode()):
        return Judged(status=403, page="Refused: this is not the answer to the sign-in that waits here.")
    if error := query.get("error", [""])[0]:
        return Judged(
            status=200, error=error, page=f"Google says: {error}. Nothing was stored. You can close this page."
        )
    if code := query.get("code", [""])[0]:
        return Judged(
            status=200,
            code=code,
            page="The answer has arrived; the terminal says whether it worked. You can close this page.",
        )
    return Judged(status=400, page="This is not an answer of Google.")


class Receiver:
    """Waits for one answer; to be used in a `with`.

    Args:
        state: what the answer must carry.
        port: of 127.0.0.1; 0, the default: any that is free.

    Raises:
        SignInFailed: the port is taken.
    """

    def __init__(self, *, state: str, port: int = 0) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._answer: Judged | None = None
        self._answered = threading.Event()
        try:
            self._server = _Server((HOST, port), _consent_handler(self._take))
        except OSError as error:
            raise SignInFailed(
                f"cannot wait for Google's answer on {HOST} ({error.strerror or error}): "
                "end what uses the port, or allow local connections"
            ) from error

    @property
    def redirect_uri(self) -> str:
        """Where the consent page sends the browser."""
        return f"http://{HOST}:{self._server.server_port}/"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, timeout_s: float, *, clock: Callable[[], float] = time.monotonic) -> str:
        """The code. Raises SignInFailed if the person said no, or nothing in time."""
        deadline = clock() + timeout_s
        while (left_s := deadline - clock()) > 0:
            if self._answered.wait(min(left_s, _LOOK_S)):
                break
        else:
            raise SignInFailed(
                f"no answer came within {timeout_s:.0f} s: run `bridge auth login` again, and consent in a browser on this machine"
            )
        assert self._answer is not None  # set before the event
        if self._answer.code is not None:
            return self._answer.code
        if self._answer.error == "access_denied":
            raise SignInFailed("you, or your organization, refused access; nothing was stored")
        raise SignInFailed("Google ended the sign-in with an error; nothing was stored: run `bridge auth login` again")

    def _take(self, target: str, host: str | None) -> tuple[Judged, Callable[[], None]]:
        """What to show, and what to call once it is shown."""
        judged = judge(target, host, state=self._state, port=self._server.server_port)
        if not judged.answers:
            return judged, lambda: None
        with self._lock:
            if self._answer is not None:
                return Judged(status=410, page="This sign-in has its answer already."), lambda: None
            self._answer = judged
        return judged, self._answered.set


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    #: Where it means that another program may take the same port (Windows), it is off.
    allow_reuse_address = sys.platform != "win32"

    def handle_error(self, *_: object) -> None:
        """A connection that broke is no news; the standard one prints a traceback with the address."""


def _consent_handler(
    take: Callable[[str, str | None], tuple[Judged, Callable[[], None]]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENCE_S
        server_version = "bridge"
        sys_version = ""

        def do_GET(self) -> None:  # http.server's name
            """Other methods are refused by the base class."""
            judged, shown = take(self.path, self.headers.get("Host"))
            try:
                body = (
                    f"<!doctype html><meta charset=utf-8><title>Qwen Bridge</title><p>{html.escape(judged.page)}</p>\n"
                ).encode()
                self.send_response(judged.status)
                for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            finally:
                shown()

        def log_message(self, *_: object) -> None:
            """Nothing: the address holds the code."""

    return Handler
