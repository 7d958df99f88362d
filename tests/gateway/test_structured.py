"""What the clients' own helpers make of an answer: objects of a schema, tools that are functions, counts, pages."""

from __future__ import annotations

import anthropic
import ollama
import openai
from pydantic import BaseModel

from bridge.core.chat import AnswerFormat, ToolCall
from bridge.engines.scripted import Scripted
from tests.gateway.conftest import Served

_HI = [{"role": "user", "content": "hi"}]


class Sum(BaseModel):
    """The answer that is asked for."""

    a: int


def test_openai_parses_what_its_schema_asked_for(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue('{"a": 1}', '{"a": 2}')
    reply = client.chat.completions.parse(model="scripted", messages=_HI, response_format=Sum)
    assert reply.choices[0].message.parsed == Sum(a=1)
    assert client.responses.parse(model="scripted", input="hi", text_format=Sum).output_parsed == Sum(a=2)
    for request in served.engine.requests:
        assert request.response_format.kind is AnswerFormat.JSON_SCHEMA
        assert dict(request.response_format.schema or {})["required"] == ["a"]


def test_openai_parses_the_arguments_of_a_tool(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(Scripted(text="", tool_calls=(ToolCall(id="call_x", name="Sum", arguments='{"a": 1}'),)))
    tools = [openai.pydantic_function_tool(Sum)]
    [call] = (
        client.chat.completions.parse(model="scripted", messages=_HI, tools=tools).choices[0].message.tool_calls or []
    )
    assert call.function.parsed_arguments == Sum(a=1)


def test_openai_counts_and_streams_plain_completions(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue("return a + b")
    pieces = client.completions.create(model="scripted", prompt="def add(a, b):", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == "return a + b"
    assert client.responses.input_tokens.count(model="scripted", input="hi there").input_tokens > 0


def test_anthropic_counts_before_it_asks(served: Served) -> None:
    with anthropic.Anthropic(base_url=served.url, api_key="x", max_retries=0) as client:
        short = client.messages.count_tokens(model="scripted", messages=_HI).input_tokens
        long = client.messages.count_tokens(model="scripted", messages=_HI, system="Be brief. " * 50).input_tokens
        beta = client.beta.messages.create(model="scripted", max_tokens=99, messages=_HI)
    assert 0 < short < long
    assert beta.content[0].type == "text"
    assert len(served.engine.requests) == 1


def test_ollama_gets_a_schema_and_sees_what_is_loaded(served: Served) -> None:
    served.engine.enqueue('{"a": 1}')
    with ollama.Client(host=served.url) as client:
        reply = client.chat(model="scripted", messages=_HI, format=Sum.model_json_schema())
        assert Sum.model_validate_json(reply.message.content or "") == Sum(a=1)
        assert {model.model for model in client.ps().models} == {"scripted", "qwen2.5-coder:1.5b"}
        assert [step.status for step in client.pull("scripted", stream=True)][-1] == "success"
    assert served.engine.requests[-1].response_format.kind is AnswerFormat.JSON_SCHEMA
