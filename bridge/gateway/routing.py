"""What the gateway holds of the router: a live engine for each target, their states, and who talks with whom."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from starlette.requests import Request

from bridge.core.options import DEFAULT_NUM_CTX
from bridge.engines.base import Engine
from bridge.gateway.line import Line
from bridge.gateway.live import Backend, Live
from bridge.gateway.slots import Slots
from bridge.router.ledger import UsageLedger
from bridge.router.plan import TargetStates
from bridge.router.target_breaker import BreakerRule
from bridge.router.targets import Target, Targets
from bridge.router.task import RouteWish
from bridge.router.usage import CallFact

#: Conversations that are remembered.
_MOST_CONVERSATIONS = 2_000
#: Requests that an API elsewhere is sent at the same time.
_REMOTE_LANES = 64
#: Tokens that an API reads, where its table does not say.
_REMOTE_WINDOW = 128_000


@dataclass(frozen=True, kw_only=True)
class RoutingRules:
    """The settings of the router, beside its targets."""

    short_wait_s: float = 5.0  #: a target that asks for a shorter pause is waited for
    first_token_s: float = 60.0  #: an API that says nothing for so long counts as failed
    queue_tools: bool = False  #: turns with tools go into the queue unasked
    continue_streams: bool = False  #: a stream that dies in the middle is gone on with
    history: str = "all"  #: see `router.history`
    private_folders: tuple[str, ...] = ()
    budget_usd: float | None = None  #: of one caller and day; None: there is none


@dataclass(kw_only=True)
class Routing:
    """All of it, made once."""

    targets: Targets
    lives: Mapping[str, Live]
    states: TargetStates
    rules: RoutingRules = RoutingRules()
    off: Callable[[datetime], frozenset[str]] = lambda _now: frozenset()  #: targets that are switched off
    ledger: UsageLedger | None = None  #: of all calls; None: nobody keeps them
    waiting: set[str] | None = None  #: keys of requests that ended in the queue; None: not read yet
    queueing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stays: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def may_not(self, caller: str, now: datetime) -> dict[str, str]:
        """{target: why it is not asked}: switched off, or the caller's budget is used up."""
        found = dict.fromkeys(self.off(now), "it is switched off")
        budget_usd = self.rules.budget_usd
        if budget_usd is not None and self.ledger is not None and self.ledger.spent_usd(caller, now) >= budget_usd:
            why = f"the budget of ${budget_usd:g} a day is used up"
            found |= {name: why for name, target in self.targets.known.items() if not target.is_local}
        return found

    def record(self, fact: CallFact) -> None:
        """Keep a call, in a thread: the reply does not wait for the disk."""
        if self.ledger is not None:
            writing = asyncio.get_running_loop().run_in_executor(None, self.ledger.record, fact)
            writing.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # a full disk costs the fact, not the answer

    def stays(self, conversation: str) -> str | None:
        """The target that a conversation has."""
        return self._stays.get(conversation)

    def remember(self, conversation: str, target: str) -> None:
        """A target answered in a conversation."""
        self._stays[conversation] = target
        self._stays.move_to_end(conversation)
        while len(self._stays) > _MOST_CONVERSATIONS:
            self._stays.popitem(last=False)

    async def close(self, *, besides: Live) -> None:
        """Let go of what the targets hold, but for the gateway's own engine."""
        for live in self.lives.values():
            if live is not besides:
                await live.close()
                live.backend.engine.close()
        if self.ledger is not None:
            self.ledger.close()


def wish_of(request: Request) -> RouteWish:
    """What a request's headers say of the way."""

    def header(name: str) -> str | None:
        return request.headers.get(f"x-bridge-{name}", "").strip()[:300] or None

    avoid: Sequence[str] = (header("avoid") or "").split(",")
    return RouteWish(
        target=header("target"), avoid=tuple(name.strip() for name in avoid if name.strip()), domain=header("domain"),
        path=header("path"), session=header("session"), user_agent=request.headers.get("user-agent", "")[:200],
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RoutePlan:
    """What is routed, before the gateway runs."""

    targets: Targets
    home: str  #: the gateway's own engine
    engines: Mapping[str, Engine]  #: of the other targets; one that is missing cannot be used
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    rules: RoutingRules = RoutingRules()
    breaker: BreakerRule = field(default_factory=BreakerRule)
    off: Callable[[datetime], frozenset[str]] = lambda _now: frozenset()
    ledger: UsageLedger | None = None  #: is closed with the gateway


def routing_of(
    plan: RoutePlan,
    home: Live,
    *,
    now: Callable[[], datetime],
    now_s: Callable[[], float],
    tell: Callable[[Mapping[str, object]], None],
) -> Routing:
    """The router of a gateway. `home`: its own engine."""
    lives = {}
    for name, target in plan.targets.known.items():
        if name in plan.engines:
            backend = _backend(
                plan.engines[name], target, home.backend, now_s=now_s, timeout_s=plan.timeouts_s.get(name)
            )
            lives[name] = Live(backend, now=now, now_s=now_s, tell=tell)
        elif name == plan.home:
            lives[name] = home
    states = TargetStates(rule=plan.breaker, short_wait_s=plan.rules.short_wait_s, now_s=now_s)
    return Routing(targets=plan.targets, lives=lives, states=states, rules=plan.rules, off=plan.off, ledger=plan.ledger)


def _backend(engine: Engine, target: Target, like: Backend, *, now_s: Callable[[], float], timeout_s: float | None) -> Backend:  # fmt: skip
    """An API elsewhere, or another engine of this machine, as the gateway asks it. `like`: the gateway's own engine."""
    remote = not target.is_local
    line = Line(lanes=_REMOTE_LANES if remote else like.slots.line.lanes, longest=100, one_model=False)
    window = target.context_tokens or (_REMOTE_WINDOW if remote else DEFAULT_NUM_CTX)
    return replace(
        like, engine=engine, slots=Slots(line, now_s=now_s), default_model=target.model, num_ctx=window, relay=None,
        timeout_s=timeout_s or like.timeout_s, is_remote=remote and target.model is not None,
        is_public=not (target.is_local or target.takes_private),
    )  # fmt: skip
