"""Tool calls through the gateway: found in the text, held to their schema, asked for again, refused."""

from __future__ import annotations

import json

import openai
import pytest

from bridge.core.chat import AnswerFormat, ToolUse
from bridge.engines.base import Capabilities
from bridge.engines.scripted import ALL, Scripted, ScriptedEngine
from bridge.gateway.tool_calling import answer_with_calls
from tests.gateway.conftest import Served

HI = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": SCHEMA}}]
HABITS = {
    "tags": '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>',
    "tools": '<tools>\n{"name": "add", "arguments": {"a": 1}}\n</tools>',
    "fenced": '```json\n{"name": "add", "arguments": {"a": 1}}\n```',
    "bare": '{"name": "add", "arguments": {"a": 1}}',
}


@pytest.mark.parametrize("habit", HABITS)
def test_every_habit_arrives_as_a_call_whole_and_streamed(client: openai.OpenAI, served: Served, habit: str) -> None:
    served.engine.enqueue(HABITS[habit], f"I add.\n{HABITS[habit]}")
    whole = client.chat.completions.create(model="scripted", messages=HI, tools=TOOLS).choices[0]
    assert whole.message.tool_calls is not None
    assert json.loads(whole.message.tool_calls[0].function.arguments) == {"a": 1}
    assert (whole.message.content, whole.finish_reason) == (None, "tool_calls")
    with client.chat.completions.stream(model="scripted", messages=HI, tools=TOOLS) as stream:
        final = stream.get_final_completion().choices[0].message
    assert (final.content or "").strip() == "I add."
    assert final.tool_calls is not None
    assert json.loads(final.tool_calls[0].function.arguments) == {"a": 1}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("parallel", "count"), [(True, 2), (False, 1)])
def test_one_answer_may_call_several_tools_unless_the_client_wants_one(
    client: openai.OpenAI, served: Served, *, parallel: bool, count: int, stream: bool
) -> None:
    served.engine.enqueue(HABITS["tags"] + "\n" + HABITS["tags"].replace("1", "2"))
    asked = client.chat.completions.create(
        model="scripted", messages=HI, tools=TOOLS, parallel_tool_calls=parallel, stream=stream
    )  # type: ignore[call-overload]
    pieces = [choice.delta for chunk in asked for choice in chunk.choices] if stream else [asked.choices[0].message]
    calls = [call for piece in pieces for call in piece.tool_calls or ()]
    assert len({call.id for call in calls if call.id}) == count
    said = "".join(call.function.arguments for call in calls)
    assert said.replace(" ", "") == '{"a":1}{"a":2}'[: 7 * count]


def test_ids_differ_between_answers(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(HABITS["bare"], HABITS["bare"])
    asked = [client.chat.completions.create(model="scripted", messages=HI, tools=TOOLS) for _ in range(2)]
    assert len({reply.choices[0].message.tool_calls[0].id for reply in asked}) == 2  # type: ignore[index]


def test_arguments_are_mended_by_rule(client: openai.OpenAI, served: Served) -> None:
    from bridge.core.chat import ToolCall

    served.engine.enqueue(Scripted(text="", tool_calls=(ToolCall(id="x", name="add", arguments="{'a': 1,}"),)))
    reply = client.chat.completions.create(model="scripted", messages=HI, tools=TOOLS).choices[0].message
    assert reply.tool_calls is not None
    assert json.loads(reply.tool_calls[0].function.arguments) == {"a": 1}
    assert len(served.engine.requests) == 1


def test_a_call_that_does_not_fit_is_asked_for_again_once(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(HABITS["bare"].replace("1", '"one"'), HABITS["bare"])
    reply = client.chat.completions.create(model="scripted", messages=HI, tools=TOOLS).choices[0].message
    assert reply.tool_calls is not None
    assert "do not fit its schema" in served.engine.requests[-1].messages[-1].text


def test_one_that_never_fits_is_a_clear_error(client: openai.OpenAI, served: Served) -> None:
    served.engine.default = lambda _request: HABITS["bare"].replace("1", '"one"')
    with pytest.raises(openai.APIStatusError, match="do not fit its schema"):
        client.chat.completions.create(model="scripted", messages=HI, tools=TOOLS)
    assert len(served.engine.requests) == 2


def test_a_schema_elsewhere_is_never_fetched(client: openai.OpenAI, served: Served) -> None:
    tools = [{"type": "function", "function": {"name": "add", "parameters": {"$ref": f"{served.url}/health"}}}]
    with pytest.raises(openai.BadRequestError, match="not fetched"):
        client.chat.completions.create(model="scripted", messages=HI, tools=tools)
    assert served.engine.requests == []


def test_a_cut_call_is_text() -> None:
    engine = ScriptedEngine()
    engine.enqueue(HABITS["bare"])
    request = _request(max_tokens=5)
    answer = answer_with_calls(engine, request)
    assert (answer.tool_calls, answer.text) == ((), HABITS["bare"][:20])


def test_an_engine_that_cannot_be_made_to_call_is_held_to_the_form_of_a_call() -> None:
    engine = ScriptedEngine(can=Capabilities(tools=True, json_schema=True))
    engine.enqueue(HABITS["bare"])
    answer = answer_with_calls(engine, _request(use=ToolUse.REQUIRED))
    assert [call.name for call in answer.tool_calls] == ["add"]
    assert engine.requests[0].response_format.kind is AnswerFormat.JSON_SCHEMA


def test_an_engine_without_tools_is_told_of_them() -> None:
    engine = ScriptedEngine(can=Capabilities())
    engine.enqueue(HABITS["tags"])
    assert answer_with_calls(engine, _request()).tool_calls
    assert '"add"' in engine.requests[0].messages[0].text


def _request(*, use: ToolUse = ToolUse.AUTO, max_tokens: int = 100):  # a request of these tests
    from bridge.core.chat import ToolChoice, ToolDefinition
    from bridge.engines.base import Request

    assert ALL.tools
    tools = (ToolDefinition(name="add", parameters=SCHEMA),)
    return Request(prompt="hi", tools=tools, tool_choice=ToolChoice(use=use), model="scripted", max_tokens=max_tokens)
