"""What to do next with a request: ask this target, wait so long for it, or give up on all. Pure: the clock comes in.

A request asks each target once, and once more after a short pause that the target asked for; so it makes at most two calls of
each, however ill they all are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.router.choice import RouteChoice
from bridge.router.gate import Gate
from bridge.router.meaning import CallOutcome, Meaning
from bridge.router.target_breaker import BreakerRule, TargetBreaker

#: When to come again, where no target says, in seconds.
TRY_AGAIN_S = 30.0
#: Calls of one target that one request makes.
_MOST_CALLS = 2


@dataclass(frozen=True, kw_only=True)
class AskTarget:
    """Ask this target now."""

    choice: RouteChoice


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Wait, then look again."""

    target: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Exhausted:
    """Nobody is left."""

    retry_after_s: float  #: when one of them is to be asked again


Step = AskTarget | Pause | Exhausted


@dataclass(kw_only=True)
class Route:
    """The way of one request so far."""

    order: Sequence[RouteChoice]
    calls: Counter[str] = field(default_factory=Counter)
    done: set[str] = field(default_factory=set)  #: targets that it does not ask again
    trail: list[str] = field(default_factory=list)  #: `NAME=what became of it`, in order


class TargetStates:
    """Gate and breaker of each target, for all requests of one gateway. One thread at a time."""

    def __init__(self, *, rule: BreakerRule, short_wait_s: float, now_s: Callable[[], float]) -> None:
        """`short_wait_s`: a shorter pause is waited for."""
        self._rule, self._short_wait_s, self._now_s = rule, short_wait_s, now_s
        self._gates: dict[str, Gate] = {}
        self._breakers: dict[str, TargetBreaker] = {}

    def gate(self, name: str) -> Gate:
        """A target's gate."""
        return self._gates.get(name, _OPEN)

    def breaker(self, name: str) -> TargetBreaker:
        """A target's breaker."""
        return self._breakers.get(name, _CLOSED)

    def next_step(self, route: Route) -> Step:
        """What a request does now; a call that is to be asked counts as begun."""
        now_s = self._now_s()
        for choice in route.order:
            name = choice.target
            if name in route.done:
                continue
            if not self.breaker(name).lets_through(now_s):
                self._pass_by(route, name, "breaker open")
                continue
            left_s = self.gate(name).left_s(now_s)
            if left_s > self._short_wait_s:
                self._pass_by(route, name, f"closed for {left_s:.0f} s")
                continue
            if left_s > 0:
                return Pause(target=name, seconds=left_s)
            self._breakers[name] = self.breaker(name).asked()
            route.calls[name] += 1
            return AskTarget(choice=choice)
        return Exhausted(retry_after_s=self._reopens_s([choice.target for choice in route.order], now_s))

    def ended(self, route: Route, name: str, meaning: Meaning, *, why: str = "") -> None:
        """A call ended so. `why`: for people."""
        now_s, outcome = self._now_s(), meaning.outcome
        breaker, gate = self.breaker(name), self.gate(name)
        if outcome is CallOutcome.FAILED:
            self._breakers[name] = breaker.failed(now_s, self._rule)
        elif outcome is CallOutcome.ANSWERED or breaker.is_probing:  # whatever else it said, it is there
            self._breakers[name] = breaker.succeeded(now_s, self._rule)
        if outcome is CallOutcome.LIMITED:
            self._gates[name] = gate.refused(now_s, wait_s=meaning.wait_s, reason=why)
        elif outcome is CallOutcome.ANSWERED:
            self._gates[name] = gate.answered()
        route.trail.append(f"{name}={outcome.value}")
        if outcome is not CallOutcome.LIMITED or route.calls[name] >= _MOST_CALLS:
            route.done.add(name)

    def given_up(self, name: str) -> None:
        """A call was ended by its client: it tells nothing of the target."""
        self._breakers[name] = self.breaker(name).given_up()

    def close(self, name: str, seconds: float, reason: str) -> None:
        """Close a target's gate, as a budget does that is used up."""
        self._gates[name] = self.gate(name).refused(self._now_s(), wait_s=seconds, reason=reason)

    def _pass_by(self, route: Route, name: str, why: str) -> None:
        if not route.calls[name]:
            route.trail.append(f"{name}={why}")
        route.done.add(name)

    def _reopens_s(self, names: Sequence[str], now_s: float) -> float:
        closed = [max(self.gate(name).left_s(now_s), self.breaker(name).left_s(now_s)) for name in names]
        return min((left_s for left_s in closed if left_s > 0), default=TRY_AGAIN_S)


_OPEN = Gate()
_CLOSED = TargetBreaker()
