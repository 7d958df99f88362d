"""Engines that answer everything badly, and jobs that no engine answers: who pays, who waits, and what is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge import State
from bridge.core.events import EventKind
from bridge.engines.base import Engine
from bridge.engines.blame import JOBS_IN_A_ROW
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine
from bridge.worker.config import End
from tests.support.harness import Harness
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.openai import LoopbackOpenAI

MODEL = "qwen2.5-coder:7b"
JOBS = 40
PAGE = (200, {"Content-Type": "text/html"}, "<html>Please sign in</html>")


@dataclass
class Loopback:
    """A server of either kind, that can be broken in the ways of its wire, and mended."""

    server: LoopbackOllama | LoopbackOpenAI
    engine: Engine
    ways: dict[str, Any]

    def breaks(self, way: str, prompts: str = "") -> None:
        """For prompts that hold this, from now on."""
        self.server.failing_prompts = {prompts: self.ways[way]}

    def mend(self) -> None:
        self.server.failing_prompts = {}

    @property
    def requests(self) -> int:
        return len(self.server.requests)


OLLAMA_WAYS = {
    "404": Failure.NO_ROUTE,
    "400": Failure.REFUSED_OPTION,
    "403": Failure.FORBIDDEN,
    "500": Failure.CRASHES,
    "429": Failure.RATE_LIMITED,
    "cut stream": Failure.RESET,
    "no end": Failure.NO_DONE,
    "invalid JSON": Failure.GARBAGE,
    "page": Failure.SIGN_IN,
    "page called JSON": Failure.SIGN_IN_AS_JSON,
    "empty": Failure.EMPTY,
}
OPENAI_WAYS = {
    "404": (404, {"Content-Type": "text/html"}, "<html>Not Found</html>"),
    "400": (400, {}, '{"error": {"message": "Unknown parameter"}}'),
    "403": (403, {}, '{"error": {"message": "Incorrect API key"}}'),
    "500": (500, {}, '{"error": {"message": "The server had an error"}}'),
    "429": (429, {}, '{"error": {"message": "Rate limit reached"}}'),
    "cut stream": "reset",
    "no end": "no finish",
    "invalid JSON": "garbage",
    "page": PAGE,
    "page called JSON": (200, {}, PAGE[2]),
    "empty": "empty",
    "asks for a day": (429, {"Retry-After": "86400"}, '{"error": {"message": "Rate limit reached"}}'),
}
#: So long that each stream breaks before its end.
LONG = "an answer that is long enough to be broken off"


@pytest.fixture(params=["ollama", "openai"])
def loopback(request: pytest.FixtureRequest) -> Iterator[Loopback]:
    if request.param == "ollama":
        with LoopbackOllama(answer=lambda _: LONG) as server:
            yield Loopback(server, OllamaEngine(server.url), OLLAMA_WAYS)
    else:
        with LoopbackOpenAI(answer=lambda _: LONG, models=(MODEL,)) as server:
            yield Loopback(server, OpenAIEngine(server.url), OPENAI_WAYS)


@pytest.fixture
def api() -> Iterator[Loopback]:
    with LoopbackOpenAI(answer=lambda _: LONG, models=(MODEL,)) as server:
        yield Loopback(server, OpenAIEngine(server.url), OPENAI_WAYS)


def attempts(harness: Harness, jobs: list[str]) -> int:
    return sum(len(harness.view(job).job.attempts) for job in jobs)


@pytest.mark.parametrize(("way", "lanes"), [*((way, 1) for way in sorted(OLLAMA_WAYS)), ("404", 4), ("cut stream", 4)])
def test_an_engine_that_is_mended_answers_every_job_of_a_batch(
    way: str, lanes: int, harness: Harness, loopback: Loopback
) -> None:
    jobs = harness.add(*(f"job {n}" for n in range(JOBS)))
    loopback.breaks(way)
    seen: list[tuple[dict[str, int], int, int]] = []
    harness.clock.at(200, lambda: seen.append((harness.states(), attempts(harness, jobs), loopback.requests)))
    harness.clock.at(200.5, loopback.mend)
    done = harness.work(loopback.engine, model=MODEL, lanes=lanes)
    [(states, burnt, requests)] = seen
    assert states.get("failed", 0) == burnt == 0
    assert sum(states.values()) == JOBS  # they wait, or are claimed by the worker that waits
    assert requests < 10 * JOBS_IN_A_ROW * lanes  # it was left alone for longer and longer
    assert (done.answered, done.failed, attempts(harness, jobs)) == (JOBS, 0, 0)
    assert harness.states() == {"succeeded": JOBS}
    down, back = harness.told(EventKind.ENGINE)  # said once
    assert "takes no requests" in down
    assert "answers again" in back


def test_an_engine_that_breaks_midway_costs_no_job_an_attempt(harness: Harness, loopback: Loopback) -> None:
    jobs = harness.add(*(f"job {n}" for n in range(JOBS)))
    loopback.server.answer = _after(20, lambda: loopback.breaks("404"))
    harness.clock.at(300, loopback.mend)
    done = harness.work(loopback.engine, model=MODEL, lanes=3)
    assert (done.answered, done.failed, attempts(harness, jobs)) == (JOBS, 0, 0)


@pytest.mark.parametrize("way", sorted(OLLAMA_WAYS))
@pytest.mark.parametrize("place", [0, JOBS - 1])
def test_a_job_that_alone_always_fails_ends_and_the_others_are_answered(
    way: str, place: int, harness: Harness, loopback: Loopback
) -> None:
    prompts = [f"job {n}" for n in range(JOBS)]
    prompts[place] = "cursed"
    bad = harness.add(*prompts)[place]
    loopback.breaks(way, "cursed")
    done = harness.work(loopback.engine, model=MODEL)
    assert (done.end, done.answered, done.failed) == (End.EMPTY, JOBS - 1, 1)
    assert harness.view(bad).state is State.FAILED
    assert harness.clock.seconds < 3600


@pytest.mark.parametrize("way", ["400", "cut stream", "500"])
def test_three_bad_jobs_at_the_head_do_not_stop_the_others(way: str, harness: Harness, loopback: Loopback) -> None:
    bad = harness.add(*(f"cursed {n}" for n in range(JOBS_IN_A_ROW)))
    harness.add(*(f"job {n}" for n in range(10)))
    loopback.breaks(way, "cursed")
    done = harness.work(loopback.engine, model=MODEL)
    assert done.answered == 10
    assert done.failed + harness.states().get("queued", 0) == len(
        bad
    )  # which of the two, tests/engines/test_blame.py says
    assert harness.clock.seconds < 3600


@pytest.mark.parametrize("way", ["400", "500"])
def test_when_nothing_that_is_left_gets_an_answer_the_worker_ends(
    way: str, harness: Harness, loopback: Loopback
) -> None:
    harness.add(*(f"job {n}" for n in range(5)))
    bad = harness.add(*(f"cursed {n}" for n in range(JOBS_IN_A_ROW)))
    loopback.breaks(way, "cursed")
    done = harness.work(loopback.engine, model=MODEL)
    assert (done.end in (End.NO_ANSWERS, End.EMPTY), done.answered) == (True, 5)
    assert done.failed + harness.states().get("queued", 0) == len(bad)
    assert harness.clock.seconds < 7200


def test_jobs_that_are_wrong_in_themselves_never_open_the_breaker(harness: Harness, loopback: Loopback) -> None:
    bad = harness.add(*(f"{'x' * 40_000} {n}" for n in range(5)))  # longer than the context
    done = harness.work(loopback.engine, model=MODEL, num_ctx=600)
    assert (done.end, done.failed) == (End.EMPTY, len(bad))
    assert harness.told(EventKind.ENGINE) == []


def test_an_engine_that_asks_for_a_day_ends_the_worker_which_says_so(harness: Harness, api: Loopback) -> None:
    jobs = harness.add("a", "b")
    api.breaks("asks for a day")
    done = harness.work(api.engine, model=MODEL)
    assert (done.end, done.failed, done.answered) == (End.TOLD_TO_WAIT, 0, 0)
    assert harness.clock.seconds < 60
    assert attempts(harness, jobs) == 0
    [told] = harness.told(EventKind.ENGINE)
    assert "24 h" in told
    assert harness.states() == {"queued": 2}


def test_a_worker_that_stays_waits_a_day_if_asked_to_and_says_so(harness: Harness, api: Loopback) -> None:
    harness.add("a")
    api.breaks("asks for a day")
    harness.clock.at(100, api.mend)
    worker = harness.worker(api.engine, model=MODEL, forever=True)
    shown: list[Any] = []
    harness.clock.at(50, lambda: shown.append(harness.open().status().outages))
    harness.clock.at(200, worker.ask_to_stop)
    assert worker.run().end is End.STOPPED
    assert api.requests == 1
    assert "24 h" in harness.told(EventKind.ENGINE)[0]
    [[(_, why)]] = shown
    assert "Rate limit" in why


def test_status_says_what_is_wrong_while_the_engine_answers_nothing(
    harness: Harness, loopback: Loopback, tmp_path: Path
) -> None:
    harness.add(*(f"job {n}" for n in range(JOBS)))
    loopback.breaks("400")
    shown: list[Any] = []
    harness.clock.at(60, lambda: shown.append(harness.open().status()))
    harness.clock.at(90, loopback.mend)
    harness.work(loopback.engine, model=MODEL)
    [status] = shown
    [(worker, why)] = status.outages
    assert "jobs in a row failed" in why
    assert status.to_json()["outages"] == [{"worker": worker, "reason": why}]


def _after(count: int, act: Callable[[], None]) -> Callable[[str], str]:
    """Answers; does something with the answer that has this number."""
    asked = 0

    def answer(_prompt: str) -> str:
        nonlocal asked
        asked += 1
        if asked == count:
            act()
        return LONG

    return answer
