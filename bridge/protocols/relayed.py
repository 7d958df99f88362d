"""A stream that is passed on: whole events only, and whether its end has come. Pure.

Half an event cannot be followed by an error that a client reads, so it is kept back until the rest of it comes.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

#: The longest event that is waited for, in bytes: one may hold a whole answer (see `engines.response_body`).
LONGEST_EVENT_BYTES = 32 << 20
#: Types of the events that end a stream of OpenAI's Responses, or of Anthropic's messages.
_LAST_TYPES = frozenset({"response.completed", "response.failed", "response.incomplete", "message_stop", "error"})


class EventTooLong(ValueError):
    """More came than an event can honestly hold."""


class RelayedStream:
    """One stream of server-sent events, or of lines (Ollama's)."""

    def __init__(self, *, lines: bool = False, longest_bytes: int = LONGEST_EVENT_BYTES) -> None:
        """`lines`: each line is an event of its own."""
        self._ends = (b"\n",) if lines else (b"\n\n", b"\r\n\r\n")
        self._longest_bytes = longest_bytes
        self._held = b""
        self._last = b""

    def feed(self, piece: bytes) -> bytes:
        """What may be passed on now: all events that are whole.

        Raises:
            EventTooLong
        """
        data = self._held + piece if self._held else piece
        if not data.endswith(self._ends):
            cut = max(data.rfind(end) + len(end) if end in data else 0 for end in self._ends)
            self._held = data[cut:]
            if len(self._held) > self._longest_bytes:
                raise EventTooLong(f"an event of more than {self._longest_bytes} bytes")
            data = data[:cut]
        else:
            self._held = b""
        if data and not data.isspace():
            self._last = data
        return data

    def rest(self) -> bytes:
        """What was kept back, if the stream lacks only the line end of its last event; else nothing."""
        held, self._held = self._held, b""
        if not _is_end(held):
            return b""
        self._last = held
        return held.rstrip() + self._ends[0]

    @property
    def is_whole(self) -> bool:
        """Whether the last event is one that ends a stream, also with an error."""
        return _is_end(self._last)


def _is_end(events: bytes) -> bool:
    line = events.rstrip().rpartition(b"\n")[2].strip()
    data = line[5:].strip() if line.startswith(b"data:") else line
    if data == b"[DONE]":
        return True
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and _ends_stream(value)


def _ends_stream(value: Mapping[str, object]) -> bool:
    """Some servers end with the finish reason, or with the usage, and send no `[DONE]`."""
    if value.get("error") or value.get("done") is True or value.get("type") in _LAST_TYPES:
        return True
    choices = value.get("choices")
    if not isinstance(choices, list):
        return False
    if not choices:
        return bool(value.get("usage"))
    return all(isinstance(choice, dict) and choice.get("finish_reason") for choice in choices)
