"""OpenAI's Responses as the gateway speaks them: the object, and the events of a stream. Pure.

Source: https://platform.openai.com/docs/api-reference/responses and /responses-streaming. Codex accepts a stream of `created`,
`output_item.done` and `completed` (facts/gateway-and-clients.md, section 1.1); openai-python wants all between them as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from bridge.core.chat import ChatReply, FinishReason, ToolCall
from bridge.protocols import responses_request, sse
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, Usage, Waiting
from bridge.protocols.namespaces import parted
from bridge.protocols.openai_chat import context_text, refusal_json
from bridge.protocols.refusal import ApiRefusal, RefusalKind


class ResponseStatus(Enum):
    """Where a response is."""

    QUEUED = "queued"  # a job, or in line
    IN_PROGRESS = "in_progress"  # an engine answers it
    COMPLETED = "completed"  # whole
    INCOMPLETE = "incomplete"  # cut
    FAILED = "failed"  # there is no answer
    CANCELLED = "cancelled"  # the client took it back


class Responses:
    """`POST /v1/responses`."""

    id_prefix = "resp_"
    stream_type = sse.CONTENT_TYPE

    def read(self, body: Json) -> Asked:
        """See `WireFormat.read`."""
        return responses_request.read_asked(body)

    def whole(self, asked: Asked, answered: Answered) -> Json:
        """See `WireFormat.whole`."""
        reply = answered.replies[0]
        return response_json(
            asked,
            answered.head,
            status_of(reply),
            output=output_of(answered.head.id, reply, asked.echo.get("tools")),
            usage=answered.usage,
        )

    def stream(self, asked: Asked, head: ReplyHead) -> ResponseStream:
        """See `WireFormat.stream`."""
        return ResponseStream(asked, head)

    def refuse(self, refusal: ApiRefusal) -> Json:
        """See `WireFormat.refuse`."""
        return refusal_json(refusal)


class ResponseStream:
    """The events of one response: a message, if there is text, then its calls."""

    def __init__(self, asked: Asked, head: ReplyHead) -> None:
        self._asked, self._head = asked, head
        self._number = 0
        self._text: list[str] = []
        self._output: list[Json] = []

    def begin(self) -> bytes:
        """See `StreamWriter.begin`."""
        started = self._response(ResponseStatus.IN_PROGRESS)
        return self._event("response.created", response=started) + self._event("response.in_progress", response=started)

    def alive(self, waiting: Waiting) -> bytes:
        """See `StreamWriter.alive`: Codex counts events, not comments; the one before it is for people."""
        status = ResponseStatus.QUEUED if waiting.place else ResponseStatus.IN_PROGRESS
        return sse.comment(waiting.text) + self._event(f"response.{status.value}", response=self._response(status))

    def text(self, piece: str, index: int = 0) -> bytes:  # noqa: ARG002  # there is one answer
        """See `StreamWriter.text`."""
        opening = b"" if self._text else self._open_message()
        self._text.append(piece)
        return opening + self._event("response.output_text.delta", **self._place(), delta=piece, logprobs=[])

    def finish(self, reply: ChatReply, index: int = 0) -> bytes:  # noqa: ARG002  # there is one answer
        """See `StreamWriter.finish`."""
        said = self._close_message() if self._text else b""
        for number, call in enumerate(reply.tool_calls):
            said += self._call(_call_item(self._head.id, number, call, self._asked.echo.get("tools")))
        return said

    def end(self, answered: Answered) -> bytes:
        """See `StreamWriter.end`."""
        self._head = answered.head
        status = status_of(answered.replies[0])
        whole = self._response(status, usage=answered.usage)
        return self._event(f"response.{status.value}", response=whole)

    def fail(self, refusal: ApiRefusal) -> bytes:
        """See `StreamWriter.fail`."""
        failed = self._response(ResponseStatus.FAILED, error=failure(refusal))
        return self._event("response.failed", response=failed)

    def _open_message(self) -> bytes:
        item = {**_message_item(self._head.id, ""), "status": "in_progress", "content": []}
        added = self._event("response.output_item.added", output_index=0, item=item)
        return added + self._event("response.content_part.added", **self._place(), part=_part(""))

    def _close_message(self) -> bytes:
        text = "".join(self._text)
        item = _message_item(self._head.id, text)
        self._output.append(item)
        return (
            self._event("response.output_text.done", **self._place(), text=text, logprobs=[])
            + self._event("response.content_part.done", **self._place(), part=_part(text))
            + self._event("response.output_item.done", output_index=0, item=item)
        )

    def _call(self, item: Json) -> bytes:
        number, name = len(self._output), {"item_id": item["id"]}
        self._output.append(item)
        opened = {**item, "arguments": "", "status": "in_progress"}
        told = {"output_index": number, "arguments": item["arguments"]}
        return (
            self._event("response.output_item.added", output_index=number, item=opened)
            + self._event(
                "response.function_call_arguments.delta", **name, output_index=number, delta=item["arguments"]
            )
            + self._event("response.function_call_arguments.done", **name, **told)
            + self._event("response.output_item.done", output_index=number, item=item)
        )

    def _place(self) -> Json:
        return {"item_id": _message_item(self._head.id, "")["id"], "output_index": 0, "content_index": 0}

    def _response(self, status: ResponseStatus, *, usage: Usage | None = None, error: Json | None = None) -> Json:
        return response_json(self._asked, self._head, status, output=self._output, usage=usage, error=error)

    def _event(self, event: str, /, **values: object) -> bytes:
        number = self._number
        self._number += 1
        return sse.event({"type": event, "sequence_number": number, **values}, event)


def failure(refusal: ApiRefusal) -> Json:
    """The `error` of a response that has failed. Its code is of the list that clients know, or the one that Codex compacts by."""
    known = {RefusalKind.CONTEXT_EXCEEDED: "context_length_exceeded"}
    known |= dict.fromkeys((RefusalKind.LINE_FULL, RefusalKind.RATE_LIMITED), "rate_limit_exceeded")
    code = known.get(refusal.kind, "invalid_prompt" if refusal.status < 500 else "server_error")
    return {"code": code, "message": context_text(refusal)}


def response_json(
    asked: Asked,
    head: ReplyHead,
    status: ResponseStatus,
    *,
    output: Sequence[Json] = (),
    usage: Usage | None = None,
    error: Json | None = None,
) -> Json:
    """A response as it stands."""
    cut = {"reason": "max_output_tokens"} if status is ResponseStatus.INCOMPLETE else None
    return {
        "id": head.id,
        "object": "response",
        "created_at": int(head.created.timestamp()),
        "status": status.value,
        "background": asked.background,
        "error": error,
        "incomplete_details": cut,
        "model": head.model,
        "output": list(output),
        "reasoning": {"effort": None, "summary": None},
        "usage": usage_json(usage) if usage else None,
        "user": None,
        **asked.echo,
        **head.told,
    }


def output_of(response_id: str, reply: ChatReply, tools: object = None) -> list[Json]:
    """The items of an answer to a request with these tools."""
    said = [_message_item(response_id, reply.text)] if reply.text else []
    return [*said, *(_call_item(response_id, number, call, tools) for number, call in enumerate(reply.tool_calls))]


def status_of(reply: ChatReply) -> ResponseStatus:
    """Whether an answer is whole."""
    cut = reply.finish_reason in (FinishReason.LENGTH, FinishReason.REPETITION)
    return ResponseStatus.INCOMPLETE if cut else ResponseStatus.COMPLETED


def usage_json(usage: Usage) -> Json:
    """Counted tokens; what is not counted is 0."""
    return {
        "input_tokens": usage.prompt or 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion or 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total,
    }


def _message_item(response_id: str, text: str) -> Json:
    name = f"msg_{response_id.removeprefix('resp_')}"
    return {"id": name, "type": "message", "status": "completed", "role": "assistant", "content": [_part(text)]}


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _call_item(response_id: str, number: int, call: ToolCall, tools: object) -> Json:
    return {
        "id": f"fc_{response_id.removeprefix('resp_')}_{number}",
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "arguments": call.arguments,
        **parted(call.name, tools),
    }
