"""Requests that become jobs of the notebook queue, and jobs as replies. All of it reads and writes through `Bridge`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from bridge.api.bridge import Bridge
from bridge.api.views import JobView
from bridge.core.chat import ChatReply, FinishReason
from bridge.core.errors import BridgeError
from bridge.core.job import NewJob
from bridge.core.states import State
from bridge.gateway.source import Caller, RequestProgress, Sink
from bridge.intake.prompt import job_of
from bridge.protocols.asked import Answered, Asked, ReplyHead, Usage
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk, refusal_of
from bridge.protocols.responses import ResponseStatus

T = TypeVar("T")

#: How often a wait looks, in seconds.
_LOOK_S = 0.5
#: How long one wait for a job is, in seconds; between two, a client is told how it stands.
_PATIENCE_S = 5.0

_STATUS = {
    State.QUEUED: ResponseStatus.QUEUED,
    State.RUNNING: ResponseStatus.IN_PROGRESS,
    State.TRUNCATED: ResponseStatus.INCOMPLETE,
    State.FAILED: ResponseStatus.FAILED,
    State.BROKEN: ResponseStatus.FAILED,
    State.CANCELLED: ResponseStatus.CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class QueuedReply:
    """A job as a reply, as it stands."""

    job: str
    status: ResponseStatus
    reply: ChatReply | None
    usage: Usage
    model: str | None
    error: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.status not in (ResponseStatus.QUEUED, ResponseStatus.IN_PROGRESS)


def job_for(asked: Asked, *, model: str | None, caller: str, key: str | None = None) -> NewJob:
    """The job that asks for a request; `caller`: an address, or a batch.

    Raises:
        PromptRefused: it cannot be stored in a cell.
    """
    options = replace(asked.options, model=model)
    return job_of(asked.request, NewJob(body="", options=options, caller=caller_name(caller), key=key))


def caller_name(caller: str) -> str:
    """Under which name a caller's jobs stand in the queue."""
    return f"gateway:{caller}"


class QueueDoor:
    """The queue of one gateway."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="gateway-queue")

    def close(self) -> None:
        """Let go of the queue."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.bridge.close()

    async def add(self, asked: Asked, *, model: str | None, caller: str, key: str | None = None) -> str:
        """A job for a request; gives its id. On disk when this returns.

        `model`: a name that workers know; None: theirs.

        Raises:
            RefusedAsk: too large for a cell, or it seems to hold a secret.
        """
        [job] = await self.run(lambda: self.bridge.add_many([job_for(asked, model=model, caller=caller, key=key)]))
        return job.id

    async def look(self, job: str) -> QueuedReply:
        """The job as it stands. Raises RefusedAsk."""
        return reply_of(await self.run(lambda: self.bridge.get(job)))

    async def wait(self, job: str, timeout_s: float) -> QueuedReply:
        """The job when it is over, or as it stands when time is. Raises RefusedAsk."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        found = await self.look(job)
        while not found.is_over and loop.time() < until_s:
            await asyncio.sleep(min(_LOOK_S, until_s - loop.time()))
            found = await self.look(job)
        return found

    async def cancel(self, job: str) -> QueuedReply:
        """Take it back, if it has no answer yet. Raises RefusedAsk."""
        found = await self.look(job)
        if found.status in (ResponseStatus.QUEUED, ResponseStatus.IN_PROGRESS):
            await self.run(lambda: self.bridge.cancel(job))
        return await self.look(job)

    async def run(self, call: Callable[[], T]) -> T:
        """What a call to the queue gives. Raises RefusedAsk."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except BridgeError as error:
            raise RefusedAsk(refusal_of(error)) from error


class QueuedSource:
    """Answers by waiting for a job that is in the queue already. See `ReplySource`."""

    def __init__(self, door: QueueDoor, job: str, head: ReplyHead) -> None:
        self._door, self._job, self._head = door, job, head

    async def answer(
        self,
        asked: Asked,  # noqa: ARG002  # the job holds it
        caller: Caller,  # noqa: ARG002
        *,
        id_prefix: str,  # noqa: ARG002  # it has its id
        sink: Sink,
        progress: RequestProgress,
    ) -> Answered:
        """See `ReplySource.answer`: the answer comes whole, when the job is over."""
        sink.begin(self._head)
        progress.detail = f"queued as job {self._job}"
        found = await self._door.look(self._job)
        while not found.is_over:
            progress.detail = f"job {self._job} is {found.status.value}"
            found = await self._door.wait(self._job, _PATIENCE_S)
        return await told(found, self._head, sink)


async def told(found: QueuedReply, head: ReplyHead, sink: Sink) -> Answered:
    """The answer of a job that is over, also to a sink.

    Raises:
        RefusedAsk: it has none.
    """
    if found.reply is None:
        kind = RefusalKind.CONFLICT if found.status is ResponseStatus.CANCELLED else RefusalKind.BROKEN_OFF
        message = f"job {found.job} {found.status.value}: {found.error or 'it has no answer'}"
        raise RefusedAsk(ApiRefusal(kind=kind, message=message))
    if found.reply.text:
        await sink.text(found.reply.text, 0)
    await sink.finish(found.reply, 0)
    head = replace(head, model=found.model or head.model)
    return Answered(head=head, replies=(found.reply,), usage=found.usage)


def reply_of(view: JobView) -> QueuedReply:
    """A job as a reply."""
    result = view.result
    status = _STATUS.get(view.state, ResponseStatus.COMPLETED)
    reply = None
    if result is not None and (result.answer is not None or result.tool_calls):
        reason = result.finish_reason or FinishReason.STOP
        reply = ChatReply(text=result.answer or "", tool_calls=tuple(result.tool_calls), finish_reason=reason)
        if reason is FinishReason.LENGTH:
            status = ResponseStatus.INCOMPLETE
    usage = result.usage if result else {}
    return QueuedReply(
        job=view.id,
        status=status,
        reply=reply,
        usage=Usage(prompt=_count(usage.get("prompt_tokens")), completion=_count(usage.get("completion_tokens"))),
        model=result.model if result else view.line.model,
        error=view.error,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
