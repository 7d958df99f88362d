"""A gateway before a router: two providers of the loopback, a queue at the end, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge import Bridge
from bridge.engines.openai import OpenAIEngine
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.routing import RoutePlan, RoutingRules
from bridge.router.ledger import UsageLedger
from bridge.router.target_breaker import BreakerRule
from bridge.router.targets import RouteRole, Target, Targets
from tests.gateway.serving import Gateway, gateway
from tests.support.openai import LoopbackOpenAI
from tests.support.queues import make_queue

#: Longer than any gate or breaker stays closed.
DAYS_S = 200_000.0


@dataclass
class Clock:
    """Seconds that only tests let pass."""

    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Routed:
    """All of it."""

    gateway: Gateway
    first: LoopbackOpenAI
    second: LoopbackOpenAI
    home: ScriptedEngine
    queue: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def url(self) -> str:
        return self.gateway.url

    def jobs(self, state: str | None = None) -> list[str]:
        with Bridge(str(self.queue)) as queue:
            return [line.id for line in queue.jobs(state=state)]

    def answer(self, text: str) -> None:
        """Some worker answers the open job."""
        with Bridge(str(self.queue)) as queue:
            [job] = [line.id for line in queue.jobs(state="queued")]
            queue.answer(job, text)


@contextmanager
def routed(
    folder: Path,
    *order: str,
    rules: RoutingRules | None = None,
    breaker: BreakerRule | None = None,
    off: frozenset[str] = frozenset(),
    ledger: UsageLedger | None = None,
) -> Iterator[Routed]:
    """One whose targets are asked in this order: `first`, `second` (providers), `home` (an engine of this machine), `queue`."""
    home, clock = ScriptedEngine(default=lambda request: "from home", models=("qwen2.5-coder:7b", "qwen2.5-coder:1.5b")), Clock()  # fmt: skip
    queue = make_queue(folder / "q")
    known = {name: Target(name=name, model="large") for name in ("first", "second")}
    known["home"] = Target(name="home", is_local=True)
    targets = Targets(known=known, lists={RouteRole.CODING: order, RouteRole.REASONING: order}, fallback_to_local=False)
    with (
        LoopbackOpenAI(answer=lambda _: "from first") as first,
        LoopbackOpenAI(answer=lambda _: "from second") as second,
    ):
        engines = {"first": OpenAIEngine(first.url, silence_s=5.0), "second": OpenAIEngine(second.url, silence_s=5.0)}
        plan = RoutePlan(
            targets=targets, home="home", engines=engines, rules=rules or RoutingRules(), off=lambda _now: off,
            breaker=breaker or BreakerRule(), ledger=ledger,
        )  # fmt: skip
        with gateway(home, queue=queue, state=folder / "state", route=plan, now_s=clock) as made:
            yield Routed(gateway=made, first=first, second=second, home=home, queue=queue, clock=clock)
