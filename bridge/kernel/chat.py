"""What a model is asked, in the shape of OpenAI's chat completions, read strictly into plain JSON values.

The one reader of the shape: a Colab tab sends what it gives to Ollama, and the package makes its typed messages from it
(core/chat, protocols/openai). Source: https://platform.openai.com/docs/api-reference/chat/create, with the older `functions` and
`function_call`, and content as a list of parts or null.
"""

from __future__ import annotations

import json

from .chat_json import (
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
from .grammar import JobForm


class ChatError(ValueError):
    """Messages or a request that cannot be read; says which, and why."""


_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_REQUEST = ("messages", "prompt", "tools", "tool_choice", "response_format", "n", "suffix")


def read_body(body: str, form: JobForm) -> RequestJson:
    """What a job asks for, from its cell's body: `read_request` of it.

    Raises:
        ChatError: the body is not what its header says.
    """
    if form is JobForm.PROMPT:
        return {"prompt": body}
    kind = "list of messages" if form is JobForm.CHAT else "object"
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ChatError(f"the body of a --{form.value} job is a JSON {kind}: {error}") from None
    try:
        return {"messages": read_messages(value)} if form is JobForm.CHAT else read_request(value)
    except ChatError as error:
        raise ChatError(f"the body of a --{form.value} job is a JSON {kind}: {error}") from None


def read_request(value: object) -> RequestJson:
    """A whole request: `messages` or `prompt`, and of `tools`, `tool_choice`, `response_format`, `n` and `suffix` what is given.

    Raises:
        ChatError: a field that is not one of these, or that does not hold what it should.
    """
    if not isinstance(value, dict):
        raise ChatError("a request must be a JSON object")
    if unknown := sorted(value.keys() - set(_REQUEST)):
        raise ChatError(f"unknown field {unknown[0]!r}; known are {', '.join(_REQUEST)}")
    if (value.get("messages") is None) == (value.get("prompt") is None):
        raise ChatError('one of "messages" and "prompt" is needed')
    request = _fields({name: told for name, told in value.items() if told is not None})
    if "suffix" in request and "prompt" not in request:
        raise ChatError('"suffix" goes with "prompt", not with messages')
    choice = request.get("tool_choice")
    offered = [tool["function"]["name"] for tool in request.get("tools", ())]
    if isinstance(choice, dict) and choice["function"]["name"] not in offered:
        raise ChatError(f'"tool_choice" names {choice["function"]["name"]!r}, which is not among the tools')
    return request


def _fields(given: dict[str, object]) -> RequestJson:
    read: RequestJson = {}
    if "messages" in given:
        read["messages"] = read_messages(given["messages"])
    if "prompt" in given:
        read["prompt"] = _text(given["prompt"], '"prompt"')
    if "tools" in given:
        read["tools"] = read_tools(given["tools"])
    if "tool_choice" in given:
        read["tool_choice"] = read_tool_choice(given["tool_choice"])
    if "response_format" in given:
        read["response_format"] = read_response_format(given["response_format"])
    if "n" in given:
        read["n"] = _count(given["n"])
    if "suffix" in given:
        read["suffix"] = _text(given["suffix"], '"suffix"')
    return read


def read_messages(value: object) -> list[MessageJson]:
    """Messages with `role`, `content` and, where they have them, `tool_calls`, `tool_call_id` and `name`.

    Content is one text, or a list of parts if an image is among them; null is the empty text. `developer` is `system`,
    the older `function` is `tool`, and its call has the id that its answer names.

    Raises:
        ChatError: no list of messages; says which message is wrong.
    """
    if not isinstance(value, list) or not value:
        raise ChatError('"messages" must be a list of messages')
    read: list[MessageJson] = []
    for number, message in enumerate(value, 1):
        where = f"message {number}"
        given = message.get("role") if isinstance(message, dict) else None
        role = _ROLES.get(given) if isinstance(given, str) else None
        if role is None:
            raise ChatError(f"{where} has role {given!r}; known are {', '.join(_ROLES)}")
        found: MessageJson = {"role": role, "content": _content(message.get("content"), where)}
        calls = _calls(message, number, where)
        if calls and role != "assistant":
            raise ChatError(f"{where} has tool calls, but role {role}")
        name, answers = message.get("name"), message.get("tool_call_id")
        if role == "tool":
            found["tool_call_id"] = (
                _text(answers, f'"tool_call_id" of {where}') if answers is not None else _asked(read, name)
            )
        if calls:
            found["tool_calls"] = calls
        if isinstance(name, str):
            found["name"] = name
        read.append(found)
    return read


def _content(value: object, where: str) -> str | list[PartJson]:
    if value is None or isinstance(value, str):
        return value or ""
    if not isinstance(value, list):
        raise ChatError(f"{where} has no text")
    parts = [_part(part, where) for part in value]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    return "".join(texts) if len(texts) == len(parts) else parts


def _part(part: object, where: str) -> PartJson:
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict) and kind in ("text", "refusal") and isinstance(part.get(kind), str):
        return {"type": "text", "text": part[kind]}
    if isinstance(part, dict) and kind == "image_url":
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        if isinstance(url, str) and url:
            return {"type": "image_url", "image_url": {"url": url}}
    raise ChatError(f"{where} has a part that is neither text nor an image: {kind!r}")


def _calls(message: dict[str, object], number: int, where: str) -> list[CallJson]:
    given = message.get("tool_calls") or []
    older = message.get("function_call")
    if older is not None:
        given = [*given, {"function": older}] if isinstance(given, list) else given
    if not isinstance(given, list):
        raise ChatError(f"{where} has tool calls that are no list")
    return [read_tool_call(call, fallback_id=f"call_{number}_{i}", where=where) for i, call in enumerate(given, 1)]


def read_tool_call(call: object, *, fallback_id: str, where: str = "the answer") -> CallJson:
    """One call of a tool: `id`, `type` and `function` with `name` and `arguments`, a text; an object is written as JSON.

    Raises:
        ChatError: no call of a function with a name.
    """
    function = call.get("function") if isinstance(call, dict) else None
    if (
        not isinstance(call, dict)
        or not isinstance(function, dict)
        or not isinstance(function.get("name"), str)
        or not function["name"]
    ):
        raise ChatError(f"{where} has a tool call without a function's name")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps({} if arguments is None else arguments, ensure_ascii=False)
    own = call.get("id")
    own = own if isinstance(own, str) and own else fallback_id
    return {"id": own, "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _asked(read: list[MessageJson], name: object) -> str:
    """The id of the latest call of a function: the older shape names no ids."""
    calls = [call for message in read for call in message.get("tool_calls", ())]
    found = [call["id"] for call in calls if name is None or call["function"]["name"] == name]
    return found[-1] if found else ""


def read_tools(value: object) -> list[ToolJson]:
    """The functions that a model may call: `type` and `function` with `name`, `description` and `parameters`, a JSON Schema.

    The older `functions`, bare, are read as well.

    Raises:
        ChatError: no list, another type of tool, no name, or a name twice.
    """
    if not isinstance(value, list):
        raise ChatError('"tools" must be a list')
    tools: list[ToolJson] = []
    for number, tool in enumerate(value, 1):
        bare = (
            isinstance(tool, dict)
            and "function" not in tool
            and "name" in tool
            and tool.get("type", "function") == "function"
        )
        function = tool if bare else tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or (not bare and tool.get("type", "function") != "function"):
            raise ChatError(f"tool {number} is no function")
        name, about, parameters = (function.get(key) for key in ("name", "description", "parameters"))
        if not isinstance(name, str) or not name or name in [t["function"]["name"] for t in tools]:
            raise ChatError(f"tool {number} has no name, or one that another has")
        if not isinstance(about, str | None) or not isinstance(parameters, dict | None):
            raise ChatError(f"tool {name!r}: its description is a text and its parameters are a JSON Schema")
        offered: OfferedFunction = {
            "name": name,
            "description": about or "",
            "parameters": parameters or {"type": "object", "properties": {}},
            **_strict(function),
        }
        tools.append({"type": "function", "function": offered})
    return tools


def read_tool_choice(value: object) -> str | ChoiceJson:
    """`none`, `auto`, `required`, or the one function that must be called. The older bare `{"name": …}` is read as well."""
    if value in ("none", "auto", "required"):
        return str(value)
    function = value.get("function", value) if isinstance(value, dict) else None
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        return {"type": "function", "function": {"name": function["name"]}}
    raise ChatError('"tool_choice" must be none, auto, required or a function')


def read_response_format(value: object) -> FormatJson:
    """`{"type": …}`: text, json_object, or json_schema with `name` and `schema`."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("text", "json_object"):
        return {"type": kind}
    inner = value.get("json_schema") if isinstance(value, dict) and kind == "json_schema" else None
    if isinstance(inner, dict) and isinstance(inner.get("schema"), dict):
        schema: SchemaJson = {"name": str(inner.get("name") or "answer"), "schema": inner["schema"], **_strict(inner)}
        return {"type": "json_schema", "json_schema": schema}
    raise ChatError('"response_format" must be of type text, json_object or json_schema with a schema')


def _strict(given: dict[str, object]) -> Strictness:
    strict = given.get("strict")
    return {"strict": strict} if isinstance(strict, bool) else {}


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise ChatError(f"{what} must be a text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ChatError('"n" must be a whole number above zero')
    return value
