"""A gateway on a real port of the loopback, before any engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from bridge import Bridge
from bridge.engines.base import Engine
from bridge.engines.relay import Relay
from bridge.gateway import app
from bridge.gateway.brake import Brake
from bridge.gateway.guard import GuardRules
from bridge.gateway.line import Line
from bridge.gateway.live import Backend
from bridge.gateway.queued import QueueDoor
from bridge.gateway.records import Records
from bridge.gateway.routing import RoutePlan
from bridge.gateway.slots import Slots
from tests.support.patience import until


@dataclass
class Gateway:
    """A gateway that runs."""

    url: str
    line: Line
    backend: Backend
    log: list[str]  #: a line for each request that has ended
    outermost: ASGIApp  #: what the server calls
    routes: list[Route]


@contextmanager
def gateway(
    engine: Engine,
    *,
    lanes: int = 2,
    longest: int = 4,
    num_ctx: int = 8192,
    default_model: str | None = None,
    one_model: bool = False,
    idle_s: float = 600.0,
    rules: GuardRules | None = None,
    queue: Path | None = None,
    state: Path | None = None,
    relay: Relay | None = None,
    timeout_s: float | None = 600.0,
    is_public: bool = False,
    around: Callable[[ASGIApp], ASGIApp] = lambda made: made,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    now_s: Callable[[], float] = time.monotonic,
    route: RoutePlan | None = None,
) -> Iterator[Gateway]:
    """One that serves until the block ends. `queue`: of a notebook; `state`: a folder for records; `around`: what wraps it."""
    slots = Slots(Line(lanes=lanes, longest=longest, one_model=one_model), now_s=time.monotonic)
    backend = Backend(
        engine=engine,
        slots=slots,
        default_model=default_model,
        num_ctx=num_ctx,
        idle_s=idle_s,
        relay=relay,
        timeout_s=timeout_s,
        is_public=is_public,
    )
    log: list[str] = []
    inner: Starlette = app(
        backend,
        access_log=log.append,
        brake=Brake(most=0),  # tests ask the same again and again; the brake has tests of its own
        now=now,
        rules=rules,
        queue=QueueDoor(Bridge(str(queue))) if queue else None,
        records=Records(state / "gateway.sqlite3") if state else None,
        now_s=now_s,
        route=route,
    )
    made = around(inner)
    server = uvicorn.Server(uvicorn.Config(made, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Gateway(
            url=f"http://127.0.0.1:{port}",
            line=slots.line,
            backend=backend,
            log=log,
            outermost=made,
            routes=[r for r in inner.routes if isinstance(r, Route)],
        )
    finally:
        server.should_exit = True
        thread.join(30)
