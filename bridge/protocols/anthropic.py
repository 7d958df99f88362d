"""Anthropic's messages as the gateway speaks them. Pure.

Source: https://docs.anthropic.com/en/api/messages and /messages-streaming.
"""

from __future__ import annotations

import json

from bridge.core.chat import ChatReply, FinishReason, ToolCall
from bridge.protocols import anthropic_request, sse
from bridge.protocols import openai_request as fields
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, Usage, Waiting
from bridge.protocols.refusal import ApiRefusal, RefusalKind

_STOPS = {
    FinishReason.LENGTH: "max_tokens",
    FinishReason.REPETITION: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
}


class Messages:
    """`POST /v1/messages`."""

    id_prefix = "msg_"
    stream_type = sse.CONTENT_TYPE

    def read(self, body: Json) -> Asked:
        """See `WireFormat.read`."""
        return Asked(
            request=anthropic_request.read_chat(body),
            options=fields.read_options(body, also={"stop": "stop_sequences"}),
            stream=fields.read_flag(body, "stream"),
            parallel_calls=not _is_single(body.get("tool_choice")),
            truncation=fields.read_truncation(body),
            private=fields.read_private(body),
        )

    def whole(self, asked: Asked, answered: Answered) -> Json:  # noqa: ARG002  # the shape is the same for all
        """See `WireFormat.whole`."""
        reply = answered.replies[0]
        content: list[Json] = [{"type": "text", "text": reply.text}] if reply.text else []
        content += [{**_use(call), "input": _input(call)} for call in reply.tool_calls]
        stop = {"stop_reason": _stop(reply), "stop_sequence": None}
        return {
            **_message(answered.head),
            "content": content,
            **stop,
            "usage": _usage(answered.usage),
            **answered.head.told,
        }

    def stream(self, asked: Asked, head: ReplyHead) -> MessageStream:  # noqa: ARG002  # the same for all
        """See `WireFormat.stream`."""
        return MessageStream(head)

    def refuse(self, refusal: ApiRefusal) -> Json:
        """See `WireFormat.refuse`."""
        return {"type": "error", "error": {"type": refusal.anthropic_type, "message": _text(refusal)}}


class MessageStream:
    """The events of one reply: a block of text, if there is any, then one for each call."""

    def __init__(self, head: ReplyHead) -> None:
        self._head = head
        self._blocks = 0
        self._text_is_open = False
        self._stop = "end_turn"

    def begin(self) -> bytes:
        """See `StreamWriter.begin`. Its usage is needed by clients, and not yet known: the end says it."""
        message = {**_message(self._head), "content": [], "stop_reason": None, "stop_sequence": None}
        return _event("message_start", message={**message, "usage": _usage(Usage())})

    def alive(self, waiting: Waiting) -> bytes:
        """See `StreamWriter.alive`: clients count a ping; the comment before it is for people."""
        return sse.comment(waiting.text) + _event("ping")

    def text(self, piece: str, index: int = 0) -> bytes:  # noqa: ARG002  # there is one answer
        """See `StreamWriter.text`."""
        opening = b""
        if not self._text_is_open:
            self._text_is_open = True
            opening = _event("content_block_start", index=self._blocks, content_block={"type": "text", "text": ""})
        delta = {"type": "text_delta", "text": piece}
        return opening + _event("content_block_delta", index=self._blocks, delta=delta)

    def finish(self, reply: ChatReply, index: int = 0) -> bytes:  # noqa: ARG002  # there is one answer
        """See `StreamWriter.finish`."""
        self._stop = _stop(reply)
        return self._close_text() + b"".join(self._call(call) for call in reply.tool_calls)

    def end(self, answered: Answered) -> bytes:
        """See `StreamWriter.end`."""
        delta = {"stop_reason": self._stop, "stop_sequence": None}
        last = _event("message_delta", delta=delta, usage=_usage(answered.usage), **answered.head.told)
        return last + _event("message_stop")

    def fail(self, refusal: ApiRefusal) -> bytes:
        """See `StreamWriter.fail`."""
        return _event("error", error={"type": refusal.anthropic_type, "message": _text(refusal)})

    def _call(self, call: ToolCall) -> bytes:
        number = self._blocks
        self._blocks += 1
        delta = {"type": "input_json_delta", "partial_json": call.arguments}
        return (
            _event("content_block_start", index=number, content_block={**_use(call), "input": {}})
            + _event("content_block_delta", index=number, delta=delta)
            + _event("content_block_stop", index=number)
        )

    def _close_text(self) -> bytes:
        if not self._text_is_open:
            return b""
        self._text_is_open = False
        self._blocks += 1
        return _event("content_block_stop", index=self._blocks - 1)


def _is_single(choice: object) -> bool:
    return isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True


def _event(name: str, **values: object) -> bytes:
    return sse.event({"type": name, **values}, name)


def _message(head: ReplyHead) -> Json:
    return {"id": head.id, "type": "message", "role": "assistant", "model": head.model}


def _stop(reply: ChatReply) -> str:
    return _STOPS.get(reply.finish_reason, "end_turn")


def _use(call: ToolCall) -> Json:
    return {"type": "tool_use", "id": call.id, "name": call.name}


def _input(call: ToolCall) -> object:
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _usage(usage: Usage) -> Json:
    return {"input_tokens": usage.prompt or 0, "output_tokens": usage.completion or 0}


def _text(refusal: ApiRefusal) -> str:
    """Claude Code compacts when it reads these words."""
    if refusal.kind is RefusalKind.CONTEXT_EXCEEDED and refusal.tokens is not None and refusal.window is not None:
        return f"prompt is too long: {refusal.tokens} tokens > {refusal.window} maximum"
    return refusal.message
