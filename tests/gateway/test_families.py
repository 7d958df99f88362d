"""Anthropic's and Ollama's own clients, and OpenAI's Responses, against the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import anthropic
import httpx
import ollama
import openai
import pytest

from bridge.core.chat import ChatRole, ToolCall
from bridge.core.errors import ContextExceeded, StreamInterrupted
from bridge.engines.scripted import Scripted
from tests.gateway.conftest import Served

_CALL = ToolCall(id="call_x", name="add", arguments='{"a": 1}')
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.fixture
def claude(served: Served) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=served.url, api_key="x", max_retries=0) as made:
        yield made


@pytest.fixture
def llama(served: Served) -> Iterator[ollama.Client]:
    with ollama.Client(host=served.url) as made:
        yield made


def test_anthropic_gets_text_and_calls(claude: anthropic.Anthropic, served: Served) -> None:
    served.engine.enqueue(Scripted(text="I add.", tool_calls=(_CALL,)))
    reply = claude.messages.create(
        model="scripted",
        max_tokens=100,
        system=[{"type": "text", "text": "x-anthropic-billing-header: cch=1"}, {"type": "text", "text": "Be brief."}],
        messages=[{"role": "user", "content": "hi"}],
        tools=[{"name": "add", "input_schema": _SCHEMA}],
    )
    assert [block.type for block in reply.content] == ["text", "tool_use"]
    assert (reply.stop_reason, reply.content[1].input) == ("tool_use", {"a": 1})
    assert served.engine.requests[-1].messages[0].text == "Be brief."


def test_anthropic_streams(claude: anthropic.Anthropic, served: Served) -> None:
    served.engine.enqueue(Scripted(text="I add it up.", tool_calls=(_CALL,)))
    with claude.messages.stream(
        model="scripted", max_tokens=100, messages=[{"role": "user", "content": "hi"}],
        tools=[{"name": "add", "input_schema": _SCHEMA}],
    ) as stream:  # fmt: skip
        final = stream.get_final_message()
    assert final.content[0].text == "I add it up."
    assert final.content[1].input == {"a": 1}
    assert final.usage.output_tokens > 0


def test_results_of_tools_come_before_what_the_user_says(claude: anthropic.Anthropic, served: Served) -> None:
    claude.messages.create(
        model="scripted",
        max_tokens=100,
        messages=[
            {"role": "user", "content": "add"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "2"}, {"type": "text", "text": "and?"}]},
        ],
    )  # fmt: skip
    roles = [message.role for message in served.engine.requests[-1].messages]
    assert roles == [ChatRole.USER, ChatRole.ASSISTANT, ChatRole.TOOL, ChatRole.USER]


def test_anthropic_is_told_of_an_over_long_prompt_in_its_words(claude: anthropic.Anthropic, served: Served) -> None:
    served.engine.enqueue(ContextExceeded("too long", over_by=100))
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long: 8292 tokens > 8192 maximum"):
        claude.messages.create(model="scripted", max_tokens=9, messages=[{"role": "user", "content": "hi"}])


def test_ollama_chats_with_tools(llama: ollama.Client, served: Served) -> None:
    served.engine.enqueue(Scripted(text="", tool_calls=(_CALL,)))
    reply = llama.chat(model="scripted", messages=[{"role": "user", "content": "hi"}])
    assert reply.message.tool_calls is not None
    assert reply.message.tool_calls[0].function.arguments == {"a": 1}
    assert reply.done


def test_ollama_streams_and_generates(llama: ollama.Client, served: Served) -> None:
    served.engine.enqueue("one two three", "four five six")
    pieces = llama.chat(model="scripted", messages=[{"role": "user", "content": "hi"}], stream=True)
    assert "".join(piece.message.content or "" for piece in pieces) == "one two three"
    assert llama.generate(model="scripted", prompt="hi", options={"num_predict": 100}).response == "four five six"


def test_ollama_sees_models_and_what_they_can_do(llama: ollama.Client) -> None:
    assert [model.model for model in llama.list().models] == ["scripted", "qwen2.5-coder:1.5b"]
    shown = llama.show("qwen2.5-coder:1.5b")
    assert {"completion", "tools", "insert"} <= set(shown.capabilities or ())
    assert llama.embed("scripted", "hi").embeddings[0]


def test_ollamas_version_is_a_number_that_its_clients_accept(served: Served) -> None:
    version = httpx.get(f"{served.url}/api/version").json()["version"]
    assert tuple(int(part) for part in version.split(".")) >= (0, 6, 4)
    assert httpx.head(f"{served.url}/").status_code == 200


def test_a_response_is_whole(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(Scripted(text="I add.", tool_calls=(_CALL,)))
    tool = {"type": "function", "name": "add", "parameters": _SCHEMA, "strict": False}
    reply = client.responses.create(model="scripted", input="hi", instructions="Be brief.", tools=[tool])
    assert reply.output_text == "I add."
    assert (reply.output[1].type, reply.output[1].call_id) == ("function_call", "call_x")
    assert reply.usage is not None


def test_a_response_streams_every_event_that_its_client_knows(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(Scripted(text="I add it up.", tool_calls=(_CALL,)))
    with client.responses.stream(model="scripted", input="hi") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert final.output_text == "I add it up."
    assert final.output[1].arguments == '{"a": 1}'


def test_a_response_that_breaks_off_is_failed(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(Scripted(text="I ad", error=StreamInterrupted("the answer broke off")))
    *_, last = client.responses.create(model="scripted", input="hi", stream=True)
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert "broke off" in last.response.error.message


def test_embeddings_come_as_base64_and_as_numbers(client: openai.OpenAI) -> None:
    found = client.embeddings.create(model="scripted", input=["ab c", "d"])
    assert [round(number) for number in found.data[0].embedding][:2] == [4, 1]
    flat = client.embeddings.create(model="scripted", input="ab c", encoding_format="float")
    assert flat.data[0].embedding[:2] == [4.0, 1.0]


def test_the_tools_of_an_mcp_server_reach_the_model_and_its_calls_the_client(
    client: openai.OpenAI, served: Served
) -> None:
    """As Codex sends them, in a `namespace`; its calls are named as it named the tools."""
    servers = {
        "type": "namespace", "name": "mcp__bridge", "description": "A queue.",
        "tools": [{"type": "function", "name": "add", "parameters": _SCHEMA, "strict": False}],
    }  # fmt: skip
    own = {"type": "namespace", "name": "multi_agent_v1", "tools": [{"type": "function", "name": "spawn"}]}
    asked = {"model": "scripted", "input": "hi", "tools": [servers, own]}
    served.engine.enqueue(*[Scripted(text="", tool_calls=(replace(_CALL, name="mcp__bridge__add"),))] * 2)

    whole = client.responses.create(**asked)
    *_, last = client.responses.create(**asked, stream=True)

    assert [tool.name for tool in served.engine.requests[-1].tools] == ["mcp__bridge__add"]
    for reply in (whole, last.response):
        call = reply.output[0].model_dump()
        assert (call["type"], call["namespace"], call["name"]) == ("function_call", "mcp__bridge", "add")

    served.engine.enqueue("Done.", "Done.")
    said = {"type": "function_call_output", "call_id": "call_x", "output": "2"}
    repeated = {
        "type": "function_call",
        "call_id": "call_x",
        "namespace": "mcp__bridge",
        "name": "add",
        "arguments": "{}",
    }
    client.responses.create(**{**asked, "input": [repeated, said]})
    client.responses.create(**{**asked, "input": [said]}, previous_response_id=whole.id)
    for request in served.engine.requests[-2:]:
        assert [call.name for message in request.messages for call in message.tool_calls] == ["mcp__bridge__add"]


def test_a_function_that_is_named_like_one_of_a_server_keeps_its_name(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue(Scripted(text="", tool_calls=(replace(_CALL, name="mcp__bridge__add"),)))
    tool = {"type": "function", "name": "mcp__bridge__add", "parameters": _SCHEMA, "strict": False}

    call = client.responses.create(model="scripted", input="hi", tools=[tool]).output[0].model_dump()

    assert (call["name"], call.get("namespace")) == ("mcp__bridge__add", None)
