"""What the gateway forgets: files, responses and batches whose time is over, and jobs that nobody came back for."""

from __future__ import annotations

import asyncio
import contextlib

from bridge.core.errors import BridgeError
from bridge.gateway.context import GatewayContext
from bridge.gateway.stored import KIND as RESPONSE
from bridge.protocols.refusal import RefusedAsk

#: How often it looks, in seconds.
LOOK_S = 3600.0


async def keep_forgetting(context: GatewayContext) -> None:
    """At once and every hour, until cancelled."""
    while True:
        with contextlib.suppress(BridgeError, RefusedAsk):  # the disk or the queue does not answer: next time
            await forget_expired(context)
        await asyncio.sleep(LOOK_S)


async def forget_expired(context: GatewayContext) -> int:
    """Forget what has expired; gives how many it was. A job of such a response that is still open is cancelled."""
    records = context.records
    if records is None:
        return 0
    gone = await asyncio.get_running_loop().run_in_executor(None, records.expire, context.now())
    for record in gone:
        if context.files is not None:
            context.files.forget(record)
        if record.kind == RESPONSE and record.job is not None and context.queue is not None:
            with contextlib.suppress(RefusedAsk):  # the queue has forgotten it, too
                await context.queue.cancel(record.job)
    return len(gone)
