"""The three upload protocols of Google: media, multipart, resumable (sessions that live on the server)."""

from __future__ import annotations

import email
import email.policy
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.support.drive.discovery import Call
from tests.support.drive.methods import Media
from tests.support.drive.values import Caller, Json, Refusal, invalid

CHUNK = 256 * 1024  #: every chunk but the last is a multiple of it, says the guide


@dataclass(kw_only=True)
class Session:
    """One resumable upload."""

    id: str
    call: Call
    caller: Caller
    body: Json
    if_match: str | None
    mime_type: str
    data: bytearray = field(default_factory=bytearray)
    done: Json | None = None  #: the answer, once committed: a repeated last chunk gets it again


def new_session(call: Call, caller: Caller, body: Json, if_match: str | None, mime_type: str) -> Session:
    return Session(
        id="AEnB2U" + secrets.token_urlsafe(16), call=call, caller=caller, body=body, if_match=if_match,
        mime_type=mime_type,
    )  # fmt: skip


def take(session: Session, content_range: str | None, data: bytes) -> bool:
    """Takes a chunk in; whether all is there. Raises Refusal (400)."""
    if content_range is None:
        session.data[:] = data
        return True
    query = re.fullmatch(r"bytes \*/(\d+|\*)", content_range)
    if query:
        return query[1].isdigit() and len(session.data) == int(query[1])
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", content_range)
    if not match or int(match[2]) - int(match[1]) + 1 != len(data):
        raise invalid(f"Content-Range {content_range!r} does not fit {len(data)} bytes")
    start, end, total = int(match[1]), int(match[2]) + 1, match[3]
    last = total != "*" and end == int(total)
    if not last and len(data) % CHUNK:
        raise invalid(f"A chunk that is not the last is a multiple of {CHUNK} bytes, not {len(data)}")
    if start > len(session.data):
        raise Refusal(503, "backendError", "A chunk is missing before this one")
    session.data[start:] = data
    return last


def parse_json(raw: bytes) -> Any:
    """The body; None for an empty one. Raises Refusal (400, parseError)."""
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except ValueError:
        raise Refusal(400, "parseError", "Parse Error", violation=True) from None


def multipart(content_type: str, raw: bytes) -> tuple[Any, Media]:
    """Metadata and content of a multipart/related body. Raises Refusal (400)."""
    if not content_type.lower().startswith("multipart/related"):
        raise invalid(f"uploadType=multipart takes multipart/related, not {content_type}")
    message = email.message_from_bytes(
        b"Content-Type: " + content_type.encode() + b"\r\nMIME-Version: 1.0\r\n\r\n" + raw, policy=email.policy.HTTP
    )
    parts = list(message.iter_parts()) if message.is_multipart() else []
    if len(parts) != 2 or parts[0].get_content_type() != "application/json":
        raise invalid("A multipart upload has two parts: the metadata as application/json, then the media")
    content = parts[1].get_payload(decode=True)
    return parse_json(parts[0].get_payload(decode=True)), Media(content=content, mime_type=parts[1].get_content_type())
