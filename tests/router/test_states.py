"""Gates and breakers by their written rules, and 10,000 requests under random faults."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from bridge.core.errors import (
    BadRequest,
    ContextExceeded,
    EngineDown,
    EngineError,
    QuotaExhausted,
    RateLimited,
    Refused,
)
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk, refusal_of
from bridge.router.choice import RouteChoice
from bridge.router.gate import LONGEST_S, Gate
from bridge.router.meaning import CallOutcome, Meaning, meaning_of
from bridge.router.plan import AskTarget, Exhausted, Pause, Route, TargetStates
from bridge.router.target_breaker import BreakerRule, TargetBreaker

WELL, ILL = Meaning(outcome=CallOutcome.ANSWERED), Meaning(outcome=CallOutcome.FAILED)
RULE = BreakerRule()


# ---- the breaker


def after(*answered: bool, every_s: float = 1.0, rule: BreakerRule = RULE) -> TargetBreaker:
    breaker = TargetBreaker()
    for number, well in enumerate(answered):
        now_s = number * every_s
        breaker = breaker.succeeded(now_s, rule) if well else breaker.failed(now_s, rule)
    return breaker


@pytest.mark.parametrize(
    ("answered", "is_open"),
    [
        ([False] * 9, False),  # nine calls prove nothing
        ([False] * 10, True),
        ([True, False] * 5, False),  # half of them is not more than half
        ([True] * 4 + [False] * 5, False),
        ([True] * 4 + [False] * 6, True),
    ],
)
def test_more_than_half_of_at_least_ten_calls_opens_it(answered: list[bool], is_open: bool) -> None:
    assert (after(*answered).open_until_s is not None) is is_open


def test_calls_of_more_than_five_minutes_ago_do_not_count() -> None:
    assert after(*[False] * 30, every_s=34.0).open_until_s is None


def test_it_stays_open_for_half_an_hour_and_then_lets_one_through() -> None:
    opened = after(*[False] * 10)
    assert not opened.lets_through(9 + 1799.0)
    assert opened.lets_through(9 + 1800.0)
    asked = opened.asked()
    assert not asked.lets_through(2000.0)
    assert asked.succeeded(2000.0, RULE).lets_through(2000.0)
    again = asked.failed(2000.0, RULE)
    assert (again.lets_through(3799.0), again.lets_through(3800.0)) == (False, True)
    assert asked.given_up().lets_through(2000.0)  # its client left: the next one is the one


def test_a_late_failure_of_a_call_from_before_does_not_keep_it_open_longer() -> None:
    opened = after(*[False] * 10)
    assert opened.failed(1000.0, RULE).open_until_s == opened.open_until_s


# ---- the gate


def test_a_gate_is_closed_as_long_as_the_target_said_or_longer_each_time() -> None:
    gate = Gate().refused(100.0, wait_s=60.0, reason="busy")
    assert (gate.left_s(100.0), gate.left_s(160.0)) == (60.0, 0.0)
    assert gate.refused(110.0, wait_s=1.0, reason="").left_s(110.0) == 50.0
    silent = Gate()
    waits = []
    for now_s in (0.0, 1_000.0, 2_000.0):
        silent = silent.refused(now_s, wait_s=None, reason="")
        waits.append(silent.left_s(now_s))
    assert waits == [10.0, 20.0, 40.0]
    assert silent.answered() == Gate()
    assert Gate().refused(0.0, wait_s=1e9, reason="").left_s(0.0) == LONGEST_S


# ---- what a refusal means


def refused(error: EngineError) -> RefusedAsk:
    try:
        raise RefusedAsk(refusal_of(error)) from error
    except RefusedAsk as made:
        return made


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (RateLimited("x", retry_after_s=7.0), Meaning(outcome=CallOutcome.LIMITED, wait_s=7.0)),
        (QuotaExhausted("x"), Meaning(outcome=CallOutcome.LIMITED, wait_s=3600.0)),
        (EngineDown("x"), ILL),
        (ContextExceeded("x", over_by=1), Meaning(outcome=CallOutcome.UNFIT)),
        (Refused("HTTP 401: Incorrect API key"), ILL),  # the target's key, not the caller's request
        (BadRequest("HTTP 400: API key not valid"), ILL),  # Gemini's word for it
        (BadRequest("HTTP 404: not found"), ILL),  # a wrong address
        (BadRequest("HTTP 400: Unknown parameter"), Meaning(outcome=CallOutcome.CALLERS)),
        (Refused("the API's content filter ended the answer"), Meaning(outcome=CallOutcome.CALLERS)),
    ],
)
def test_what_a_refusal_means(error: EngineError, meaning: Meaning) -> None:
    assert meaning_of(refused(error)) == meaning


def test_what_the_gateway_itself_refuses_is_no_fault_of_the_target() -> None:
    def own(kind: RefusalKind) -> CallOutcome:
        return meaning_of(RefusedAsk(ApiRefusal(kind=kind, message=""))).outcome

    assert own(RefusalKind.LINE_FULL) is own(RefusalKind.CONTEXT_EXCEEDED) is CallOutcome.UNFIT
    assert own(RefusalKind.BAD_REQUEST) is CallOutcome.CALLERS


# ---- many requests


@dataclass
class Provider:
    """What a target does, by turns of random length."""

    dice: random.Random
    dead: bool = False
    mood: CallOutcome = CallOutcome.ANSWERED
    until_s: float = 0.0
    calls: int = 0

    def says(self, now_s: float) -> Meaning:
        self.calls += 1
        if self.dead:
            return ILL
        if now_s >= self.until_s:
            self.mood = self.dice.choice([*CallOutcome, CallOutcome.ANSWERED, CallOutcome.ANSWERED])
            self.until_s = now_s + self.dice.expovariate(1 / 120)
        wait_s = self.dice.choice([None, 0.5, 4.0, 30.0, 900.0]) if self.mood is CallOutcome.LIMITED else None
        return Meaning(outcome=self.mood, wait_s=wait_s)


@dataclass
class World:
    """Providers, one clock, and many requests at once."""

    seed: int
    dead: tuple[str, ...] = ()
    now_s: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    calls: list[int] = field(default_factory=list)
    opened: list[tuple[str, float]] = field(default_factory=list)

    def run(self, requests: int) -> None:
        dice = random.Random(self.seed)
        providers = {name: Provider(dice, dead=name in self.dead) for name in ("a", "b", "c")}
        states = TargetStates(rule=RULE, short_wait_s=5.0, now_s=lambda: self.now_s)
        events: list[tuple[float, int, str, object]] = []
        ways = {}
        for number in range(requests):
            ways[number] = Route(order=[RouteChoice(target=name) for name in providers])
            heapq.heappush(events, (dice.uniform(0, requests * 4), number, "step", None))
        while events:
            self.now_s, number, what, asked = heapq.heappop(events)
            route = ways[number]
            if what == "ended":
                name, meaning = asked  # type: ignore[misc]
                states.ended(route, name, meaning)
                if meaning.outcome in (CallOutcome.ANSWERED, CallOutcome.CALLERS):
                    self._end(number, route, meaning.outcome.value)
                    continue
            elif what == "left":
                states.given_up(str(asked))
                self._end(number, route, "left")
                continue
            step = states.next_step(route)
            if isinstance(step, AskTarget):
                name = step.choice.target
                took_s = dice.expovariate(1 / 2)
                gone = dice.random() < 0.02
                event = name if gone else (name, providers[name].says(self.now_s))
                heapq.heappush(events, (self.now_s + took_s, number, "left" if gone else "ended", event))
            elif isinstance(step, Pause):
                heapq.heappush(events, (self.now_s + step.seconds, number, "step", None))
            else:
                assert step.retry_after_s > 0
                self._end(number, route, "queued")

    def _end(self, number: int, route: Route, how: str) -> None:
        self.ends[how] += 1
        self.calls.append(sum(route.calls.values()))


@pytest.mark.parametrize("seed", range(3))
def test_every_request_ends_once_and_none_asks_a_target_more_than_twice(seed: int) -> None:
    world = World(seed=seed)
    world.run(10_000)
    assert sum(world.ends.values()) == len(world.calls) == 10_000
    assert max(world.calls) <= 6
    assert all(world.ends[how] for how in ("answered", "callers", "left", "queued"))


@pytest.mark.parametrize(("dead", "most"), [(("a",), 3.0), (("a", "b"), 3.0), (("a", "b", "c"), 1.0)])
def test_a_dead_target_makes_no_storm(dead: tuple[str, ...], most: float) -> None:
    world = World(seed=7, dead=dead)
    world.run(10_000)
    assert sum(world.calls) / len(world.calls) <= most


def test_a_dead_target_is_asked_ten_times_and_then_once_in_half_an_hour() -> None:
    now = [0.0]
    states = TargetStates(rule=RULE, short_wait_s=5.0, now_s=lambda: now[0])
    calls = 0
    for second in range(7_200):
        now[0] = float(second)
        route = Route(order=[RouteChoice(target="a")])
        if isinstance(states.next_step(route), AskTarget):
            calls += 1
            states.ended(route, "a", ILL)
    assert calls == 10 + 3  # at 1,809, 3,609, 5,409 s


def test_who_comes_too_early_is_told_when_the_first_target_is_back() -> None:
    states = TargetStates(rule=RULE, short_wait_s=5.0, now_s=lambda: 0.0)
    route = Route(order=[RouteChoice(target=name) for name in ("a", "b")])
    for name, wait_s in (("a", 900.0), ("b", 70.0)):
        assert isinstance(states.next_step(route), AskTarget)
        states.ended(route, name, Meaning(outcome=CallOutcome.LIMITED, wait_s=wait_s))
    assert states.next_step(route) == Exhausted(retry_after_s=70.0)
    assert route.trail == ["a=limited", "b=limited", "a=closed for 900 s"][:2]


def test_a_target_that_asks_for_one_short_pause_after_another_is_asked_twice() -> None:
    now = [0.0]
    states = TargetStates(rule=RULE, short_wait_s=5.0, now_s=lambda: now[0])
    route = Route(order=[RouteChoice(target="a")])
    steps = []
    while not isinstance(step := states.next_step(route), Exhausted) and len(steps) < 20:
        steps.append(type(step))
        if isinstance(step, Pause):
            now[0] += step.seconds
        else:
            states.ended(route, "a", Meaning(outcome=CallOutcome.LIMITED, wait_s=2.0))
    assert steps == [AskTarget, Pause, AskTarget]
