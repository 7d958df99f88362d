"""Requests that are longer than the model's window: refused with both numbers, or cut, and said."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest

from bridge.engines.scripted import ScriptedEngine
from tests.gateway.conftest import Served

LONG = "word " * 5000  # 6,250 tokens of the scripted engine


def _turns(count: int) -> list[dict[str, str]]:
    said = [{"role": role, "content": LONG} for _ in range(count) for role in ("user", "assistant")]
    return [{"role": "system", "content": "Be brief."}, *said, {"role": "user", "content": "And now?"}]


def test_a_request_over_the_window_is_refused_before_it_is_asked(client: openai.OpenAI, served: Served) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model="scripted", messages=_turns(1))  # type: ignore[arg-type]
    assert error.value.code == "context_length_exceeded"
    assert "8192" in str(error.value)
    assert served.engine.requests == []


@pytest.mark.parametrize("stream", [False, True])
def test_asked_for_it_is_cut_by_whole_turns_and_the_reply_says_so(
    client: openai.OpenAI, served: Served, *, stream: bool
) -> None:
    asked = client.chat.completions.create(
        model="scripted", messages=_turns(3), stream=stream, extra_body={"truncation": "auto"}
    )  # type: ignore[call-overload]
    first = next(iter(asked)) if stream else asked
    assert [piece["messages"] for piece in first.model_extra["bridge"]["cut"]] == [2, 2, 2]
    sent = served.engine.requests[-1].messages
    assert [message.text for message in sent] == ["Be brief.", "And now?"]


def test_what_has_to_stay_and_is_too_long_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length is 8192"):
        client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": LONG * 3}], extra_body={"truncation": "auto"}
        )


def test_an_answer_gets_no_more_than_the_window_has_left(client: openai.OpenAI, served: Served) -> None:
    client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": LONG}], max_tokens=32_000)
    assert served.engine.requests[-1].max_tokens == 8192 - len(LONG) // 4


def test_a_short_request_is_not_counted(client: openai.OpenAI, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedEngine, "count_tokens", lambda *_: pytest.fail("counted"))
    client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "hi"}])
    assert len(served.engine.requests) == 1


def _asking(family: str) -> dict[str, object]:
    """Too long a conversation, in the words of a family, with the wish to have it cut."""
    turns = _turns(3)
    bodies: dict[str, dict[str, object]] = {
        "/v1/chat/completions": {"messages": turns},
        "/v1/responses": {"input": turns},
        "/v1/messages": {"messages": turns[1:], "system": turns[0]["content"], "max_tokens": 9},
        "/api/chat": {"messages": turns},
    }
    return {"model": "gpt-4o", "truncation": "auto", **bodies[family]}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("family", ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/chat"])
def test_each_family_says_what_was_cut_and_which_model_answers(served: Served, family: str, *, stream: bool) -> None:
    reply = httpx.post(f"{served.url}{family}", json={**_asking(family), "stream": stream}, timeout=60)
    before, after = map(int, reply.headers["x-bridge-cut"].split("/"))
    assert before > 8192 > after
    assert reply.headers["x-bridge-model-asked"] == "gpt-4o"
    told = notes(reply)
    assert told["model_asked"] == "gpt-4o"
    assert [piece["messages"] for piece in told["cut"]] == [2, 2, 2]
    assert (told["tokens_before"], told["tokens_after"]) == (before, after)


def notes(reply: httpx.Response) -> Any:
    """What the field `bridge` says, last, wherever a family has it."""
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line.startswith(("data: {", "{"))]
    found = [told for line in lines if (told := _note_in(json.loads(line))) is not None]
    return found[-1]


def _note_in(value: Any) -> Any:
    if not isinstance(value, dict):
        return None
    return value.get("bridge") or next((told for part in value.values() if (told := _note_in(part))), None)


@pytest.mark.parametrize("path", ["/v1/completions", "/api/generate", "/infill"])
def test_a_stream_without_turns_says_which_model_answers(served: Served, path: str) -> None:
    body = {"model": "gpt-4o", "prompt": "hi", "stream": True}
    assert notes(httpx.post(f"{served.url}{path}", json=body, timeout=60))["model_asked"] == "gpt-4o"
