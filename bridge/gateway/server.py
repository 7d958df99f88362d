"""The gateway on a port, by uvicorn, until it is told to end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn

from bridge.api.bridge import Bridge
from bridge.core.errors import ConfigError
from bridge.engines.base import Engine
from bridge.engines.relay import Relay
from bridge.engines.slot_files import SlotFiles
from bridge.gateway.app import app
from bridge.gateway.brake import Brake
from bridge.gateway.line import Line
from bridge.gateway.live import Backend
from bridge.gateway.memory import memory_bytes
from bridge.gateway.plan import ServePlan
from bridge.gateway.queued import QueueDoor
from bridge.gateway.records import Records
from bridge.gateway.routing import RoutePlan
from bridge.gateway.slots import Slots

#: How long requests under way may go on once it is told to end, in seconds.
_FAREWELL_S = 5
#: Connections that may wait to be accepted.
_BACKLOG = 1024


def serve(
    engine: Engine,
    plan: ServePlan,
    *,
    relay: Relay | None = None,
    machine: SlotFiles | None = None,
    on_ready: Callable[[str], None],
    on_request: Callable[[str], None],
    queue: Bridge | None,
    home: Path,
    route: RoutePlan | None = None,
) -> None:
    """Serve until a signal ends it; `on_ready` gets the address, `on_request` a line for each request.

    `queue` is closed at the end; None: there is none. `home`: a folder for what is remembered between requests.
    `relay`: the way to the same API for clients of its own family. `machine`: the engine's slots, shared with other processes.
    `route`: see `app`.

    Raises:
        ConfigError: the port is taken, or the plan is not safe.
    """
    rules = plan.rules()
    listener = _listen(plan.host, plan.port)
    config = uvicorn.Config(
        app(
            backend_of(engine, plan, relay=relay, machine=machine),
            rules=rules,
            memory_bytes=memory_bytes,
            queue=QueueDoor(queue) if queue else None,
            records=Records(home / "gateway.sqlite3"),
            work=plan.work,
            brake=Brake(most=plan.brake_repeats),
            access_log=on_request,
            route=route,
        ),
        log_level="warning",
        access_log=False,  # it would hold paths with ids; ours says what a request was, without its words
        server_header=False,
        timeout_graceful_shutdown=_FAREWELL_S,
    )
    host = f"[{plan.host}]" if ":" in plan.host else plan.host
    with listener:
        on_ready(f"http://{host}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])


def backend_of(
    engine: Engine, plan: ServePlan, *, relay: Relay | None = None, machine: SlotFiles | None = None
) -> Backend:
    """An engine with its line, as planned. `machine`: slots that other processes of this machine share."""
    one_model = engine.name not in ("openai", "anthropic")
    line = Line(lanes=plan.lanes, longest=plan.longest_line, one_model=one_model)
    return Backend(
        engine=engine,
        slots=Slots(line, now_s=time.monotonic, machine=machine),
        default_model=plan.model,
        num_ctx=plan.num_ctx,
        max_tokens=plan.max_tokens,
        timeout_s=plan.timeout_s,
        idle_s=plan.idle_s,
        on_use=plan.on_use,
        is_public=plan.is_public,
        relay=relay,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)  # before the address is told: who reads it may come at once
    except OSError as error:
        listener.close()
        raise ConfigError(f"{host}:{port} cannot be listened on ({error.strerror}): `--port` names another") from None
    return listener
