"""A loopback Google Drive v2 with OAuth, for tests; a fake that speaks the real wire format.

    with StandIn() as drive:
        queue = drive.files.put("qwen_bridge.ipynb", b"{}")         # as another client would; more in files.py
        token = drive.token()                                       # or service_account(), or the whole consent flow
        drive.fault("files.update", status=503, how=How.AFTER_COMMIT)
        ...                                                         # drive.url, drive.log, drive.requests("files.get")

Every request is held against Google's discovery document. What it does not allow is answered 400 and recorded in
`drive.violations`; leaving the `with` raises `Violations` if there were any, unless `expect_violations` is set.

A resumable upload is two requests of the same call; a fault for its last one has the pattern "upload_id".

Not known of Google, and so chosen here: If-Match on a resumable upload is looked at when it starts and when it ends; an
If-Match that is no etag is always answered 500 (reported: sometimes); which error too many properties give (here 400). A file
has one parent; who may see it comes from its folder when it is made, not later. Not here: batch requests, shared drives,
watch channels, export, `fullText`, content restrictions.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from http.server import ThreadingHTTPServer
from typing import Any

from tests.support.drive.faults import Fault, Faults, How
from tests.support.drive.files import Files
from tests.support.drive.keys import service_account_key
from tests.support.drive.oauth import OAuth
from tests.support.drive.uploads import Session
from tests.support.drive.values import CLIENT, PERSON, SCOPE, Caller, Clock, Json, Request

SERVICE_ACCOUNT = "robot@stand-in.iam.gserviceaccount.com"


class Violations(AssertionError):
    """Requests that the real API would not understand."""


class StandIn:
    """The server; a context manager.

    `clock` gives the time of stamps and token lifetimes (default: the real one; `drive.clock.advance(s)` moves it).
    `service_storage`: service accounts may own content; by default they get 403 storageQuotaExceeded, as at Google.
    `fault_rate`: share of Drive requests that suffer a fault by chance, drawn with `seed`.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        fault_rate: float = 0.0,
        service_storage: bool = False,
        expect_violations: bool = False,
        clock: Clock | None = None,
        port: int = 0,
    ) -> None:
        self.clock = clock or Clock()
        self.files = Files(self.clock, seed)
        self.faults = Faults(fault_rate, seed)
        self.oauth = OAuth(self.clock)
        self.service_storage = service_storage
        self.expect_violations = expect_violations
        self.violations: list[str] = []
        self.log: list[Request] = []
        self.sessions: dict[str, Session] = {}  #: resumable uploads by id
        self.port = port
        self.clients: list[Any] = []  #: what is closed with the server, by its `close`
        self.changed = threading.Condition()  #: notified at each request, answered or not
        self._server: _Server | None = None

    # ---- life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> StandIn:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self.stop()
        for client in self.clients:
            client.close()
        if kind is None and self.violations and not self.expect_violations:
            raise Violations("\n".join(self.violations))

    def start(self) -> None:
        """Listens; on the same port again after a `stop`."""
        from tests.support.drive.server import Handler

        self.faults.released.clear()
        handler = type("Handler", (Handler,), {"drive": self})
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        self.oauth.url = self.url
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Connections end, new ones are refused, what stalls is let go. Files and tokens stay for a `start`."""
        server, self._server = self._server, None
        if server:
            self.faults.released.set()
            server.shutdown()
            server.server_close()
            server.cut()

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://127.0.0.1:{self.port}"

    # ---- access ---------------------------------------------------------------------------------------------------

    def token(self, account: str = PERSON, *scopes: str, client: str = CLIENT, service: bool = False) -> str:
        """An access token. Default scope: the whole Drive."""
        caller = Caller(account=account, client=client, scopes=frozenset(scopes or {SCOPE}), service=service)
        return self.oauth.mint(caller)

    def service_account(self, email: str = SERVICE_ACCOUNT) -> Json:
        """The key file of a service account, as a dict; its assertions are believed from now on."""
        key, public = service_account_key(email, f"{self.url}/token")
        self.oauth.trust(email, public)
        return key

    def client_config(self) -> Json:
        """The client_secrets.json of a desktop app at this server."""
        return {
            "installed": {
                "client_id": self.oauth.client_id,
                "client_secret": self.oauth.client_secret,
                "auth_uri": f"{self.url}/o/oauth2/auth",
                "token_uri": f"{self.url}/token",
                "redirect_uris": ["http://localhost"],
            }
        }

    # ---- what happens ---------------------------------------------------------------------------------------------

    def fault(
        self,
        pattern: str,
        *,
        how: How = How.ANSWER,
        status: int = 503,
        reason: str = "",
        times: int | None = 1,
        skip: int = 0,
        retry_after_s: int | None = None,
    ) -> Fault:
        """The next `times` requests suffer it (None: all), after `skip` that pass; see `How` and `Fault`.

        `pattern` is searched in a line such as "PUT /upload/drive/v2/files/ID?uploadType=media files.update".
        """
        return self.faults.add(
            Fault(
                pattern=pattern, how=how, status=status, reason=reason, times=times, skip=skip,
                retry_after_s=retry_after_s,
            )
        )  # fmt: skip

    def requests(self, call: str = "") -> int:
        """How many requests there were: of one call, such as `files.list` or `files.download`, or all to Drive."""
        return sum(r.call == call if call else bool(r.call) for r in list(self.log))

    def counts(self) -> dict[str, int]:
        """Requests by call; those outside Drive by path."""
        return dict(Counter(r.call or r.path for r in list(self.log)))

    def record(self, request: Request) -> None:
        with self.changed:
            self.log.append(request)
            self.changed.notify_all()

    def report(self) -> Json:
        """Counters, for `/stand-in/report`."""
        log = list(self.log)
        return {
            "requests": self.counts(),
            "statuses": dict(Counter(str(r.status) for r in log)),
            "bytes_in": sum(r.bytes_in for r in log),
            "bytes_out": sum(r.bytes_out for r in log),
            "faults": dict(self.faults.hits),
            "violations": list(self.violations),
            "commits": self.files.commits,
            "time": self.clock.peek().isoformat(),
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; anything else is."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError | ValueError):
            super().handle_error(request, client_address)

    def cut(self) -> None:
        """Ends what clients keep open."""
        import contextlib

        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def serve(**options: Any) -> StandIn:
    """A StandIn that listens already; the caller stops it."""
    drive = StandIn(**options)
    drive.start()
    return drive
