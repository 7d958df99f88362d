"""An answer with its tool calls made right, from any engine: found in the text, held to their schemas, asked for again once.

Engines differ in what they do: one gives calls of its own, one leaves them in the text, one cannot be made to call a tool. What a
client gets is the same: calls of offered tools whose arguments fit, or a clear error.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.core.chat import (
    AnswerFormat,
    ChatMessage,
    ChatRole,
    FinishReason,
    ResponseFormat,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolUse,
)
from bridge.core.errors import IncompleteAnswer
from bridge.engines.base import Answer, Engine, OnToken, Request, Stop, ignore_token
from bridge.gateway.offered_tools import OfferedTools
from bridge.protocols.openai import write_tool
from bridge.protocols.tool_text import CallsInText

#: An id that says nothing but its number: conversations hold many answers, and ids must differ between them.
_NUMBERED = re.compile(r"call_\d+(_\d+)?")


@dataclass(frozen=True, kw_only=True)
class _Spoken:
    answer: Answer
    text: str  #: without what was a call
    calls: tuple[ToolCall, ...]


def answer_with_calls(
    engine: Engine,
    request: Request,
    on_token: OnToken = ignore_token,
    *,
    stop: Stop | None = None,
    parallel: bool = True,
) -> Answer:
    """See `Engine.answer`. `on_token` gets no text that is a call. `parallel`: whether there may be several calls.

    Raises:
        BadRequest: a tool whose schema cannot be used.
        IncompleteAnswer: the model's call does not fit, or none came where one was asked for, after it was asked again.
        EngineError: as the engine raises.
    """
    if not request.tools or request.tool_choice.use is ToolUse.NONE:
        return engine.answer(request, on_token, stop=stop)
    toolbox = OfferedTools(request.tools)
    said = _ask(engine, request, on_token, stop, toolbox)
    fault = _fault(request, said, toolbox)
    if fault:
        said = _ask(engine, _again(request, said, fault), ignore_token, stop, toolbox)
        fault = _fault(request, said, toolbox)
    if fault:
        error = IncompleteAnswer(f"{fault} (it was asked twice)")
        error.partial = said.text
        raise error
    calls = [right for call in said.calls if (right := toolbox.right(call))]
    kept = tuple(_with_own_id(call, number) for number, call in enumerate(calls if parallel else calls[:1]))
    reason = said.answer.finish_reason
    if kept and not reason.is_cut:
        reason = FinishReason.TOOL_CALLS
    return replace(said.answer, text=said.text, tool_calls=kept, finish_reason=reason)


def _ask(engine: Engine, request: Request, on_token: OnToken, stop: Stop | None, toolbox: OfferedTools) -> _Spoken:
    shaped, is_forced = _as_engine_can(engine, request)
    reader = CallsInText(offered=toolbox.names)
    shown: list[str] = []

    def show(text: str) -> None:
        if text:
            shown.append(text)
            on_token(text)

    answer = engine.answer(shaped, lambda piece: show(reader.feed(piece)), stop=stop)
    if answer.finish_reason.is_cut:  # what looks like a call may lack its end
        show(reader.rest())
    else:
        show(reader.end())
    calls = (*answer.tool_calls, *reader.calls)
    if is_forced and not calls and (call := _forced_call(answer.text)):
        calls = (call,)
    return _Spoken(answer=answer, text="".join(shown) if not is_forced else "", calls=calls)


def _fault(request: Request, said: _Spoken, toolbox: OfferedTools) -> str:
    """What is wrong with an answer; empty: nothing."""
    wrong = [call for call in said.calls if toolbox.right(call) is None]
    if wrong:
        return toolbox.fault(wrong[0])
    choice = request.tool_choice
    if choice.use is ToolUse.NAMED and not any(call.name == choice.name for call in said.calls):
        return f"the tool {choice.name} had to be called, and was not"
    if choice.use is ToolUse.REQUIRED and not said.calls:
        return "a tool had to be called, and none was"
    return ""


def _again(request: Request, said: _Spoken, fault: str) -> Request:
    """The same request, with what was wrong with its first answer."""
    before = ChatMessage.assistant(said.answer.text or "\n".join(_call_text(call) for call in said.calls))
    return replace(request, prompt=(*request.messages, before, ChatMessage.user(f"That is wrong: {fault}. Try again.")))


def _as_engine_can(engine: Engine, request: Request) -> tuple[Request, bool]:
    """The request in a form that the engine can answer, and whether its answer is the call itself.

    An engine that cannot be made to call a tool is held to the call's JSON form instead; one that has no tools is told of them.
    """
    able = engine.capabilities(request.model)
    forced = request.tool_choice.use in (ToolUse.REQUIRED, ToolUse.NAMED)
    if forced and not able.tool_choice and able.json_schema:
        named = request.tool_choice.name
        tools = [tool for tool in request.tools if named in (None, tool.name)]
        wanted = ResponseFormat(kind=AnswerFormat.JSON_SCHEMA, name="call", schema=_call_schema(tools))
        return replace(_told(request, tools), response_format=wanted), True
    if not able.tools:
        return _told(request, request.tools), False
    if forced and not able.tool_choice:
        return replace(request, tool_choice=ToolChoice()), False
    return request, False


def _told(request: Request, tools: Sequence[ToolDefinition]) -> Request:
    """The tools as words, as Qwen's own template has them."""
    listed = "\n".join(json.dumps(write_tool(tool), ensure_ascii=False) for tool in tools)
    words = (
        f"You may call these functions:\n<tools>\n{listed}\n</tools>\nFor each call answer with a JSON object between tags:\n"
        '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
    )
    messages = _without_calls(request.messages)
    return replace(
        request, prompt=(ChatMessage.system(words), *messages), tools=(), tool_choice=ToolChoice(), suffix=None
    )


def _without_calls(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Calls and their results as words: an engine without tools has no place for them."""
    found: list[ChatMessage] = []
    for message in messages:
        if message.role is ChatRole.TOOL:
            found.append(ChatMessage.user(f"<tool_response>\n{message.text}\n</tool_response>"))
        elif message.tool_calls:
            calls = "\n".join(_call_text(call) for call in message.tool_calls)
            found.append(ChatMessage.assistant(f"{message.text}\n{calls}".strip()))
        else:
            found.append(message)
    return found


def _call_text(call: ToolCall) -> str:
    return f'<tool_call>\n{{"name": {json.dumps(call.name)}, "arguments": {call.arguments or "{}"}}}\n</tool_call>'


def _call_schema(tools: Sequence[ToolDefinition]) -> dict[str, object]:
    forms: list[dict[str, object]] = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, "arguments": dict(tool.parameters)},
            "required": ["name", "arguments"],
        }
        for tool in tools
    ]
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _forced_call(text: str) -> ToolCall | None:
    try:
        value = json.loads(text)
        return ToolCall(id="call_1", name=str(value["name"]), arguments=json.dumps(value["arguments"]))
    except (ValueError, KeyError, TypeError):
        return None


def _with_own_id(call: ToolCall, number: int) -> ToolCall:
    return replace(call, id=f"call_{secrets.token_hex(8)}_{number}") if _NUMBERED.fullmatch(call.id) else call
