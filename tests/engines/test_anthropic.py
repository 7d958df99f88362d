"""Anthropic's messages API, by the engine that asks it, against a loopback server that speaks it."""

from __future__ import annotations

import json

import pytest

from bridge.core.chat import ChatMessage, ChatRole, FinishReason, ToolCall, ToolChoice, ToolDefinition, ToolUse
from bridge.core.errors import EngineDown, EngineError, NotSupported, StreamInterrupted
from bridge.engines.anthropic import AnthropicEngine
from bridge.engines.base import Answer, Request
from tests.support.anthropic import LoopbackAnthropic


def ask(server: LoopbackAnthropic, request: Request) -> tuple[Answer, list[str]]:
    engine, pieces = AnthropicEngine(server.url, "key"), []
    try:
        return engine.answer(request, pieces.append), pieces
    finally:
        engine.close()


def hello(**more: object) -> Request:
    return Request(**{"prompt": "hello", "model": "claude", "max_tokens": 100, **more})  # type: ignore[arg-type]


def test_an_answer_comes_piece_by_piece_with_its_usage() -> None:
    with LoopbackAnthropic(key="key") as server:
        answer, pieces = ask(server, hello(temperature=0.5, stop=("END",)))
    assert (answer.text, answer.finish_reason, answer.model) == ("Answer to hello", FinishReason.STOP, "claude")
    assert "".join(pieces) == answer.text
    assert len(pieces) > 1
    assert answer.usage == {"prompt_tokens": 7, "completion_tokens": 4}
    sent = server.requests[0]
    assert (sent["max_tokens"], sent["temperature"], sent["stop_sequences"]) == (100, 0.5, ["END"])
    assert "stream_options" not in sent


def test_a_conversation_with_tools_is_written_in_its_words() -> None:
    call = ToolCall(id="c1", name="look", arguments='{"path": "a"}')
    said = ChatMessage(role=ChatRole.ASSISTANT, tool_calls=(call,))
    result = ChatMessage(role=ChatRole.TOOL, tool_call_id="c1", parts=ChatMessage.user("text of a").parts)
    prompt = (ChatMessage.system("Be short."), ChatMessage.user("Look."), said, result, ChatMessage.user("And?"))
    tool = ToolDefinition(name="look", description="Looks.")
    choice = ToolChoice(use=ToolUse.REQUIRED)
    with LoopbackAnthropic(key="key", tool_calls=(("c2", "look", '{"path":"b"}'),)) as server:
        answer, _ = ask(server, hello(prompt=prompt, tools=(tool,), tool_choice=choice))
    sent = server.requests[0]
    assert sent["system"] == "Be short."
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][1]["content"] == [{"type": "tool_use", "id": "c1", "name": "look", "input": {"path": "a"}}]
    assert [block["type"] for block in sent["messages"][2]["content"]] == ["tool_result", "text"]
    assert (sent["tools"][0]["name"], sent["tool_choice"]) == ("look", {"type": "any"})
    assert [(made.id, json.loads(made.arguments)) for made in answer.tool_calls] == [("c2", {"path": "b"})]


@pytest.mark.parametrize(
    ("failure", "error"),
    [("reset", StreamInterrupted), ("error event", StreamInterrupted), ("garbage", StreamInterrupted),
     ((529, {}, "Overloaded"), EngineError), ((500, {}, "{}"), EngineDown)],
)  # fmt: skip
def test_a_failure_is_one_of_ours(failure: object, error: type[EngineError]) -> None:
    with LoopbackAnthropic(key="key") as server:
        server.failures.append(failure)  # type: ignore[arg-type]
        with pytest.raises(error):
            ask(server, hello())


def test_what_it_cannot_do_is_said_before_it_is_asked() -> None:
    with LoopbackAnthropic(key="key") as server, pytest.raises(NotSupported):
        AnthropicEngine(server.url, "key").embed(["a"], "claude")
