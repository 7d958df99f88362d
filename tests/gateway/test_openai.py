"""openai-python against the gateway: what its users see."""

from __future__ import annotations

import openai
import pytest

from bridge.core.chat import ToolCall
from bridge.core.errors import ContextExceeded, StreamInterrupted
from bridge.engines.scripted import Scripted
from tests.gateway.conftest import Served

_HI = [{"role": "user", "content": "hi"}]


def test_a_chat_is_answered_with_usage(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue("Hello there.")
    reply = client.chat.completions.create(model="scripted", messages=_HI)
    assert reply.choices[0].message.content == "Hello there."
    assert (reply.choices[0].finish_reason, reply.model) == ("stop", "scripted")
    assert reply.usage is not None
    assert reply.usage.total_tokens > 0


def test_a_stream_says_the_same_piece_by_piece(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue("Hello there, whoever you are.")
    chunks = list(client.chat.completions.create(model="scripted", messages=_HI, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Hello there, whoever you are."
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_stream_says_its_usage_only_if_asked(client: openai.OpenAI) -> None:
    asked = client.chat.completions.create(
        model="scripted", messages=_HI, stream=True, stream_options={"include_usage": True}
    )
    *_, last = list(asked)
    assert last.choices == []
    assert last.usage is not None


def test_a_name_that_nobody_has_gets_the_default_and_the_reply_says_so(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=_HI)
    assert raw.headers["x-bridge-model-asked"] == "gpt-4o"
    assert raw.parse().model == "scripted"


def test_a_tool_call_arrives_whole_and_streamed(client: openai.OpenAI, served: Served) -> None:
    call = ToolCall(id="call_1", name="add", arguments='{"a": 1}')
    tools = [
        {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}},
        {"type": "web_search"},
    ]
    served.engine.enqueue(Scripted(text="", tool_calls=(call,)), Scripted(text="", tool_calls=(call,)))
    whole = client.chat.completions.create(model="scripted", messages=_HI, tools=tools).choices[0]
    assert whole.finish_reason == "tool_calls"
    assert whole.message.tool_calls is not None
    assert whole.message.tool_calls[0].function.arguments == '{"a": 1}'
    with client.chat.completions.stream(model="scripted", messages=_HI, tools=tools[:1]) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.message.tool_calls is not None
    assert final.message.tool_calls[0].function.name == "add"


def test_an_over_long_prompt_is_told_with_both_numbers(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(ContextExceeded("too long", over_by=100))
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model="scripted", messages=_HI)
    assert error.value.code == "context_length_exceeded"
    assert "8192" in str(error.value)
    assert "8292" in str(error.value)


def test_a_stream_that_breaks_ends_with_an_error(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(Scripted(text="Hello th", error=StreamInterrupted("the answer broke off")))
    stream = client.chat.completions.create(model="scripted", messages=_HI, stream=True)
    with pytest.raises(openai.APIError, match="broke off"):
        list(stream)


def test_an_unknown_path_is_told_in_the_shape_of_the_family(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="there is nothing at"):
        client.moderations.create(input="x")


def test_completions_fill_in_the_middle(client: openai.OpenAI, served: Served) -> None:
    client.completions.create(model="scripted", prompt="def f(", suffix="return 1")
    assert served.engine.requests[-1].suffix == "return 1"


def test_completions_are_told_the_language(client: openai.OpenAI, served: Served) -> None:
    client.completions.create(model="scripted", prompt="Reverse a list.", extra_body={"language": "python"})
    asked = served.engine.requests[-1]
    assert [message.text for message in asked.messages] == ["Answer in python.", "Reverse a list."]
    client.completions.create(model="scripted", prompt="def f(", suffix="return 1", extra_body={"language": "python"})
    assert (served.engine.requests[-1].prompt, served.engine.requests[-1].suffix) == ("def f(", "return 1")


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["scripted", "qwen2.5-coder:1.5b"]
    assert client.models.retrieve("qwen2.5-coder:1.5b").id == "qwen2.5-coder:1.5b"
