"""Server-sent events as bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html). Pure."""

from __future__ import annotations

import orjson

DONE = b"data: [DONE]\n\n"
CONTENT_TYPE = "text/event-stream; charset=utf-8"


def event(value: object, name: str = "") -> bytes:
    """One event: a value as JSON, and its name where the family names its events."""
    data = b"data: " + orjson.dumps(value) + b"\n\n"
    return b"event: " + name.encode() + b"\n" + data if name else data


def comment(text: str) -> bytes:
    """A line that clients skip; most of them count it as a sign of life."""
    return b": " + " ".join(text.split()).encode() + b"\n\n"
