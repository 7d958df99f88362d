"""Where and how the gateway serves: what settings and the command line said, with every default decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.core.errors import ConfigError
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX
from bridge.gateway.brake import MOST_REPEATS
from bridge.gateway.guard import LOOPBACK, GuardRules
from bridge.gateway.residency import IDLE_S
from bridge.wiring import EngineSettings, GatewaySettings

#: Time limit for an answer, if nobody says another, in seconds.
TIMEOUT_S = 3600.0


def nobody_told(_model: str) -> None:
    """Nobody keeps count of what is used."""


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
    num_ctx: int = DEFAULT_NUM_CTX
    max_tokens: int = DEFAULT_MAX_TOKENS
    timeout_s: float = TIMEOUT_S
    idle_s: float = IDLE_S  #: after which an unused model goes out of memory; 0: never
    on_use: Callable[[str], None] = nobody_told  #: told each model that answered
    brake_repeats: int = MOST_REPEATS  #: of the same request; 0: no brake
    is_public: bool = False  #: somebody else runs the engine: no private request goes to it
    work: bool = True  #: answer the queue's jobs with slots that no request needs

    @classmethod
    def of(
        cls,
        said: GatewaySettings,
        engine: EngineSettings,
        *,
        token: str | None,
        is_public: bool = False,
        on_use: Callable[[str], None] = nobody_told,
    ) -> ServePlan:
        """What the settings mean for an engine, whose own table decides where they say nothing."""
        return cls(
            host=said.host, port=said.port, token=token, allow_hosts=said.allow_hosts, allow_origins=said.allow_origins,
            lanes=said.parallel, longest_line=said.max_waiting, model=said.model or engine.model,
            num_ctx=said.window or engine.context or DEFAULT_NUM_CTX, max_tokens=said.max_tokens,
            timeout_s=said.timeout_seconds or engine.timeout_seconds or TIMEOUT_S, idle_s=said.idle_seconds,
            brake_repeats=said.brake_repeats, work=said.work, on_use=on_use, is_public=is_public and not engine.private,
        )  # fmt: skip

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
