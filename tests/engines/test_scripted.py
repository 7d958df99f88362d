"""The fake: it does what it was told, and counts."""

from __future__ import annotations

import threading

import pytest

from bridge.core.chat import ChatMessage
from bridge.core.errors import BadRequest, Overloaded, StreamInterrupted
from bridge.core.job import JobForm, Options, Spec
from bridge.engines.base import Request, Stop, Stopped
from bridge.engines.scripted import Scripted, ScriptedEngine

REQUEST = Request(prompt="Hi", model="scripted")


def test_it_plays_its_script_in_order_then_its_default() -> None:
    engine = ScriptedEngine(lambda request: "default")
    engine.enqueue("one", Overloaded("busy"), StreamInterrupted("broke", partial="so f"), Scripted(text="four"))
    assert engine.answer(REQUEST).text == "one"
    with pytest.raises(Overloaded):
        engine.answer(REQUEST)
    with pytest.raises(StreamInterrupted) as caught:
        engine.answer(REQUEST)
    assert caught.value.partial == "so f"
    assert [engine.answer(REQUEST).text for _ in range(2)] == ["four", "default"]
    assert len(engine.requests) == 5


def test_a_gate_holds_an_answer_until_it_opens_or_the_request_is_stopped() -> None:
    engine = ScriptedEngine()
    gate, stop = threading.Event(), Stop()
    engine.enqueue(Scripted(gate=gate), Scripted(gate=threading.Event()), Scripted(delay_s=60))
    assert engine.answer(REQUEST, lambda piece: gate.set()).text
    with pytest.raises(Stopped):
        engine.answer(REQUEST, lambda piece: stop.set(), stop=stop)
    with pytest.raises(Stopped):
        engine.answer(REQUEST, stop=stop)


def test_a_jobs_request_holds_what_the_job_asks_for_and_the_defaults() -> None:
    options = Options(model="own", temperature=0.0, stop=("END",))
    limits = {"model": "given", "num_ctx": 100, "max_tokens": 10, "timeout_s": 5.0}
    found = Request.for_job(Spec(body="Hi", position="a", options=options), **limits)
    assert found == Request(
        prompt="Hi", model="given", num_ctx=100, max_tokens=10, temperature=0.0, stop=("END",), timeout_s=5.0
    )  # fmt: skip
    assert found.sampling() == {"temperature": 0.0, "stop": ["END"]}
    chat = Request.for_job(Spec(body='[{"role": "user", "content": "Hi"}]', form=JobForm.CHAT, position="a"), **limits)
    assert chat.messages == (ChatMessage.user("Hi"),)
    for body in ("Hi", "{}", "[1]", '[{"content": "x"}]'):
        with pytest.raises(BadRequest, match="JSON list"):
            Request.for_job(Spec(body=body, form=JobForm.CHAT, position="a"), **limits)
    with pytest.raises(BadRequest, match="max_tokens must be a whole number from 1"):
        Request(prompt="x", model="m", max_tokens=0).check()
