"""OpenAI's chat shape as core values and back. Pure; the reading itself is the kernel's, so that both sides of a queue agree.

Source: https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.chat import (
    AnswerFormat,
    ChatMessage,
    ChatRequest,
    ChatRole,
    FinishReason,
    ImagePart,
    MessagePart,
    ResponseFormat,
    TextPart,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolUse,
)
from bridge.kernel import chat
from bridge.kernel.chat_json import (
    CallJson,
    ChoiceJson,
    FormatJson,
    MessageJson,
    OfferedFunction,
    PartJson,
    RequestJson,
    SchemaJson,
    Strictness,
    ToolJson,
)

#: A wire value that cannot be read; a ValueError that says which, and why.
ChatError = chat.ChatError


# ---- read -----------------------------------------------------------------------------------------------------------


def read_request(value: object) -> ChatRequest:
    """A request from `messages` or `prompt`, and `tools`, `tool_choice`, `response_format`, `n`, `suffix`.

    Raises:
        ChatError: another field, or one that does not hold what it should.
    """
    return typed_request(chat.read_request(value))


def typed_request(read: RequestJson) -> ChatRequest:
    """What the kernel's reader gave, as values."""
    return ChatRequest(
        prompt=read["prompt"] if "prompt" in read else tuple(_message(message) for message in read["messages"]),
        suffix=read.get("suffix"),
        tools=tuple(_tool(tool["function"]) for tool in read.get("tools", ())),
        tool_choice=_choice(read.get("tool_choice", "auto")),
        response_format=_format(read.get("response_format") or {"type": "text"}),
        n=read.get("n", 1),
    )


def read_messages(value: object) -> tuple[ChatMessage, ...]:
    """Messages: parts flattened where all are text, null content as no text, the older `function` role and `function_call`.

    Raises:
        ChatError: says which message is wrong.
    """
    return tuple(_message(message) for message in chat.read_messages(value))


def read_tool_calls(value: object) -> tuple[ToolCall, ...]:
    """The tool calls of an answer; null is none.

    Raises:
        ChatError: no list, or a call without a function's name.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ChatError("the tool calls are no list")
    return tuple(_call(chat.read_tool_call(call, fallback_id=f"call_{n}")) for n, call in enumerate(value, 1))


def read_embeddings(value: object) -> tuple[tuple[float, ...], ...]:
    """The vectors of an embeddings reply, in the order of the texts.

    Raises:
        ChatError: it holds none.
    """
    rows = value.get("data") if isinstance(value, dict) else None
    try:
        if not isinstance(rows, list):
            raise ChatError("there are no embeddings in it")
        return tuple(tuple(map(float, row["embedding"])) for row in sorted(rows, key=lambda row: row.get("index", 0)))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ChatError(f"its embeddings cannot be read: {error}") from None


def _message(read: MessageJson) -> ChatMessage:
    content = read["content"]
    parts: list[PartJson] = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    return ChatMessage(
        role=ChatRole(read["role"]),
        parts=tuple(_part(part) for part in parts if part.get("text") != ""),
        tool_calls=tuple(_call(call) for call in read.get("tool_calls", ())),
        tool_call_id=read.get("tool_call_id"),
        name=read.get("name"),
    )


def _part(part: PartJson) -> MessagePart:
    return TextPart(text=part["text"]) if part["type"] == "text" else ImagePart(url=part["image_url"]["url"])


def _call(call: CallJson) -> ToolCall:
    return ToolCall(id=call["id"], name=call["function"]["name"], arguments=call["function"]["arguments"])


def _tool(function: OfferedFunction) -> ToolDefinition:
    return ToolDefinition(
        name=function["name"],
        description=function["description"],
        parameters=function["parameters"],
        strict=function.get("strict"),
    )


def _choice(read: str | ChoiceJson) -> ToolChoice:
    return (
        ToolChoice(use=ToolUse(read))
        if isinstance(read, str)
        else ToolChoice(use=ToolUse.NAMED, name=read["function"]["name"])
    )


def _format(read: FormatJson) -> ResponseFormat:
    kind = AnswerFormat(read["type"])
    inner = read.get("json_schema")
    if inner is None:
        return ResponseFormat(kind=kind)
    return ResponseFormat(kind=kind, name=inner["name"], schema=inner["schema"], strict=inner.get("strict"))


# ---- write ----------------------------------------------------------------------------------------------------------


def write_request(request: ChatRequest) -> RequestJson:
    """What `read_request` reads back; what is as it would be anyway is left out."""
    wire: RequestJson = (
        {"prompt": request.prompt} if isinstance(request.prompt, str) else {"messages": write_messages(request.prompt)}
    )
    if request.suffix is not None:
        wire["suffix"] = request.suffix
    if request.tools:
        wire["tools"] = [write_tool(tool) for tool in request.tools]
    choice, wanted = request.tool_choice, request.response_format
    if choice.use is ToolUse.NAMED:
        wire["tool_choice"] = {"type": "function", "function": {"name": choice.name or ""}}
    elif choice.use is not ToolUse.AUTO:
        wire["tool_choice"] = choice.use.value
    if wanted.kind is AnswerFormat.JSON_SCHEMA:
        schema = dict(wanted.schema or {})
        inner: SchemaJson = {"name": wanted.name, "schema": schema, **_strict(wanted.strict)}
        wire["response_format"] = {"type": wanted.kind.value, "json_schema": inner}
    elif wanted.kind is not AnswerFormat.TEXT:
        wire["response_format"] = {"type": wanted.kind.value}
    if request.n != 1:
        wire["n"] = request.n
    return wire


def write_messages(messages: Sequence[ChatMessage]) -> list[MessageJson]:
    """Messages; text alone is one text, and an assistant that only calls tools has the content null."""
    return [_write_message(message) for message in messages]


def _write_message(message: ChatMessage) -> MessageJson:
    content: str | list[PartJson] | None = message.text
    if message.has_image:
        content = [
            {"type": "text", "text": part.text}
            if isinstance(part, TextPart)
            else {"type": "image_url", "image_url": {"url": part.url}}
            for part in message.parts
        ]
    wire: MessageJson = {"role": message.role.value, "content": None if message.tool_calls and not content else content}
    if message.tool_calls:
        wire["tool_calls"] = write_tool_calls(message.tool_calls)
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        wire["name"] = message.name
    return wire


def write_answer(text: str, calls: Sequence[ToolCall] = ()) -> MessageJson:
    """The assistant's message of a reply."""
    parts = (TextPart(text=text),) if text else ()
    return _write_message(ChatMessage(role=ChatRole.ASSISTANT, parts=parts, tool_calls=tuple(calls)))


def write_finish_reason(reason: FinishReason | None) -> str:
    """The end of an answer in OpenAI's words, which are fewer: what it does not name is `stop`, or `length` where it was cut."""
    if reason is None or reason is FinishReason.UNKNOWN:
        return "stop"
    return "length" if reason is FinishReason.REPETITION else reason.value


def write_tool_calls(calls: Sequence[ToolCall]) -> list[CallJson]:
    """The tool calls of an answer or of an assistant's message."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def write_tool(tool: ToolDefinition) -> ToolJson:
    """A function that the model may call."""
    function: OfferedFunction = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
        **_strict(tool.strict),
    }
    return {"type": "function", "function": function}


def _strict(strict: bool | None) -> Strictness:
    return {} if strict is None else {"strict": strict}
