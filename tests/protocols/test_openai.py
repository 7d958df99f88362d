"""OpenAI's chat shape as values and back: one reader for batches, notebooks, kernels and engines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.chat import (
    AnswerFormat,
    ChatMessage,
    ChatRequest,
    ChatRole,
    FinishReason,
    ImagePart,
    ResponseFormat,
    TextPart,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolUse,
    read_finish_reason,
)
from bridge.core.errors import PromptRefused
from bridge.core.job import JobForm, NewJob
from bridge.intake.batch import read_line
from bridge.intake.prompt import MAX_BYTES, body_of, prompt_of
from bridge.kernel import chat
from bridge.protocols.job_body import read_body, write_body
from bridge.protocols.openai import (
    ChatError,
    read_messages,
    read_request,
    write_finish_reason,
    write_request,
)
from bridge.protocols.openai_stream import ReplyReader
from bridge.protocols.tool_text import TAGGED as TAGS
from bridge.protocols.tool_text import CallsInText

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcdefghij_", min_size=1, max_size=8)
calls = st.builds(ToolCall, id=names, name=names, arguments=words)
parts = st.lists(st.builds(ImagePart, url=st.just("data:image/png;base64,AAAA")), min_size=1, max_size=2).map(tuple)
plain = st.builds(ChatMessage.of, st.sampled_from([ChatRole.SYSTEM, ChatRole.USER, ChatRole.ASSISTANT]), words)
messages = st.one_of(
    plain,
    st.builds(ChatMessage, role=st.just(ChatRole.USER), parts=parts, name=st.none() | names),
    st.builds(
        ChatMessage, role=st.just(ChatRole.ASSISTANT), tool_calls=st.lists(calls, min_size=1, max_size=3).map(tuple)
    ),
    st.builds(
        lambda text, call: ChatMessage(
            role=ChatRole.TOOL, parts=(TextPart(text=text),) if text else (), tool_call_id=call
        ),
        words,
        names,
    ),
)
tools = st.lists(
    st.builds(ToolDefinition, name=names, description=words, strict=st.none() | st.booleans()),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)
formats = st.one_of(
    st.just(ResponseFormat()),
    st.just(ResponseFormat(kind=AnswerFormat.JSON_OBJECT)),
    st.builds(ResponseFormat, kind=st.just(AnswerFormat.JSON_SCHEMA), name=names, schema=st.just({"type": "object"})),
)
requests = st.one_of(
    st.builds(ChatRequest, prompt=words, suffix=st.none() | words, response_format=formats),
    st.builds(
        ChatRequest,
        prompt=st.lists(messages, min_size=1, max_size=5).map(tuple),
        tools=tools,
        tool_choice=st.sampled_from([ToolChoice(), ToolChoice(use=ToolUse.NONE), ToolChoice(use=ToolUse.REQUIRED)]),
        response_format=formats,
    ),
)


@settings(deadline=None, max_examples=150)
@given(request=requests)
def test_what_is_written_is_read_back(request: ChatRequest) -> None:
    assert read_request(json.loads(json.dumps(write_request(request)))) == request


@settings(deadline=None, max_examples=150)
@given(request=requests)
def test_a_cells_body_gives_back_the_request_as_messages(request: ChatRequest) -> None:
    body, form = write_body(request)
    read = read_body(body, form)
    assert (read.messages, read.tools, read.tool_choice, read.response_format, read.suffix) == (
        request.messages, request.tools, request.tool_choice, request.response_format, request.suffix,
    )  # fmt: skip
    assert (form is JobForm.REQUEST) == (not request.is_plain)


@settings(deadline=None, max_examples=100)
@given(request=requests)
def test_reading_twice_changes_nothing(request: ChatRequest) -> None:
    """The kernel reads what the package wrote, and the package what a kernel's reader gave: they agree."""
    once = chat.read_request(write_request(request))
    assert chat.read_request(once) == once


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ({"role": "user", "content": "hi"}, "hi"),
        ({"role": "assistant", "content": None}, ""),  # what clients write beside tool calls
        ({"role": "assistant"}, ""),  # no content at all
        ({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}]}, "r"),  # Qwen Code's
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, "no"),
        ({"role": "developer", "content": "be brief", "cache_control": {}}, "be brief"),  # a field that nobody knows
    ],
)
def test_content_in_every_shape_is_one_text(given_: dict[str, Any], text: str) -> None:
    [message] = read_messages([given_])
    assert message.text == text


def test_the_older_functions_are_tools_whose_calls_have_ids() -> None:
    request = read_request(
        {
            "messages": [
                {"role": "user", "content": "sum"},
                {"role": "assistant", "content": None, "function_call": {"name": "sum", "arguments": "{}"}},
                {"role": "function", "name": "sum", "content": "55"},
            ],
            "tools": [{"name": "sum", "parameters": {"type": "object"}}],
        }
    )
    _, called, answer = request.messages
    assert [tool.name for tool in request.tools] == ["sum"]
    assert (answer.role, answer.tool_call_id) == (ChatRole.TOOL, called.tool_calls[0].id)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "object"),
        ({}, "is needed"),
        ({"messages": []}, "list of messages"),
        ({"messages": ["hi"]}, "message 1 has role None"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "message 1 has role 'wizard'"),
        ({"messages": [{"role": "user", "content": 5}]}, "message 1 has no text"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "'audio'"),
        ({"messages": [{"role": "user", "content": [5]}]}, "neither text nor an image"),
        ({"messages": [{"role": "user", "tool_calls": [{"function": {"name": "f"}}]}]}, "role user"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "without a function's name"),
        ({"prompt": "x", "tools": [{"type": "web_search"}]}, "tool 1 is no function"),
        ({"prompt": "x", "tools": [{"type": "function", "function": {}}]}, "no name"),
        ({"prompt": "x", "tools": [{"name": "a"}, {"name": "a"}]}, "another has"),
        ({"prompt": "x", "tool_choice": "maybe"}, "tool_choice"),
        ({"prompt": "x", "tool_choice": {"type": "function", "function": {"name": "f"}}}, "not among the tools"),
        ({"prompt": "x", "response_format": {"type": "xml"}}, "response_format"),
        ({"prompt": "x", "response_format": {"type": "json_schema"}}, "schema"),
        ({"prompt": "x", "n": 0}, "above zero"),
        ({"prompt": "x", "n": True}, "whole number"),
        ({"prompt": 5}, "must be a text"),
        ({"prompt": "x", "temperature": 1}, "unknown field 'temperature'"),
        ({"messages": [{"role": "user", "content": "x"}], "suffix": "y"}, "not with messages"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(value: object, reason: str) -> None:
    with pytest.raises(ChatError, match=reason):
        read_request(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["messages", "role", "content", "tools", "tool_calls", "function", "name", "type", "text", "image_url", "url", "prompt",
         "arguments", "response_format", "tool_choice", "json_schema", "n", "suffix", "function_call"]) | words, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(value=json_values)
def test_nothing_from_outside_makes_the_reader_fall_over(value: object) -> None:
    for read in (read_request, read_messages, chat.read_tools, chat.read_tool_choice, chat.read_response_format):
        try:
            read(value)
        except ChatError:
            continue


def line(**body: object) -> bytes:
    return json.dumps({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}).encode()


def test_null_content_in_a_batch_line_is_no_text_and_never_the_word_none() -> None:
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None},
        {"role": "user", "content": "and?"},
    ]
    job = read_line(line(messages=history), NewJob(body=""))
    assert [m.text for m in read_body(job.body, job.form).messages] == ["hi", "", "and?"]
    assert "None" not in job.body


def test_null_content_in_a_chat_cell_is_no_text_and_never_the_word_none() -> None:
    body = '[{"role": "user", "content": "hi"}, {"role": "assistant", "content": null}]'
    assert prompt_of(body, JobForm.CHAT) == "[user]\nhi\n\n[assistant]\n"


def test_a_batch_line_with_tools_becomes_a_job_with_the_whole_request() -> None:
    told = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    job = read_line(line(messages=[{"role": "user", "content": "x"}], tools=told, max_tokens=7), NewJob(body=""))
    assert job.form is JobForm.REQUEST
    assert [tool.name for tool in read_body(job.body, job.form).tools] == ["f"]
    assert job.options.max_tokens == 7


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ([{"role": "user", "content": "x"}], JobForm.PROMPT),
        ([{"role": "user", "content": "x\r\n"}], JobForm.CHAT),  # a carriage return does not outlive an editor
        ([{"role": "system", "content": "s"}, {"role": "user", "content": "x"}], JobForm.CHAT),
    ],
)
def test_plain_lines_take_the_forms_that_version_one_reads(body: list[dict[str, str]], form: JobForm) -> None:
    job = read_line(line(messages=body, tools=[], response_format={"type": "text"}), NewJob(body=""))
    assert job.form is form
    if form is JobForm.CHAT:
        assert json.loads(job.body) == body


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (ChatRequest(prompt="x", n=2), "add 2 jobs"),
        (ChatRequest(prompt=(ChatMessage.system("s"),)), "no message"),
        (ChatRequest(prompt="x", suffix="\ud800"), "lone surrogate"),
        (ChatRequest(prompt="x", tools=(ToolDefinition(name="f", description="y" * MAX_BYTES),)), "bytes"),
        (ChatRequest(prompt="x", tools=(ToolDefinition(name="f", description="\udc00"),)), "lone surrogate"),
    ],
)
def test_a_request_that_no_cell_can_hold_is_refused(request_: ChatRequest, reason: str) -> None:
    with pytest.raises(PromptRefused, match=reason):
        body_of(request_)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("STOP", FinishReason.STOP),  # Gemini
        ("end_turn", FinishReason.STOP),  # Anthropic
        ("eos_token", FinishReason.STOP),  # text-generation-inference
        ("length", FinishReason.LENGTH),
        ("MAX_TOKENS", FinishReason.LENGTH),  # Gemini, Cohere
        ("max_output_tokens", FinishReason.LENGTH),  # Responses
        ("tool_use", FinishReason.TOOL_CALLS),  # Anthropic
        ("function_call", FinishReason.TOOL_CALLS),  # OpenAI, older
        ("content-filter", FinishReason.CONTENT_FILTER),
        ("repetition", FinishReason.REPETITION),
        ("error", FinishReason.ERROR),  # failed results on disk
        ("load", FinishReason.UNKNOWN),  # Ollama, of an empty prompt
        ("", FinishReason.UNKNOWN),
        (None, FinishReason.UNKNOWN),
        (7, FinishReason.UNKNOWN),
    ],
)
def test_each_way_of_saying_how_an_answer_ended_has_its_reason(said: object, reason: FinishReason) -> None:
    assert read_finish_reason(said) is reason


def test_a_finish_reason_is_written_in_openais_words() -> None:
    known = {"stop", "length", "tool_calls", "content_filter"}
    assert {write_finish_reason(reason) for reason in FinishReason if reason is not FinishReason.ERROR} == known


def event(**delta: object) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": None}]}


def test_tool_calls_that_come_in_pieces_are_put_together() -> None:
    reader = ReplyReader("m")
    for index, name in ((0, "f"), (1, "g")):
        reader.feed(
            event(tool_calls=[{"index": index, "id": f"c{index}", "function": {"name": name, "arguments": ""}}])
        )
        for piece in ('{"a"', ": 1}"):
            reader.feed(event(tool_calls=[{"index": index, "function": {"arguments": piece}}]))
    reader.feed({"choices": [{"delta": {}, "finish_reason": "stop"}]})  # some servers say stop beside calls
    reply = reader.reply()
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [("c0", "f", '{"a": 1}'), ("c1", "g", '{"a": 1}')]
    assert reply.finish_reason is FinishReason.TOOL_CALLS


def test_the_older_function_call_is_streamed_as_one_call() -> None:
    reader = ReplyReader("m")
    reader.feed(event(content=None, function_call={"name": "f", "arguments": "{"}))
    reader.feed(event(function_call={"arguments": "}"}))
    reader.feed({"choices": [{"delta": {}, "finish_reason": "function_call"}]})
    assert [(call.name, call.arguments) for call in reader.reply().tool_calls] == [("f", "{}")]


TAGGED = 'Let me look.\n<tool_call>\n{"name": "f", "arguments": {"a": "<b>"}}\n</tool_call>'


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "left", "calls_"),
    [
        (TAGGED, "Let me look.\n", ["f"]),
        (TAGGED + "\n" + TAGGED, "Let me look.\nLet me look.\n", ["f", "f"]),
        ("a < b and <tool", "a < b and <tool", []),  # nearly a tag
        (TAGGED.replace('"f"', '"g"'), None, []),  # a tool that was not offered stays text
        (TAGGED.replace("}}", "}"), None, []),  # no JSON
        (TAGGED[:-3], None, []),  # cut
    ],
)
def test_calls_between_tags_are_told_from_text_however_it_is_cut_up(
    size: int, text: str, left: str | None, calls_: list[str]
) -> None:
    reader = CallsInText(offered={"f"}, habits=TAGS)
    shown = "".join(reader.feed(text[i : i + size]) for i in range(0, len(text), size)) + reader.end()
    assert shown == (text if left is None else left)
    assert [call.name for call in reader.calls] == calls_
