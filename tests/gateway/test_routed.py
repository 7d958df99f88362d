"""What a client sees when its provider says no: another one answers, or the queue does; nothing is lost, nothing answered twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anthropic
import httpx
import openai
import pytest

from bridge import Bridge
from bridge.core.errors import EngineDown
from bridge.gateway.routing import RoutingRules
from bridge.router.ledger import UsageLedger
from bridge.router.prices import PriceBook, TokenPrice
from bridge.router.target_breaker import BreakerRule
from tests.gateway.routes_to import DAYS_S, Clock, Routed, routed
from tests.support.patience import until

_LATER = "Fri, 31 Dec 2049 23:59:59 GMT"
_OPENAI_QUOTA = {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}}  # fmt: skip
_ANTHROPIC = {"type": "error", "error": {"type": "rate_limit_error", "message": "This request would exceed your limit"}}
_GROQ = {"error": {"message": "Rate limit reached for model `m` on tokens per day (TPD): Limit 100000, Used 99950. Please try again in 7m12.5s.", "type": "tokens", "code": "rate_limit_exceeded"}}  # fmt: skip
_GEMINI = [{"error": {"code": 429, "message": "You exceeded your current quota. Please retry in 34.07s.", "status": "RESOURCE_EXHAUSTED", "details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}, {"retryDelay": "34s"}]}}]  # fmt: skip

Failure = tuple[int, dict[str, str], str] | str

#: {what the first provider does: (how its loopback is told, what the trail says of it)}
FAILURES: dict[str, tuple[Failure, str]] = {
    "429": ((429, {}, "{}"), "limited"),
    "429, seconds": ((429, {"Retry-After": "200"}, "{}"), "limited"),
    "429, a date": ((429, {"Retry-After": _LATER}, "{}"), "limited"),
    "429, milliseconds": ((429, {"retry-after-ms": "90000"}, "{}"), "limited"),
    "quota of OpenAI": ((429, {}, json.dumps(_OPENAI_QUOTA)), "limited"),
    "limit of Anthropic": ((429, {"retry-after": "200"}, json.dumps(_ANTHROPIC)), "limited"),
    "quota of Groq": ((429, {}, json.dumps(_GROQ)), "limited"),
    "quota of Gemini": ((429, {}, json.dumps(_GEMINI)), "limited"),
    "500": ((500, {}, '{"error": {"message": "oops"}}'), "failed"),
    "503": ((503, {}, "overloaded"), "failed"),
    "401": ((401, {}, '{"error": {"message": "Incorrect API key"}}'), "failed"),
    "hang": ("mute", "failed"),
    "slow drip without a word": ("trickle", "failed"),
    "cut at once": ("reset early", "failed"),
    "cut before the first token": ("reset before", "failed"),
    "no end before the first token": ("empty", "failed"),
    "malformed JSON": ((200, {"Content-Type": "text/event-stream"}, "data: {broken\n\n"), "failed"),
    "a page of a proxy": ((200, {"Content-Type": "text/html"}, "<html>"), "failed"),
    "wrong model": ((404, {}, '{"error": {"message": "The model `large` does not exist", "code": "model_not_found"}}'), "unfit"),
}  # fmt: skip


#: Failures that only patience tells: with little of it, and a few clients.
_SILENT = ("hang", "slow drip without a word")


def patience(request: pytest.FixtureRequest) -> RoutingRules:
    silent = "name" in request.fixturenames and request.getfixturevalue("name") in _SILENT
    return RoutingRules(first_token_s=1.0 if silent else 60.0)


@pytest.fixture
def two(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Routed]:
    """Two providers, then the queue."""
    with routed(tmp_path, "first", "second", "queue", rules=patience(request)) as made:
        yield made


@pytest.fixture
def one(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Routed]:
    """One provider, then the queue."""
    with routed(tmp_path, "first", "queue", rules=patience(request)) as made:
        yield made


def openai_whole(url: str, text: str = "Fix f()") -> str:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        made = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": text}])
        return made.choices[0].message.content or ""


def openai_stream(url: str, text: str = "Fix f()") -> str:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        chunks = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": text}], stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def anthropic_whole(url: str, text: str = "Fix f()") -> str:
    with anthropic.Anthropic(base_url=url, api_key="x", max_retries=0) as client:
        made = client.messages.create(model="auto", max_tokens=99, messages=[{"role": "user", "content": text}])
        return made.content[0].text  # type: ignore[union-attr]


def anthropic_stream(url: str, text: str = "Fix f()") -> str:
    with (
        anthropic.Anthropic(base_url=url, api_key="x", max_retries=0) as client,
        client.messages.stream(model="auto", max_tokens=99, messages=[{"role": "user", "content": text}]) as stream,
    ):
        return stream.get_final_text()


LIVE = (openai_whole, openai_stream, anthropic_whole, anthropic_stream)
Ask = Callable[..., str]


def ask(url: str, text: str = "Fix f()", **headers: str) -> httpx.Response:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    named = {f"x-bridge-{name.replace('_', '-')}": value for name, value in headers.items()}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=named)


class Running(Clock):
    """The real one."""

    def __call__(self) -> float:
        return time.monotonic()


@contextmanager
def threaded(call: Ask, url: str) -> Iterator[Callable[[], str]]:
    """A call that runs meanwhile, and a way to wait for what it gives."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(call(url)), daemon=True)
    thread.start()

    def ended() -> str:
        thread.join(60)
        return found[0]

    yield ended


@pytest.mark.parametrize("name", FAILURES)
def test_another_provider_answers_and_every_client_sees_a_plain_answer(two: Routed, name: str) -> None:
    two.first.broken, trail = FAILURES[name]
    clients = LIVE[1:3] if name in _SILENT else LIVE
    for live in clients:
        two.clock.now_s += DAYS_S  # gates and breakers are open again
        assert (
            live(two.url, f"Fix {live.__name__}()") == "from second"
        )  # conversations of their own: else they would stay
    two.clock.now_s += DAYS_S
    reply = ask(two.url)
    assert reply.headers["x-bridge-target"] == "second"
    assert reply.headers["x-bridge-route"] == f"first={trail}, second=answered"
    assert reply.json()["bridge"]["target"] == "second"
    assert len(two.second.requests) == len(clients) + 1  # once each
    assert two.jobs() == []


@pytest.mark.parametrize("name", FAILURES)
def test_where_nobody_else_is_the_queue_has_it_and_the_same_request_again_gets_the_answer(
    one: Routed, name: str
) -> None:
    one.first.broken, _ = FAILURES[name]
    told = ask(one.url)
    assert (told.status_code, told.json()["error"]["code"]) == (429, "queued")
    assert int(told.headers["retry-after"]) >= 1
    [job] = one.jobs("queued")
    assert job in told.json()["error"]["message"]
    one.clock.now_s += DAYS_S
    assert ask(one.url).status_code == 429
    assert one.jobs() == [job]  # the same again is no second job
    one.answer("late")
    assert httpx.get(one.url + told.headers["location"]).json()["status"] == "completed"
    again = ask(one.url)
    assert again.json()["choices"][0]["message"]["content"] == "late"
    assert (again.headers["x-bridge-target"], again.json()["bridge"]["job"]) == ("queue", job)
    one.first.broken = ""
    one.clock.now_s += DAYS_S
    assert openai_whole(one.url) == "from first"  # it was fetched: the next one is new


@pytest.mark.parametrize("live", [openai_stream, anthropic_stream])
def test_a_stream_is_held_open_until_the_queue_answers(one: Routed, live: Ask) -> None:
    one.first.broken = (429, {"Retry-After": "900"}, "{}")
    with threaded(live, one.url) as found:
        until(lambda: len(one.jobs("queued")) == 1)
        one.answer("late")
        assert found() == "late"


def test_both_clients_are_told_in_their_own_words_when_to_come_again(one: Routed) -> None:
    one.first.broken = (429, {"Retry-After": "200"}, "{}")
    with pytest.raises(openai.RateLimitError) as of_openai:
        openai_whole(one.url)
    assert (of_openai.value.code, of_openai.value.response.headers["x-should-retry"]) == ("queued", "false")
    with pytest.raises(anthropic.RateLimitError, match="queued as job"):
        anthropic_whole(one.url)
    assert len(one.jobs("queued")) == 2  # another family may be asked for other things: it is another request


def test_a_background_request_is_a_job_at_once_and_asks_nobody(one: Routed) -> None:
    with openai.OpenAI(base_url=f"{one.url}/v1", api_key="x", max_retries=0) as client:
        asked = client.responses.create(model="auto", input="Fix f()", background=True)
        one.answer("late")
        assert client.responses.retrieve(asked.id).output_text == "late"
    asked_by_anthropic = httpx.post(
        f"{one.url}/v1/messages", headers={"Prefer": "respond-async"},
        json={"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Fix g()"}]},
    )  # fmt: skip
    assert asked_by_anthropic.status_code == 202
    assert one.first.requests == []


def test_a_live_answer_after_all_takes_the_job_back(one: Routed) -> None:
    one.first.failures.append((429, {"Retry-After": "200"}, "{}"))
    assert ask(one.url).status_code == 429
    one.clock.now_s += DAYS_S
    assert openai_whole(one.url) == "from first"
    assert (one.jobs("queued"), len(one.jobs("cancelled"))) == ([], 1)


def test_a_job_that_failed_is_asked_anew(one: Routed) -> None:
    one.first.failures.append((429, {"Retry-After": "200"}, "{}"))
    ask(one.url)
    with Bridge(str(one.queue)) as queue:
        queue.cancel(one.jobs("queued")[0])
    one.clock.now_s += DAYS_S
    assert openai_whole(one.url) == "from first"


@pytest.mark.parametrize("live", [openai_stream, anthropic_stream])
def test_a_stream_that_dies_in_the_middle_ends_with_an_error(two: Routed, live: Ask) -> None:
    two.first.answer = lambda _: "a long answer from first"
    two.first.broken = "reset"
    with pytest.raises((openai.APIError, anthropic.APIError)):
        live(two.url)
    assert two.second.requests == []


def test_when_asked_it_goes_on_and_says_so(tmp_path: Path) -> None:
    with routed(tmp_path, "first", "second", rules=RoutingRules(continue_streams=True)) as two:
        two.first.answer = lambda _: "a long answer from first"
        two.first.broken = "reset"
        said = openai_stream(two.url)
        assert said == "a long answe\n\n[first broke off here; what follows is from another target.]\n\nfrom second"
        assert [message["role"] for message in two.second.requests[0]["messages"]] == ["user", "assistant", "user"]


def test_a_short_pause_is_waited_for(tmp_path: Path) -> None:
    with routed(tmp_path, "first", "second", rules=RoutingRules(short_wait_s=5.0)) as two:
        two.first.failures.append((429, {"retry-after-ms": "20"}, "{}"))
        two.clock.now_s = time.monotonic()
        two.clock.__class__ = Running
        assert ask(two.url).headers["x-bridge-route"] == "first=limited, first=answered"


def test_a_wrong_request_is_the_callers_and_goes_nowhere_else(two: Routed) -> None:
    two.first.broken = (400, {}, '{"error": {"message": "Unknown parameter"}}')
    assert ask(two.url).status_code == 400
    assert (two.second.requests, two.jobs()) == ([], [])


def test_the_breaker_opens_and_lets_one_through_after_its_time(tmp_path: Path) -> None:
    with routed(tmp_path, "first", "second", breaker=BreakerRule(calls=3, open_s=100.0)) as two:
        two.first.broken = (500, {}, "{}")
        ways = [ask(two.url, f"Fix f{n}()").headers["x-bridge-route"] for n in range(5)]
        assert ways[2:4] == ["first=failed, second=answered", "first=breaker open, second=answered"]
        assert len(two.first.requests) == 3
        two.clock.now_s += 100.0
        two.first.broken = ""
        assert ask(two.url, "Fix f4()").headers["x-bridge-target"] == "second"  # it stays where it was
        assert ask(two.url, "Fix g()").headers["x-bridge-target"] == "first"


def test_a_header_names_or_avoids_targets(two: Routed) -> None:
    assert ask(two.url, target="second").headers["x-bridge-target"] == "second"
    assert ask(two.url, "Fix g()", avoid="first, home").headers["x-bridge-target"] == "second"
    assert ask(two.url, "Fix h()", target="nobody").status_code == 429
    assert two.jobs() == []


def test_what_is_off_is_not_asked(tmp_path: Path) -> None:
    with routed(tmp_path, "first", "second", off=frozenset({"first"})) as two:
        assert ask(two.url).headers["x-bridge-target"] == "second"


def test_a_private_request_stays_here_or_is_refused(tmp_path: Path) -> None:
    with routed(tmp_path, "first", "home", "queue") as here:
        assert ask(here.url, private="true").headers["x-bridge-target"] == "home"
        here.home.enqueue(EngineDown("off"))
        refused = ask(here.url, "Fix g()", private="true")
        assert (refused.status_code, here.jobs(), here.first.requests) == (429, [], [])
        assert "private requests are not queued" in refused.json()["error"]["message"]


def test_turns_with_tools_are_queued_only_if_that_is_set(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    body = {"model": "auto", "messages": [{"role": "user", "content": "Fix f()"}], "tools": [tool]}
    for queued in (False, True):
        with routed(tmp_path / str(queued), "queue", rules=RoutingRules(queue_tools=queued)) as made:
            told = httpx.post(f"{made.url}/v1/chat/completions", json=body)
            assert (told.status_code, len(made.jobs())) == (429, int(queued))


def test_the_model_of_this_machine_is_as_large_as_the_task(tmp_path: Path) -> None:
    with routed(tmp_path, "home") as here:
        assert ask(here.url, "Write a description of this pull request for the reviewers of it").json()["model"] == "qwen2.5-coder:1.5b"  # fmt: skip
        assert ask(here.url, "Refactor the scheduler so that it can be tested").json()["model"] == "qwen2.5-coder:7b"


def test_a_conversation_that_moves_takes_as_much_along_as_is_set(tmp_path: Path) -> None:
    said = [{"role": role, "content": text} for role, text in (("user", "Fix f()"), ("assistant", "Done."), ("user", "And g()?"))]  # fmt: skip
    with routed(tmp_path, "first", "second", rules=RoutingRules(history="last 1")) as two:
        body = {"model": "auto", "messages": said[:1]}
        httpx.post(f"{two.url}/v1/chat/completions", json=body)
        two.first.broken = (500, {}, "{}")
        moved = httpx.post(f"{two.url}/v1/chat/completions", json={"model": "auto", "messages": said}).json()
        assert moved["bridge"]["history"] == "the last 1 of 2 turns"
        assert [message["content"] for message in two.second.requests[0]["messages"]] == ["And g()?"]


def test_every_call_is_kept_and_a_budget_that_is_used_up_leaves_only_this_machine(tmp_path: Path) -> None:
    dear = PriceBook(given={"first": TokenPrice(input_usd=1e6, output_usd=0.0)}, local=["home"])
    ledger = UsageLedger(tmp_path / "usage.sqlite3", dear)
    with routed(tmp_path, "second", "first", "home", rules=RoutingRules(budget_usd=1.0), ledger=ledger) as made:
        made.second.broken = (500, {}, "{}")
        assert ask(made.url).headers["x-bridge-target"] == "first"
        until(lambda: len(ledger.facts()) == 2)
        failed, answered = ledger.facts()
        assert (failed.target, failed.outcome.value, failed.is_first) == ("second", "failed", True)
        assert (answered.target, answered.is_first, answered.answer_chars, answered.caller) == (
            "first",
            False,
            10,
            "127.0.0.1",
        )
        assert (answered.cost_usd or 0.0) >= 1.0
        assert ask(made.url, "Fix g()").headers["x-bridge-target"] == "home"
