"""The OpenAI-compatible engine's own: dialects of errors, waiting times, and what happens to the key."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.core import errors
from bridge.core.errors import EngineError
from bridge.engines.base import Request, Stop, Stopped
from bridge.engines.openai import OpenAIEngine
from bridge.engines.openai_errors import read_refusal
from tests.support.openai import LoopbackOpenAI

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
REQUEST = Request(prompt="Hi", model="small", max_tokens=64)
KEY = "sk-very-secret-key"


def body(message: str, code: str = "") -> str:
    return json.dumps({"error": {"message": message, "code": code}})


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (400, body("Unknown parameter: 'foo'"), errors.BadRequest),
        (422, body("value is not a valid integer"), errors.BadRequest),  # vLLM's pydantic
        (401, body("Incorrect API key"), errors.Refused),
        (402, body("Payment required"), errors.Refused),
        (403, body("Country not supported"), errors.Refused),
        (404, body("The model `x` does not exist", "model_not_found"), errors.ModelMissing),
        (404, "404 page not found", errors.BadRequest),  # a wrong base URL
        (408, body("Request timed out"), errors.StreamInterrupted),
        (413, body("Request too large"), errors.ContextExceeded),  # Groq
        (429, body("Rate limit reached"), errors.RateLimited),
        (
            429,
            body("You exceeded your current quota", "insufficient_quota"),
            errors.QuotaExhausted,
        ),  # waiting does not help
        (500, body("The server had an error"), errors.EngineDown),
        (500, body("CUDA out of memory"), errors.OutOfMemory),
        (502, "<html>Bad Gateway</html>", errors.EngineDown),
        (503, body("The engine is currently overloaded"), errors.Overloaded),
        (529, body("overloaded_error"), errors.Overloaded),
        (302, "", errors.BadRequest),  # a redirect is not followed: the key would go along
        (200, body("internal error"), errors.StreamInterrupted),  # an event in the stream
        (400, '[{"error": {"code": 400, "message": "API key not valid"}}]', errors.BadRequest),  # Gemini's list
    ],
)
def test_each_refusal_has_its_error(status: int, text: str, error: type[EngineError]) -> None:
    found = read_refusal(status, text, {}, NOW)
    assert type(found) is error
    assert str(found)


@pytest.mark.parametrize(
    ("text", "over_by"),
    [
        (
            body("This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens."),
            904,
        ),  # OpenAI
        (
            body("maximum context length is 4096 tokens. However, you requested 4200 tokens (4000 in the messages"),
            104,
        ),  # vLLM
        (
            '{"error":{"type":"exceed_context_size_error","n_prompt_tokens":1018,"n_ctx":512,"message":"too long"}}',
            506,
        ),  # llama.cpp
        (body("context_length_exceeded"), None),  # not counted
    ],
)
def test_each_dialect_of_too_long_says_by_how_much(text: str, over_by: int | None) -> None:
    error = read_refusal(400, text, {}, NOW)
    assert isinstance(error, errors.ContextExceeded)
    assert error.estimated is (over_by is None)
    assert error.over_by == (over_by or 1)


@pytest.mark.parametrize(
    ("status", "text", "reset_s"),
    [
        (429, body("You exceeded your current quota", "insufficient_quota"), None),
        (400, body("Your credit balance is too low to access the Anthropic API"), None),
        (
            429,
            body("Rate limit reached on tokens per day (TPD): Limit 100000. Please try again in 2h5m."),
            7500.0,
        ),  # Groq
        (
            429,
            '{"error": {"details": [{"quotaId": "GenerateRequestsPerDay"}, {"retryDelay": "33s"}]}}',
            3600.0,
        ),  # Gemini
    ],
)
def test_a_quota_that_is_used_up_is_told_from_a_limit(status: int, text: str, reset_s: float | None) -> None:
    error = read_refusal(status, text, {}, NOW)
    assert isinstance(error, errors.QuotaExhausted)
    assert error.reset_after_s == reset_s


@pytest.mark.parametrize(
    ("headers", "text", "wait_s"),
    [
        ({"Retry-After": "17"}, "", 17.0),
        ({"Retry-After": "Thu, 01 Jan 2026 12:01:30 GMT"}, "", 90.0),  # a date
        ({"Retry-After": "Thu, 01 Jan 2026 11:00:00 GMT"}, "", 0.0),  # in the past
        ({}, '{"error": {"details": [{"retryDelay": "33s"}]}}', 33.0),  # Gemini
        ({"Retry-After": "soon"}, "", None),
        ({}, "", None),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, "", 1.5),  # OpenAI
        ({}, body("Rate limit reached. Please try again in 6m0.5s."), 360.5),  # OpenAI, Groq
        ({}, body("Please try again in 120ms."), 0.12),
        ({}, body("Please retry in 34.07s."), 34.07),  # Gemini
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1m3s",
                "x-ratelimit-reset-tokens": "9m",
                "x-ratelimit-remaining-tokens": "5",
            },
            "",
            63.0,
        ),  # only what is used up counts
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-01-01T12:00:45Z",
            },
            "",
            45.0,
        ),
        ({"anthropic-ratelimit-requests-reset": "2026-01-01 12:00:45"}, "", None),  # no moment of any zone
    ],
)
def test_how_long_to_wait_is_read(headers: dict[str, str], text: str, wait_s: float | None) -> None:
    error = read_refusal(429, text, headers, NOW)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("failure", "error", "partial"),
    [
        ("error event", errors.StreamInterrupted, "abcdefghijkl"),
        ("garbage", errors.StreamInterrupted, "abcdefghijkl"),
        ("reset", errors.StreamInterrupted, "abcdefghijkl"),
        ("stall", errors.StreamInterrupted, "abcdefghijkl"),
        ("mute", errors.StreamInterrupted, ""),  # silence from the start
        ("no finish", errors.IncompleteAnswer, "abcdefghijkl"),
        ("empty", errors.IncompleteAnswer, ""),
        (
            "all spent",
            errors.BadRequest,
            "",
        ),  # on what is not shown, such as thinking: asked again, it would do the same
        ("filtered", errors.Refused, "abcdefghijklmnop"),
        ("reset early", errors.EngineDown, ""),
        ((503, {}, "busy"), errors.Overloaded, ""),
    ],
)
def test_each_way_in_which_a_stream_breaks_has_its_error_and_keeps_what_had_come(
    failure: object, error: type[EngineError], partial: str
) -> None:
    with LoopbackOpenAI(answer=lambda prompt: "abcdefghijklmnop") as server:
        impatient = OpenAIEngine(server.url, silence_s=0.3 if failure in ("stall", "mute") else 30)
        patient = OpenAIEngine(server.url)
        server.failures.append(failure)
        with pytest.raises(error) as caught:
            impatient.answer(REQUEST)
        assert caught.value.partial == partial
        assert patient.answer(REQUEST).text == "abcdefghijklmnop"
        impatient.close()
        patient.close()


def test_the_time_limit_of_a_request_holds() -> None:
    with LoopbackOpenAI() as server:
        server.failures.append("mute")
        with pytest.raises(errors.StreamInterrupted, match="time limit"):
            OpenAIEngine(server.url).answer(Request(prompt="Hi", model="small", timeout_s=0.05))


def test_stop_ends_a_request_that_waits_for_its_headers() -> None:
    stop = Stop()
    with LoopbackOpenAI() as server:
        server.failures.append("mute")
        threading.Thread(target=lambda: (server.arrived.acquire(timeout=120), stop.set())).start()
        with pytest.raises(Stopped):
            OpenAIEngine(server.url).answer(REQUEST, stop=stop)


def test_the_key_is_in_no_error_no_repr_and_wins_over_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with LoopbackOpenAI(key=KEY) as server:
        engine = OpenAIEngine(server.url, KEY)
        assert engine.answer(REQUEST).text
        server.key = "another"
        with pytest.raises(errors.Refused) as caught:
            engine.answer(REQUEST)
        health = engine.health()
    assert not health.ok
    for text in (str(caught.value), repr(caught.value), repr(vars(caught.value)), repr(engine), repr(health)):
        assert KEY not in text
    assert "Incorrect API key" in str(caught.value)


def test_a_server_that_is_no_such_api_is_down_and_a_missing_model_cannot_be_pulled() -> None:
    with LoopbackOpenAI() as server:
        server.models = None
        assert "does not answer like" in OpenAIEngine(server.url).health().detail
        server.models = ()
        with pytest.raises(errors.ModelMissing, match="cannot be pulled"):
            OpenAIEngine(server.url).pull("nobody")
