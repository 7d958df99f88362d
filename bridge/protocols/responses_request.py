"""What OpenAI's Responses are asked with, read into the shape of chat completions. Pure.

Source: https://platform.openai.com/docs/api-reference/responses/create. Items and tools that only run on OpenAI's servers are left
out: Codex sends `web_search` and `custom` tools and goes on without them (facts/gateway-and-clients.md, section 1.1); of its `namespace`s
those of MCP servers are read (`namespaces`).
"""

from __future__ import annotations

from bridge.core.chat import ChatRequest
from bridge.protocols import openai_request as fields
from bridge.protocols.asked import Asked, Json
from bridge.protocols.namespaces import joined, with_functions
from bridge.protocols.refusal import RefusedAsk

#: What a response repeats of its request, with what it says where the request is silent.
_ECHO: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
_TEXTS = ("input_text", "output_text", "text", "refusal")


def read_asked(body: Json) -> Asked:
    """The request of a body. Raises RefusedAsk."""
    previous = body.get("previous_response_id")
    if previous is not None and not isinstance(previous, str):
        raise RefusedAsk.bad("previous_response_id must be a text", "previous_response_id")
    return Asked(
        request=_request(body),
        options=fields.read_options(body, also={"max_tokens": "max_output_tokens"}),
        stream=fields.read_flag(body, "stream"),
        background=fields.read_flag(body, "background"),
        previous=previous,
        parallel_calls=body.get("parallel_tool_calls") is not False,
        truncation=fields.read_truncation(body),
        private=fields.read_private(body),
        echo={name: default if body.get(name) is None else body[name] for name, default in _ECHO.items()},
    )


def _request(body: Json) -> ChatRequest:
    tools = [
        _tool(tool) for tool in fields.functions_of(with_functions(body.get("tools"))) or () if isinstance(tool, dict)
    ]
    instructions = body.get("instructions")
    said: list[Json] = [{"role": "system", "content": instructions}] if instructions else []
    return fields.read_chat(
        {
            "messages": [*said, *_messages(body.get("input"))],
            "tools": tools or None,
            "tool_choice": _choice(body.get("tool_choice")) if tools else None,
            "response_format": _format(body.get("text")),
        }
    )


def _messages(value: object) -> list[Json]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if not isinstance(value, list) or not value:
        raise RefusedAsk.bad("input must be a text or a list of items", "input")
    found: list[Json] = []
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            raise RefusedAsk.bad(f"input[{number}] must be an object", "input")
        kind = item.get("type", "message")
        if kind == "message":
            found.append({"role": item.get("role"), "content": _content(item.get("content"), number)})
        elif kind == "function_call":
            _add_call(found, item)
        elif kind == "function_call_output":
            said = _content(item.get("output"), number)
            found.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": said})
    if not found:
        raise RefusedAsk.bad("input has nothing that a model can read", "input")
    return found


def _add_call(found: list[Json], item: Json) -> None:
    """A call belongs to the assistant's message before it; calls in a row are one message's."""
    call = {"id": item.get("call_id"), "function": {"name": joined(item), "arguments": item.get("arguments")}}
    if not found or found[-1]["role"] != "assistant":
        found.append({"role": "assistant", "content": None})
    calls = found[-1].setdefault("tool_calls", [])
    if isinstance(calls, list):
        calls.append(call)


def _content(value: object, number: int) -> object:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise RefusedAsk.bad(f"input[{number}].content must be a text or a list of parts", "input")
    return [part for given in value if (part := _part(given)) is not None]


def _part(part: object) -> Json | None:
    """A part that a model can read; None: a file or the like."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict):
        return None
    if kind in _TEXTS:
        return {"type": "text", "text": part.get("text") or part.get("refusal") or ""}
    if kind == "input_image" and part.get("image_url"):
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    return None


def _tool(tool: Json) -> Json:
    """A tool in the shape of chat completions: here its function stands at the top."""
    return tool if "function" in tool else {"type": "function", "function": {**tool, "type": None}}


def _choice(value: object) -> object:
    return None if isinstance(value, dict) and value.get("type") not in (None, "function") else value


def _format(text: object) -> Json | None:
    wanted = text.get("format") if isinstance(text, dict) else None
    if not isinstance(wanted, dict) or wanted.get("type") == "text":
        return None
    if wanted.get("type") == "json_schema" and "json_schema" not in wanted:
        return {"type": "json_schema", "json_schema": wanted}
    return wanted
