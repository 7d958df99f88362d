"""Ollama's chat and generate as the gateway speaks them: one JSON object a line. Pure.

Source: https://docs.ollama.com/api; lines of a stream and fields of its end: facts/colab-and-ollama.md, section 7.
"""

from __future__ import annotations

import json

import orjson

from bridge.core.chat import ChatReply, ToolCall
from bridge.core.result import to_iso
from bridge.protocols import ollama_request
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, Waiting
from bridge.protocols.openai_chat import context_text
from bridge.protocols.refusal import ApiRefusal

_NS = 1_000_000_000


class OllamaWire:
    """What both paths share."""

    id_prefix = ""
    stream_type = "application/x-ndjson"

    def whole(self, asked: Asked, answered: Answered) -> Json:  # noqa: ARG002  # the shape is the same for all
        """See `WireFormat.whole`."""
        reply = answered.replies[0]
        return {**_head(answered.head), **self.said(reply.text, reply), **_end(answered)}

    def stream(self, asked: Asked, head: ReplyHead) -> LineStream:  # noqa: ARG002  # the same for all
        """See `WireFormat.stream`."""
        return LineStream(self, head)

    def refuse(self, refusal: ApiRefusal) -> Json:
        """See `WireFormat.refuse`."""
        return {"error": context_text(refusal)}

    def said(self, text: str, reply: ChatReply | None = None) -> Json:
        """Some text, and the calls of a reply, in the path's own field."""
        raise NotImplementedError


class Chat(OllamaWire):
    """`POST /api/chat`."""

    def read(self, body: Json) -> Asked:
        """See `WireFormat.read`."""
        return ollama_request.read_asked(body, ollama_request.read_chat(body))

    def said(self, text: str, reply: ChatReply | None = None) -> Json:
        """In `message`."""
        calls = [_call(call) for call in reply.tool_calls] if reply else []
        return {"message": {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}}


class Generate(OllamaWire):
    """`POST /api/generate`."""

    def read(self, body: Json) -> Asked:
        """See `WireFormat.read`."""
        return ollama_request.read_asked(body, ollama_request.read_generate(body))

    def said(self, text: str, reply: ChatReply | None = None) -> Json:  # noqa: ARG002  # it has no tools
        """In `response`."""
        return {"response": text}


class LineStream:
    """The lines of one reply."""

    def __init__(self, wire: OllamaWire, head: ReplyHead) -> None:
        self._wire, self._frame = wire, _head(head)

    def begin(self) -> bytes:
        """See `StreamWriter.begin`: nothing."""
        return b""

    def alive(self, waiting: Waiting) -> bytes:
        """See `StreamWriter.alive`: an empty piece."""
        return self._line({**self._wire.said(""), "bridge": {"waiting": waiting.text}}, done=False)

    def text(self, piece: str, index: int = 0) -> bytes:  # noqa: ARG002  # there is one answer
        """See `StreamWriter.text`."""
        return self._line(self._wire.said(piece), done=False)

    def finish(self, reply: ChatReply, index: int = 0) -> bytes:  # noqa: ARG002  # there is one answer
        """See `StreamWriter.finish`."""
        return self._line(self._wire.said("", reply), done=False) if reply.tool_calls else b""

    def end(self, answered: Answered) -> bytes:
        """See `StreamWriter.end`."""
        return orjson.dumps({**self._frame, **self._wire.said(""), **_end(answered)}) + b"\n"

    def fail(self, refusal: ApiRefusal) -> bytes:
        """See `StreamWriter.fail`."""
        return orjson.dumps(self._wire.refuse(refusal)) + b"\n"

    def _line(self, said: Json, *, done: bool) -> bytes:
        return orjson.dumps({**self._frame, **said, "done": done}) + b"\n"


def _head(head: ReplyHead) -> Json:
    return {"model": head.model, "created_at": to_iso(head.created)}


def _end(answered: Answered) -> Json:
    reply, timing = answered.replies[0], answered.timing_s

    def ns(name: str) -> int:
        return round(timing.get(name, 0.0) * _NS)

    return {
        "done": True,
        "done_reason": "length" if reply.finish_reason.is_cut else "stop",
        "total_duration": ns("total"),
        "load_duration": ns("load"),
        "prompt_eval_count": answered.usage.prompt or 0,
        "prompt_eval_duration": ns("prompt"),
        "eval_count": answered.usage.completion or 0,
        "eval_duration": ns("answer"),
        **answered.head.told,
    }


def _call(call: ToolCall) -> Json:
    """Ollama has the arguments as an object; what is none stands in one as it came."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {"arguments": call.arguments}
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments}}
