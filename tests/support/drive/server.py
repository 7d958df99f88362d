"""HTTP in front of the store: reads a request, meets it with its fault, answers, writes the log."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.support.drive import admin, answering
from tests.support.drive.discovery import Call, understand
from tests.support.drive.faults import EARLY, Fault, How
from tests.support.drive.oauth import Refused
from tests.support.drive.values import Refusal, Request, invalid, precondition_failed

if TYPE_CHECKING:
    from tests.support.drive.standin import StandIn

CONSENT, TOKEN, REVOKE = ("/o/oauth2/auth", "/o/oauth2/v2/auth"), ("/token", "/o/oauth2/token"), ("/revoke", "/o/oauth2/revoke")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def in_json(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(
        status=status,
        body=json.dumps(value).encode(),
        headers={"Content-Type": "application/json; charset=UTF-8", **headers},
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet
    drive: StandIn

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing; the log is `drive.log`."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        promised = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(promised)
        if (
            len(self.raw) < promised
        ):  # whoever asked has died meanwhile: nothing is done, and nobody is there to be told
            self.close_connection = True
            return None
        self.verb, self.place, self.search = self.command, parts.path, parts.query
        override = self.headers.get("X-HTTP-Method-Override")
        if self.verb == "POST" and override == "GET":  # googleapiclient, for addresses over 2,048 characters
            self.verb, self.search, self.raw = "GET", self.raw.decode(), b""
        self.request_line = Request(
            method=self.verb,
            path=self.place,
            query=dict(parse_qsl(self.search, keep_blank_values=True)),
            if_match=self.headers.get("If-Match"),
            bytes_in=len(self.raw),
        )
        if self.place.startswith("/stand-in/"):
            return self._send(in_json(*admin.answer(self.drive, self.verb, self.place, self.raw)), None)
        if self.place in CONSENT + TOKEN + REVOKE:
            return self._outside_drive()
        return self._drive()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  # the base class's names

    # ---- Drive ----------------------------------------------------------------------------------------------------

    def _drive(self) -> None:
        fault = None
        try:
            call = self._call()
            self.request_line = replace(self.request_line, call=call.name)
            fault = self._meet(drive=True, download=call.name.endswith(".download"))
            early = fault is not None and fault.how in EARLY
            if fault is not None and fault.how is How.OTHER_WRITE:
                # A line end more: another revision of the same notebook.
                file_id = call["fileId"]
                self.drive.files.put(content=self.drive.files.get(file_id).content + b"\n", file_id=file_id)
            reply = Reply() if early else self._answer(call)
        except Refusal as refusal:
            early, reply = False, self._refused(refusal)
        except Exception as e:  # noqa: BLE001  # a defect of the stand-in must be seen by the test
            self.drive.violations.append(f"the stand-in broke at {self.verb} {self.place}: {e!r}")
            early, reply = False, self._refused(Refusal(500, "internalError", "The stand-in broke"))
        if fault and early:
            return self._suffer(fault)
        if fault and fault.how is How.AFTER_COMMIT and reply.status < 400:
            reply = self._refused(fault.refusal())
        elif fault and fault.how is How.OLD_ETAG and b'"etag"' in reply.body and self.verb != "GET":
            body = json.loads(reply.body)
            reply = replace(reply, body=json.dumps(body | {"etag": '"b2xkIGV0YWcgb2xkIGV0"'}).encode())
        return self._send(reply, fault)

    def _call(self) -> Call:
        query = parse_qs(self.search, keep_blank_values=True)
        session = self.drive.sessions.get(self.request_line.query.get("upload_id", ""))
        if session is not None and self.verb == "PUT" and self.place.startswith("/upload/"):
            return replace(session.call, upload="session")
        if "upload_id" in query:
            raise Refusal(404, "notFound", "The upload session is not there any more.")
        return understand(self.verb, self.place, query)

    def _answer(self, call: Call) -> Reply:
        if self.headers.get("Transfer-Encoding"):
            raise invalid("Content-Length is needed")
        caller = self.drive.oauth.caller(self.headers.get("Authorization"))
        self.request_line = replace(self.request_line, account=caller.account)
        done = answering.answer(self.drive, caller, call, self.headers, self.raw)
        return Reply(status=done.status, body=done.body, headers=done.headers)

    def _refused(self, refusal: Refusal) -> Reply:
        if refusal.violation:
            self.drive.violations.append(f"{self.verb} {self.place}?{self.search}: {refusal.message}")
        return replace(in_json(refusal.body(), refusal.status, **refusal.headers), reason=refusal.reason)

    # ---- OAuth ----------------------------------------------------------------------------------------------------

    def _outside_drive(self) -> None:
        fault = self._meet(drive=False, download=False)
        if fault and fault.how in EARLY:
            return self._suffer(fault)
        oauth = self.drive.oauth
        form = dict(parse_qsl(self.raw.decode(), keep_blank_values=True))
        try:
            if self.place in TOKEN and self.verb == "POST":
                return self._send(in_json(oauth.token(form)), fault)
            if self.place in REVOKE:
                oauth.revoke(form.get("token") or self.request_line.query.get("token", ""))
                return self._send(in_json({}), fault)
            if self.place in CONSENT and self.verb == "GET":
                target = oauth.authorize(self.request_line.query)
                if target is None:
                    page = Reply(body=b"<title>Choose an account</title>", headers={"Content-Type": "text/html"})
                    return self._send(page, fault)
                return self._send(Reply(status=302, headers={"Location": target}), fault)
        except Refused as refused:
            return self._send(replace(in_json(refused.body, refused.status), reason=refused.body["error"]), fault)
        return self._send(in_json({"error": "method not allowed"}, 405), fault)

    # ---- faults and sending ---------------------------------------------------------------------------------------

    def _meet(self, *, drive: bool, download: bool) -> Fault | None:
        line = f"{self.verb} {self.place}?{self.search} {self.request_line.call}"
        given = self.request_line.if_match is not None
        return self.drive.faults.meet(line, if_match=given, download=download, drive=drive)

    def _suffer(self, fault: Fault) -> None:
        if fault.how is How.MUTE:
            self._log(0, fault)
            self.drive.faults.released.wait(60)
            self.close_connection = True
        elif fault.how is How.RESET:
            self._log(0, fault)
            self._reset()
        elif fault.how is How.STALE_ETAG:
            self._send(self._refused(precondition_failed()), fault)
        else:
            self._send(self._refused(fault.refusal()), fault)

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        body, how = reply.body, fault.how if fault else None
        if how is How.RESET_AFTER_COMMIT:
            self._log(reply.status, fault, reply.reason)
            return self._reset()
        if how is How.CORRUPT and body and reply.status in (200, 206):
            body = body[:-1] + bytes([body[-1] ^ 1])
        sent = body[: len(body) // 2] if how in (How.CUT, How.STALL) else body
        if not self.place.startswith("/stand-in/"):
            self._log(reply.status, fault, reply.reason, len(sent))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()
        if how is How.STALL:
            self.drive.faults.released.wait(60)
        if len(sent) < len(body):
            self.close_connection = True
        return None

    def _log(self, status: int, fault: Fault | None, reason: str = "", sent: int = 0) -> None:
        told = fault.how.value if fault else ""
        self.drive.record(replace(self.request_line, status=status, reason=reason, bytes_out=sent, fault=told))

    def _reset(self) -> None:
        """RST instead of FIN: what was sent may be lost as well."""
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True
