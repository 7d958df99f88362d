"""From an understood call to its answer: body, upload protocol, method, `fields`, status."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.support.drive import fields, uploads
from tests.support.drive.discovery import Call, check_answer, check_body, check_scopes
from tests.support.drive.methods import METHODS, Asked, Media, check_etag
from tests.support.drive.stored import Revision
from tests.support.drive.values import Caller, Json, Refusal, invalid

if TYPE_CHECKING:
    from tests.support.drive.standin import StandIn


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, body and headers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def answer(drive: StandIn, caller: Caller, call: Call, headers: Message, raw: bytes) -> Answer:
    """Carries the call out, atomically. Raises Refusal."""
    if call.upload == "session":
        return _chunk(drive, call, headers, raw)
    check_scopes(call, caller.scopes)
    kind, body, media = headers.get("Content-Type", ""), None, None
    if call.upload == "multipart":
        body, media = uploads.multipart(kind, raw)
    elif call.upload == "media":
        media = Media(content=raw, mime_type=kind)
    else:
        if raw.strip() and not kind.lower().startswith("application/json"):
            raise invalid(f"{call.name} takes application/json, not {kind}")
        body = uploads.parse_json(raw)
    clean = check_body(call, body)
    if call.upload == "resumable":
        return _session(drive, caller, call, headers, clean)
    return _carry_out(drive, caller, call, clean, media, headers)


def _ask(drive: StandIn, caller: Caller, call: Call, body: Json, media: Media | None, if_match: str | None) -> Asked:
    return Asked(
        files=drive.files, caller=caller, call=call, base=drive.url, body=body, media=media, if_match=if_match,
        service_storage=drive.service_storage,
    )  # fmt: skip


def _carry_out(drive: StandIn, caller: Caller, call: Call, body: Json, media: Media | None, headers: Message) -> Answer:
    method = METHODS.get(call.name)
    if method is None:
        raise Refusal(501, "notImplemented", f"The stand-in has no {call.name}.", violation=True)
    ask = _ask(drive, caller, call, body, media, headers.get("If-Match"))
    with drive.files.lock:
        result = method(ask)
    if isinstance(result, Revision):
        return _content(result, headers.get("Range"))
    return _told(call, result, headers)


def _told(call: Call, result: Json | None, headers: Message) -> Answer:
    if result is None:
        return Answer(status=204)
    check_answer(call, result)
    etag = result.get("etag")
    if etag and call.name == "files.get" and headers.get("If-None-Match") == etag:
        return Answer(status=304, headers={"ETag": etag})
    shown = result if call.tree is None else fields.project(call.tree, result)
    told = {"Content-Type": "application/json; charset=UTF-8"} | ({"ETag": etag} if etag else {})
    return Answer(body=json.dumps(shown).encode(), headers=told)


def _content(revision: Revision, wanted: str | None) -> Answer:
    """The content, or the one range that was asked for: RFC 9110 section 14."""
    body, headers = revision.content, {"Content-Type": revision.mime_type}
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    if not match or not (match[1] or match[2]):
        return Answer(body=body, headers=headers)
    size = len(body)
    start = int(match[1]) if match[1] else max(0, size - int(match[2]))
    end = min(size - 1, int(match[2])) if match[1] and match[2] else size - 1
    if start > end:
        message = "Request range not satisfiable"
        raise Refusal(416, "requestedRangeNotSatisfiable", message, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Answer(status=206, body=body[start : end + 1], headers=headers)


# ---- resumable ----------------------------------------------------------------------------------------------------


def _session(drive: StandIn, caller: Caller, call: Call, headers: Message, body: Json) -> Answer:
    """The start of a session: 200 and its address. If-Match is looked at here and again at the end; Google's way is unknown."""
    with drive.files.lock:
        if call.name == "files.update":
            ask = _ask(drive, caller, call, body, None, headers.get("If-Match"))
            check_etag(ask.if_match, ask.writable(call["fileId"]))
        kind = headers.get("X-Upload-Content-Type", "application/octet-stream")
        session = uploads.new_session(call, caller, body, headers.get("If-Match"), kind)
        drive.sessions[session.id] = session
    path = "/upload/drive/v2/files" + (f"/{call['fileId']}" if call["fileId"] else "")
    address = f"{drive.url}{path}?{urlencode({'uploadType': 'resumable', 'upload_id': session.id})}"
    return Answer(headers={"Location": address, "X-GUploader-UploadID": session.id})


def _chunk(drive: StandIn, call: Call, headers: Message, raw: bytes) -> Answer:
    session = next(s for s in drive.sessions.values() if s.call.params is call.params)  # the call was copied from it
    with drive.files.lock:
        if session.done is not None:
            return _told(session.call, session.done, headers)
        if not uploads.take(session, headers.get("Content-Range"), raw):
            got = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
            return Answer(status=308, headers=got)
        media = Media(content=bytes(session.data), mime_type=session.mime_type)
        ask = _ask(drive, session.caller, session.call, session.body, media, session.if_match)
        result: Any = METHODS[session.call.name](ask)
        session.done = result
        session.data.clear()
    return _told(session.call, result, headers)
