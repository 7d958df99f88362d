"""OpenAI's chat completions as the gateway speaks them. Pure.

Source: https://platform.openai.com/docs/api-reference/chat, with the older `functions` and `function_call`.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.chat import ChatReply, ToolCall
from bridge.protocols import openai_request as fields
from bridge.protocols import sse
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, Usage, Waiting
from bridge.protocols.openai import write_answer, write_finish_reason
from bridge.protocols.refusal import ApiRefusal, RefusedAsk


class ChatCompletions:
    """`POST /v1/chat/completions`."""

    id_prefix = "chatcmpl-"
    stream_type = sse.CONTENT_TYPE

    def read(self, body: Json) -> Asked:
        """See `WireFormat.read`; `logprobs` is refused, because no engine of ours gives them."""
        if body.get("logprobs") or body.get("top_logprobs"):
            raise RefusedAsk.bad("logprobs are not supported: leave logprobs and top_logprobs out", "logprobs")
        older = body.get("tools") is None and body.get("functions") is not None
        tools = body.get("functions") if older else fields.functions_of(body.get("tools"))
        request = fields.read_chat(
            {
                "messages": body.get("messages"),
                "tools": tools or None,
                "tool_choice": _choice(body, older=older) if tools else None,
                "response_format": body.get("response_format"),
                "n": fields.read_count(body),
            }
        )
        return Asked(
            request=request,
            options=fields.read_options(body),
            stream=fields.read_flag(body, "stream"),
            include_usage=fields.include_usage(body),
            legacy_functions=older,
            parallel_calls=body.get("parallel_tool_calls") is not False,
            truncation=fields.read_truncation(body),
            private=fields.read_private(body),
        )

    def whole(self, asked: Asked, answered: Answered) -> Json:
        """See `WireFormat.whole`. `function_call` stands at the top as well where `functions` were offered."""
        choices = [_choice_of(asked, index, reply) for index, reply in enumerate(answered.replies)]
        body: Json = {
            **_head(answered.head, "chat.completion"),
            "choices": choices,
            "usage": usage_json(answered.usage),
            **answered.head.told,
        }
        if asked.legacy_functions:
            body["function_call"] = _older_call(answered.replies[0].tool_calls)
        return body

    def stream(self, asked: Asked, head: ReplyHead) -> ChatStream:
        """See `WireFormat.stream`."""
        return ChatStream(asked, head)

    def refuse(self, refusal: ApiRefusal) -> Json:
        """See `WireFormat.refuse`."""
        return refusal_json(refusal)


class ChatStream:
    """The chunks of one reply."""

    def __init__(self, asked: Asked, head: ReplyHead) -> None:
        self._asked = asked
        self._frame = _head(head, "chat.completion.chunk")
        self._note = head.told
        self._begun: set[int] = set()
        self._usage: Json = {"usage": None} if asked.include_usage else {}

    def begin(self) -> bytes:
        """See `StreamWriter.begin`: the role, and what the gateway has to say."""
        return b"".join(self._opening(index) for index in range(self._asked.request.n))

    def alive(self, waiting: Waiting) -> bytes:
        """See `StreamWriter.alive`: a comment; OpenAI's clients count it."""
        return sse.comment(waiting.text)

    def text(self, piece: str, index: int = 0) -> bytes:
        """See `StreamWriter.text`."""
        return self._chunk(index, {"content": piece})

    def finish(self, reply: ChatReply, index: int = 0) -> bytes:
        """See `StreamWriter.finish`: id and name in a call's first delta, its arguments in the second."""
        calls = reply.tool_calls
        said = b""
        if calls and self._asked.legacy_functions:
            said = self._chunk(index, {"function_call": _older_call(calls)})
        elif calls:
            said = b"".join(self._call(index, number, call) for number, call in enumerate(calls))
        return said + self._chunk(index, {}, _finish(self._asked, reply))

    def end(self, answered: Answered) -> bytes:
        """See `StreamWriter.end`."""
        note = answered.head.told
        note = note if note != self._note else {}
        if not self._asked.include_usage and not note:
            return sse.DONE
        usage: Json = {"usage": usage_json(answered.usage)} if self._asked.include_usage else {}
        return sse.event({**self._frame, "choices": [], **usage, **note}) + sse.DONE

    def fail(self, refusal: ApiRefusal) -> bytes:
        """See `StreamWriter.fail`."""
        return sse.event(refusal_json(refusal))

    def _opening(self, index: int) -> bytes:
        note = self._note if index == 0 else {}
        return self._chunk(index, {"role": "assistant", "content": ""}, note=note)

    def _call(self, index: int, number: int, call: ToolCall) -> bytes:
        function = {"name": call.name, "arguments": ""}
        opening = {"index": number, "id": call.id, "type": "function", "function": function}
        rest = {"index": number, "function": {"arguments": call.arguments}}
        return self._chunk(index, {"tool_calls": [opening]}) + self._chunk(index, {"tool_calls": [rest]})

    def _chunk(
        self, index: int, delta: Mapping[str, object], finish: str | None = None, note: Json | None = None
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse.event({**self._frame, "choices": [choice], **self._usage, **(note or {})})


def refusal_json(refusal: ApiRefusal) -> Json:
    """An error in the shape of OpenAI's family."""
    error: Json = {
        "message": context_text(refusal),
        "type": refusal.openai_type,
        "param": refusal.param,
        "code": refusal.openai_code,
    }
    return {"error": error}


def context_text(refusal: ApiRefusal) -> str:
    """The message of a refusal, with both numbers where the request was too long: clients compact by them."""
    if refusal.tokens is None or refusal.window is None:
        return refusal.message
    return (
        f"This model's maximum context length is {refusal.window} tokens, and the request has {refusal.tokens}: "
        'shorten it, or send "truncation": "auto" to have it cut.'
    )


def usage_json(usage: Usage) -> Json:
    """Counted tokens; what is not counted is 0."""
    return {
        "prompt_tokens": usage.prompt or 0,
        "completion_tokens": usage.completion or 0,
        "total_tokens": usage.total,
    }


def _head(head: ReplyHead, kind: str) -> Json:
    return {"id": head.id, "object": kind, "created": int(head.created.timestamp()), "model": head.model}


def _choice(body: Json, *, older: bool) -> object:
    """`tool_choice`; of the older shape `function_call`."""
    return body.get("function_call" if older else "tool_choice")


def _choice_of(asked: Asked, index: int, reply: ChatReply) -> Json:
    message: Json = {**write_answer(reply.text, reply.tool_calls), "refusal": None}
    if asked.legacy_functions and message.pop("tool_calls", None):
        message["function_call"] = _older_call(reply.tool_calls)
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(asked, reply)}


def _finish(asked: Asked, reply: ChatReply) -> str:
    word = write_finish_reason(reply.finish_reason)
    return "function_call" if word == "tool_calls" and asked.legacy_functions else word


def _older_call(calls: tuple[ToolCall, ...]) -> Json | None:
    return {"name": calls[0].name, "arguments": calls[0].arguments} if calls else None
