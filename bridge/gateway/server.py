"""The gateway on a port, by uvicorn, until it is told to end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from bridge.api.bridge import Bridge
from bridge.core.errors import ConfigError
from bridge.engines.base import Engine
from bridge.gateway.app import app
from bridge.gateway.guard import LOOPBACK, GuardRules
from bridge.gateway.line import Line
from bridge.gateway.live import Backend
from bridge.gateway.memory import memory_bytes
from bridge.gateway.queued import QueueDoor
from bridge.gateway.records import Records
from bridge.gateway.residency import IDLE_S
from bridge.gateway.slots import Slots

#: How long requests under way may go on once it is told to end, in seconds.
_FAREWELL_S = 5


@dataclass(frozen=True, kw_only=True)
class ServePlan:
    """Where and how to serve."""

    host: str = "127.0.0.1"
    port: int = 11452  #: 0: any that is free
    token: str | None = field(default=None, repr=False)
    allow_hosts: tuple[str, ...] = ()  #: names beside those of the loopback
    allow_origins: tuple[str, ...] = ()
    lanes: int = 1
    longest_line: int = 100
    model: str | None = None  #: for requests that name none, or one that nobody has; None: the engine's largest coder
    num_ctx: int = 8192
    max_tokens: int = 4096
    timeout_s: float = 3600.0
    idle_s: float = IDLE_S  #: after which a model that nobody uses goes out of memory; 0: never
    on_use: Callable[[str], None] = lambda _model: None  #: told each model that answered
    work: bool = True  #: answer the queue's jobs with slots that no request needs

    def rules(self) -> GuardRules:
        """Who is let in.

        Raises:
            ConfigError: others could reach it, and no token keeps them out.
        """
        if self.host not in LOOPBACK and not self.token:
            raise ConfigError(
                f"{self.host} can be reached from other machines: set BRIDGE_TOKEN (`bridge serve --new-token` makes one)"
            )
        hosts = LOOPBACK | set(self.allow_hosts) | ({self.host} - {"0.0.0.0", "::"})  # noqa: S104  # names, no address to bind
        return GuardRules(hosts=frozenset(hosts), origins=frozenset(self.allow_origins), token=self.token)


def serve(
    engine: Engine,
    plan: ServePlan,
    *,
    on_ready: Callable[[str], None],
    on_request: Callable[[str], None],
    queue: Bridge | None,
    home: Path,
) -> None:
    """Serve until a signal ends it; `on_ready` gets the address, `on_request` a line for each request.

    `queue` is closed at the end; None: there is none. `home`: a folder for what is remembered between requests.

    Raises:
        ConfigError: the port is taken, or the plan is not safe.
    """
    rules = plan.rules()
    listener = _listen(plan.host, plan.port)
    slots = Slots(
        Line(lanes=plan.lanes, longest=plan.longest_line, one_model=engine.name != "openai"), now_s=time.monotonic
    )
    backend = Backend(
        engine=engine, slots=slots, default_model=plan.model, num_ctx=plan.num_ctx, max_tokens=plan.max_tokens, timeout_s=plan.timeout_s,
        idle_s=plan.idle_s, on_use=plan.on_use,
    )  # fmt: skip
    config = uvicorn.Config(
        app(
            backend,
            rules=rules,
            memory_bytes=memory_bytes,
            queue=QueueDoor(queue) if queue else None,
            records=Records(home / "gateway.sqlite3"),
            work=plan.work,
            access_log=on_request,
        ),
        log_level="warning",
        access_log=False,  # it would hold paths with ids; ours says what a request was, without its words
        server_header=False,
        timeout_graceful_shutdown=_FAREWELL_S,
    )
    host = f"[{plan.host}]" if ":" in plan.host else plan.host
    on_ready(f"http://{host}:{listener.getsockname()[1]}")
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"{host}:{port} cannot be listened on ({error.strerror}): `--port` names another") from None
    return listener
