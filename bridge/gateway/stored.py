"""Responses that can be asked for again: what was answered live, and what a job of the queue answers later."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from starlette.responses import Response

from bridge.core.chat import ChatMessage, ChatRequest, ChatRole
from bridge.gateway.context import GatewayContext
from bridge.gateway.names import queue_model
from bridge.gateway.queued import QueuedReply
from bridge.gateway.records import Record
from bridge.gateway.reply import json_response
from bridge.gateway.source import Caller
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead
from bridge.protocols.namespaces import joined
from bridge.protocols.openai import ChatError, read_messages, write_answer, write_messages
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk
from bridge.protocols.responses import Responses, ResponseStatus, output_of, response_json

KIND = "response"
#: How long a response is kept, in seconds: OpenAI keeps them for 30 days.
KEPT_S = 30 * 86_400


@dataclass(frozen=True, kw_only=True)
class LaterResponse:
    """A response as it stands, as an object and as facts."""

    id: str
    body: Json
    status: ResponseStatus


class StoredResponses:
    """The responses of one gateway."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    async def queue(self, asked: Asked, caller: Caller) -> LaterResponse:
        """Make it a job of the queue.

        Raises:
            RefusedAsk: there is no queue, it is private, or the queue does not take it.
        """
        queue, records = self._context.queue, self._context.records
        if queue is None or records is None:
            raise RefusedAsk.bad(
                "there is no queue here: `bridge init` makes one, and `bridge serve --queue PATH` uses it"
            )
        if asked.private:
            raise RefusedAsk.bad("a private request does not go into the queue: ask without background")
        model = queue_model(asked.options.model, has=await self._context.live.model_names())
        job = await queue.add(asked, model=model, caller=caller.name)
        head = self._head(model or "auto", asked)
        await queue.run(lambda: records.put(self._record(head, asked, caller, job=job)))
        found = await queue.look(job)
        return self._later(head, asked.echo, found, background=True)

    async def keep(self, asked: Asked, caller: Caller, answered: Answered) -> None:
        """Keep a live answer, so that it can be asked for again and gone on from."""
        records = self._context.records
        if records is None or asked.private:
            return
        reply = answered.replies[0]
        said = write_answer(reply.text, reply.tool_calls)
        record = self._record(answered.head, asked, caller, said=dict(said), whole=_whole(asked, answered))
        await self._context.live.in_thread(lambda: records.put(record))

    async def find(self, name: str) -> Record:
        """Its record. Raises RefusedAsk."""
        records = self._context.records
        record = None
        if records is not None:
            record = await self._context.live.in_thread(lambda: records.get(KIND, name, now=self._context.now()))
        if record is None:
            message = f"there is no response {name[:80]!r}; responses are kept for {KEPT_S // 86_400} days"
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.NOT_FOUND, message=message))
        return record

    async def look(self, name: str, *, wait_s: float = 0.0) -> LaterResponse:
        """The response as it stands, after at most so long a wait. Raises RefusedAsk."""
        record = await self.find(name)
        queue = self._context.queue
        whole = record.body.get("whole")
        if isinstance(whole, dict):
            return LaterResponse(id=name, body=whole, status=ResponseStatus(whole["status"]))
        if queue is None or record.job is None:
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.UNAVAILABLE, message="its queue is not open here"))
        found = await queue.wait(record.job, wait_s)
        return self._later(self.head_of(record), _echo(record), found, background=True)

    async def cancel(self, name: str) -> LaterResponse:
        """Take it back. Raises RefusedAsk: it was answered live, or is over."""
        record = await self.find(name)
        if record.job is None or self._context.queue is None:
            raise RefusedAsk.bad("only a response that was asked for in the background can be cancelled")
        found = await self._context.queue.cancel(record.job)
        return self._later(self.head_of(record), _echo(record), found, background=True)

    async def delete(self, name: str) -> None:
        """Forget it; its job stays in the queue, which is the audit trail. Raises RefusedAsk."""
        await self.find(name)
        records = self._context.records
        if records is not None:
            await self._context.live.in_thread(lambda: records.delete(KIND, name))

    async def said_before(self, name: str) -> tuple[ChatMessage, ...]:
        """The conversation up to a response, its answer included; instructions are not part of it. Raises RefusedAsk."""
        record = await self.find(name)
        said = record.body.get("said")
        if not isinstance(said, dict) and record.job is not None:
            found = await self.look(name)
            said = _said_of(found.body)
        if not isinstance(said, dict):
            raise RefusedAsk.bad(f"response {name} has no answer yet", "previous_response_id")
        given = record.body.get("messages")
        try:
            return read_messages([*(given if isinstance(given, list) else []), said])
        except ChatError as error:
            raise RefusedAsk.bad(str(error), "previous_response_id") from None

    @staticmethod
    def head_of(record: Record) -> ReplyHead:
        """What was known of it at its beginning."""
        created = datetime.fromtimestamp(record.created, UTC)
        return ReplyHead(id=record.id, created=created, model=str(record.body.get("model") or "auto"))

    def _head(self, model: str, asked: Asked) -> ReplyHead:
        wanted = asked.options.model
        note = {"model_asked": wanted, "model": model} if wanted not in (None, model) else {}
        return ReplyHead(id=f"resp_{secrets.token_hex(12)}", created=self._context.now(), model=model, note=note)

    def _record(
        self, head: ReplyHead, asked: Asked, caller: Caller, *, job: str | None = None, said: Json | None = None, whole: Json | None = None
    ) -> Record:  # fmt: skip
        created = int(head.created.timestamp())
        body: Json = {
            "model": head.model,
            "echo": dict(asked.echo),
            "messages": write_messages(_without_instructions(asked)),
            "said": said,
            "whole": whole,
        }
        return Record(
            id=head.id, kind=KIND, created=created, expires=created + KEPT_S, caller=caller.name, job=job, body=body
        )

    @staticmethod
    def _later(head: ReplyHead, echo: Mapping[str, object], found: QueuedReply, *, background: bool) -> LaterResponse:
        asked = Asked(request=ChatRequest(prompt=""), echo=echo, background=background)
        head = replace(head, model=found.model or head.model, note={**head.note, "job": found.job})
        error: Json = {"code": "server_error", "message": found.error or "it has no answer"}
        body = response_json(
            asked,
            head,
            found.status,
            output=output_of(head.id, found.reply, asked.echo.get("tools")) if found.reply and found.is_over else (),
            usage=found.usage if found.reply else None,
            error=error if found.status is ResponseStatus.FAILED else None,
        )
        return LaterResponse(id=head.id, body=body, status=found.status)


def later_response(later: LaterResponse, *, applied: bool = False) -> Response:
    """The response as it stands, and where to look again. 202 only for those who asked for it by a header."""
    headers = {"location": f"/v1/responses/{later.id}"}
    if applied:
        headers["preference-applied"] = "respond-async"
    return json_response(later.body, status=202 if applied else 200, headers=headers)


def _without_instructions(asked: Asked) -> Sequence[ChatMessage]:
    messages = asked.request.messages
    has = bool(asked.echo.get("instructions")) and messages and messages[0].role is ChatRole.SYSTEM
    return messages[1:] if has else messages


def _echo(record: Record) -> dict[str, object]:
    echo = record.body.get("echo")
    return echo if isinstance(echo, dict) else {}


def _whole(asked: Asked, answered: Answered) -> Json:
    return Responses().whole(asked, answered)


def _said_of(body: Json) -> Json | None:
    """The assistant's message that a response's output is."""
    text, calls = "", []
    output = body.get("output")
    for item in output if isinstance(output, list) else []:
        if item["type"] == "message":
            text += "".join(part["text"] for part in item["content"])
        elif item["type"] == "function_call":
            calls.append({"id": item["call_id"], "function": {"name": joined(item), "arguments": item["arguments"]}})
    return {"role": "assistant", "content": text, "tool_calls": calls} if text or calls else None
