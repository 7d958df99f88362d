"""The gateway as one ASGI application: `bridge serve` runs it, and so may a test or another server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from bridge.gateway.access_log import AccessLog, RequestLog
from bridge.gateway.batch_parts import BatchParts
from bridge.gateway.batch_runner import BatchRunner
from bridge.gateway.brake import Brake
from bridge.gateway.context import GatewayContext
from bridge.gateway.counters import RequestCounters
from bridge.gateway.file_store import FileStore
from bridge.gateway.guard import Guard, GuardRules
from bridge.gateway.live import Backend, Live
from bridge.gateway.pulls import Pulls
from bridge.gateway.queue_worker import QueueWorker
from bridge.gateway.queued import QueueDoor
from bridge.gateway.records import Records
from bridge.gateway.reply import refused
from bridge.gateway.retention import keep_forgetting
from bridge.gateway.routes import answers, embeddings, health, metrics, models, ollama, openapi, responses, tokens
from bridge.gateway.routes import batches as batch_routes
from bridge.gateway.routes import files as file_routes
from bridge.gateway.routing import RoutePlan, routing_of
from bridge.protocols.anthropic import Messages
from bridge.protocols.asked import WireFormat
from bridge.protocols.ollama import Chat
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.refusal import ApiRefusal, RefusalKind

#: Answered without a token: they tell nothing of anybody's work.
OPEN_PATHS = frozenset({"/", "/health", "/api/version"})
#: Whose shape an error has, by the beginning of the path.
_WIRES: dict[str, WireFormat] = {"/v1/messages": Messages(), "/api/": Chat(), "": ChatCompletions()}
#: Each gives the paths of one file.
_ROUTES = (
    answers.routes,
    responses.routes,
    file_routes.routes,
    batch_routes.routes,
    tokens.routes,
    models.routes,
    embeddings.routes,
    ollama.routes,
    health.routes,
    metrics.routes,
    openapi.routes,
)


def app(
    backend: Backend,
    *,
    rules: GuardRules | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    now_s: Callable[[], float] = time.monotonic,
    memory_bytes: Callable[[], int | None] = lambda: None,
    queue: QueueDoor | None = None,
    records: Records | None = None,
    work: bool = False,
    brake: Brake | None = None,
    access_log: Callable[[str], None] = lambda _line: None,
    route: RoutePlan | None = None,
) -> Starlette:
    """A gateway to one engine, and to a queue if one is given, which it closes at its end.

    `rules`: who is let in, by default whoever is on this machine. `records`: what it remembers between requests.
    `access_log`: gets a line of JSON for each request. `work`: answer the queue's jobs as well, with slots that nobody else needs.
    `brake`: for callers that repeat themselves; by default eight times within two minutes. `route`: other targets beside the
    engine, and who is asked when; None: the engine answers all.
    """
    rules = rules or GuardRules()
    log = RequestLog(counters=RequestCounters(), write=access_log, now=now, now_s=now_s)
    context = _context(
        backend,
        token=rules.token,
        queue=queue,
        records=records,
        log=log,
        memory_bytes=memory_bytes,
        brake=brake or Brake(),
        route=route,
    )
    guard = Middleware(Guard, rules=rules, open_paths=OPEN_PATHS, wires=_WIRES)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with _running(context, work=work):
            yield

    return Starlette(
        routes=[route for routes in _ROUTES for route in routes(context)],
        middleware=[Middleware(AccessLog, log=log), guard],
        exception_handlers={HTTPException: _http_error, Exception: _fault},
        lifespan=lifespan,
    )


def _context(
    backend: Backend,
    *,
    token: str | None,
    queue: QueueDoor | None,
    records: Records | None,
    log: RequestLog,
    memory_bytes: Callable[[], int | None],
    brake: Brake,
    route: RoutePlan | None,
) -> GatewayContext:
    now, now_s = log.now, log.now_s
    live = Live(backend, now=now, now_s=now_s, tell=log.tell)
    routing = routing_of(route, live, now=now, now_s=now_s, tell=log.tell) if route is not None else None
    files = FileStore(records.path.parent / "files", records) if records else None
    batches = None
    if queue is not None and records is not None and files is not None:
        parts = BatchParts(bridge=queue.bridge, live=live, records=records, files=files, now=now)
        batches = BatchRunner(parts)
    return GatewayContext(
        live=live,
        token=token,
        pulls=Pulls(backend.engine, on_done=live.listing.forget),
        queue=queue,
        records=records,
        files=files,
        batches=batches,
        now=now,
        counters=log.counters,
        brake=brake,
        now_s=now_s,
        memory_bytes=memory_bytes,
        routing=routing,
    )


@asynccontextmanager
async def _running(context: GatewayContext, *, work: bool) -> AsyncIterator[None]:
    """What runs beside the requests; all of it ends, and what is open is closed, when the block does."""
    live, queue, batches = context.live, context.queue, context.batches
    if batches is not None:
        batches.resume()
    worker = QueueWorker(live, queue.bridge.opened.shown) if queue is not None and work else None
    if worker is not None:
        worker.start()
    chores = [asyncio.create_task(chore) for chore in (live.residency.keep_looking(), keep_forgetting(context))]
    yield
    for chore in chores:
        chore.cancel()
    if worker is not None:
        await worker.close()
    if batches is not None:
        await batches.close()
    if context.routing is not None:
        await context.routing.close(besides=live)
    await live.close()
    for part in (queue, context.records):
        if part is not None:
            part.close()


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.url.path[:80]
    if status == 405:
        message = f"{request.method} is not what {path} takes"
        return refused(_wire(path), ApiRefusal(kind=RefusalKind.WRONG_METHOD, message=message))
    return refused(_wire(path), ApiRefusal(kind=RefusalKind.NOT_FOUND, message=f"there is nothing at {path}"))


async def _fault(request: Request, _error: Exception) -> Response:
    message = "the gateway failed; its log says why"
    return refused(_wire(request.url.path), ApiRefusal(kind=RefusalKind.INTERNAL, message=message))


def _wire(path: str) -> WireFormat:
    return next(wire for start, wire in _WIRES.items() if path.startswith(start))
