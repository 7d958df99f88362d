"""What every route of one gateway shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request

from bridge.gateway.batch_runner import BatchRunner
from bridge.gateway.brake import Brake
from bridge.gateway.counters import RequestCounters
from bridge.gateway.file_store import FileStore
from bridge.gateway.line import Priority
from bridge.gateway.live import Live
from bridge.gateway.pulls import Pulls
from bridge.gateway.queued import QueueDoor
from bridge.gateway.records import Records
from bridge.gateway.routing import Routing
from bridge.gateway.source import Caller


@dataclass(frozen=True, kw_only=True)
class GatewayContext:
    """Made once, by `app`."""

    live: Live
    pulls: Pulls
    queue: QueueDoor | None  #: None: there is no queue here
    records: Records | None  #: None: nothing is remembered
    files: FileStore | None  #: the same
    batches: BatchRunner | None  #: None: there is no queue here, or nothing is remembered
    counters: RequestCounters
    brake: Brake
    now: Callable[[], datetime]
    now_s: Callable[[], float]  #: seconds of a clock that only goes forward
    token: str | None = field(default=None, repr=False)  #: that lets callers in, and goes to nobody else
    routing: Routing | None = None  #: None: one engine answers all
    memory_bytes: Callable[[], int | None]  #: that this process and its engines use; None: not known


def caller_of(request: Request) -> Caller:
    """Who asks: by the name that it gives itself, else by address. `x-bridge-priority: batch` lets others go first."""
    host = request.client.host if request.client else "local"
    batch = request.headers.get("x-bridge-priority", "").lower() == "batch"
    name = request.headers.get("x-bridge-caller") or host
    return Caller(name=name[:100], priority=Priority.BATCH if batch else Priority.INTERACTIVE)
