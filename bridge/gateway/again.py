"""Requests that ended in the queue, and the same requests sent again, which get their answers.

A record names the response, and so the job, of all requests that are the same (`router.same`). It goes when its answer was fetched,
or when a live target answered after all, which cancels the job.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.gateway.context import GatewayContext
from bridge.gateway.queued import QueuedSource, told
from bridge.gateway.records import Record
from bridge.gateway.routing import Routing
from bridge.gateway.source import Caller, RequestProgress, Sink
from bridge.gateway.stored import KEPT_S, StoredResponses
from bridge.protocols.asked import Answered, Asked
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk
from bridge.router.same import same_key
from bridge.router.task import RouteWish

KIND = "again"
#: Records that a gateway reads when it starts: the newest.
_MOST_WAITING = 10_000


class Again:
    """What one gateway knows of them."""

    def __init__(self, context: GatewayContext, routing: Routing) -> None:
        self._context, self._routing, self._stored = context, routing, StoredResponses(context)

    async def key(self, asked: Asked, caller: Caller, wish: RouteWish) -> str | None:
        """Names the request and all that are the same, if one of them waits; None: none does, which most requests find out for nothing."""
        if not await self._waiting():
            return None
        key = _name(asked, caller, wish)
        return key if key in await self._waiting() else None

    async def fetched(self, key: str, sink: Sink, id_prefix: str) -> Answered | None:
        """The answer that came late; None: there is none, or not yet. Raises RefusedAsk: its job failed."""
        record, queue = await self._record(key), self._context.queue
        if record is None or record.job is None or queue is None:
            return None
        found = await queue.look(record.job)
        if not found.is_over:
            return None
        await self._delete(key)
        if found.reply is None:
            return None  # it failed, or was cancelled: the targets are asked anew
        first = self._stored.head_of(await self._stored.find(str(record.body["response"])))
        head = replace(first, id=id_prefix + first.id.partition("_")[2], note={"target": "queue", "job": record.job})
        sink.begin(head)
        return await told(found, head, sink)

    async def queued(
        self, asked: Asked, caller: Caller, wish: RouteWish, *, sink: Sink, progress: RequestProgress, why: str, retry_after_s: float
    ) -> Answered:  # fmt: skip
        """The answer of the queue: a stream waits for it, anybody else is told to come again.

        Raises:
            RefusedAsk: when to come again, and for what; or it cannot be queued.
        """
        key = _name(asked, caller, wish)
        async with self._routing.queueing:  # the same twice at once is one job
            record = await self._record(key) or await self._add(asked, caller, key, why, retry_after_s)
        queue, name = self._context.queue, str(record.body["response"])
        if asked.stream and queue is not None and record.job is not None:
            head = self._stored.head_of(await self._stored.find(name))
            source = QueuedSource(queue, record.job, replace(head, note={"target": "queue", "job": record.job}))
            answered = await source.answer(asked, caller, id_prefix="", sink=sink, progress=progress)
            await self._delete(key)
            return answered
        message = f"no target answers ({why}); queued as job {record.job}: the same request again gets its answer"
        raise RefusedAsk(
            ApiRefusal(
                kind=RefusalKind.RATE_LIMITED, message=message, code="queued", retry_after_s=retry_after_s,
                location=f"/v1/responses/{name}",
            )
        )  # fmt: skip

    async def forget(self, key: str) -> None:
        """A live target answered: nobody needs the job any more."""
        record = await self._record(key)
        if record is not None:
            await self._delete(key)
            if record.job is not None and self._context.queue is not None:
                await self._context.queue.cancel(record.job)

    async def _add(self, asked: Asked, caller: Caller, key: str, why: str, retry_after_s: float) -> Record:
        """Raises RefusedAsk."""
        if self._context.queue is None or self._context.records is None:
            message = f"no target answers ({why}), and there is no queue here: `bridge init` makes one"
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.RATE_LIMITED, message=message, retry_after_s=retry_after_s))
        later = await self._stored.queue(asked, caller)
        response = await self._stored.find(later.id)
        created = int(self._context.now().timestamp())
        record = Record(
            id=key, kind=KIND, created=created, expires=created + KEPT_S, caller=caller.name, job=response.job,
            body={"response": later.id},
        )  # fmt: skip
        records = self._context.records
        await self._context.live.in_thread(lambda: records.put(record))
        (await self._waiting()).add(record.id)
        return record

    async def _waiting(self) -> set[str]:
        """The names of all records."""
        records = self._context.records
        if self._routing.waiting is None:
            self._routing.waiting = set()
            if records is not None:
                listed = await self._context.live.in_thread(
                    lambda: records.listed(KIND, after=None, limit=_MOST_WAITING)
                )
                self._routing.waiting |= {record.id for record in listed}
        return self._routing.waiting

    async def _record(self, key: str) -> Record | None:
        records = self._context.records
        if records is None or key not in await self._waiting():
            return None
        return await self._context.live.in_thread(lambda: records.get(KIND, key, now=self._context.now()))

    async def _delete(self, key: str) -> None:
        records = self._context.records
        if records is not None:
            (await self._waiting()).discard(key)
            await self._context.live.in_thread(lambda: records.delete(KIND, key))


def _name(asked: Asked, caller: Caller, wish: RouteWish) -> str:
    return f"again_{same_key(asked, caller.name, wish.user_agent)}"
