"""A request in OpenAI's shape as the body of an Ollama request, and Ollama's tool calls back in OpenAI's shape. Pure.

Wire facts: Ollama's docs/api.md and api/types.go (facts, 7.14 and 7.15): `tools` only on /api/chat, arguments of a call are an
object there, images are base64 beside the text, `format` is "json" or a schema, `suffix` only on /api/generate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from .chat import ChatError, read_tool_call
from .chat_json import CalledFunction, CallJson, MessageJson, PartJson, RequestJson
from .error_kind import ErrorKind, OllamaError


def ollama_body(request: RequestJson) -> tuple[str, dict[str, object]]:
    """(path, what to ask) for a request in the shape that `read_request` gives; content may be null.

    Raises:
        OllamaError: NOT_SUPPORTED, naming what Ollama cannot do; BAD_REQUEST, an image or arguments that it cannot take.
    """
    if request.get("n", 1) > 1:
        raise OllamaError(
            ErrorKind.NOT_SUPPORTED, f"one request gives one answer, not {request['n']}: ask so many times"
        )
    choice = request.get("tool_choice", "auto")
    if choice not in ("auto", "none"):
        raise OllamaError(ErrorKind.NOT_SUPPORTED, "Ollama cannot be made to call a tool: leave tool_choice at auto")
    tools = request.get("tools") if choice == "auto" else None
    body: dict[str, object] = {}
    wanted = request.get("response_format") or {"type": "text"}
    if wanted["type"] != "text":
        body["format"] = "json" if wanted["type"] == "json_object" else wanted["json_schema"]["schema"]
    if "messages" not in request and not tools:
        return "/api/generate", {
            **body,
            "prompt": request["prompt"],
            **({"suffix": request["suffix"]} if "suffix" in request else {}),
        }
    if "suffix" in request:
        raise OllamaError(ErrorKind.NOT_SUPPORTED, "Ollama fills in the middle of a plain prompt only, without tools")
    messages: list[MessageJson] = request.get("messages") or [{"role": "user", "content": request["prompt"]}]
    body["messages"] = [_ollama_message(message, messages) for message in messages]
    return "/api/chat", {**body, **({"tools": tools} if tools else {})}


def _ollama_message(message: MessageJson, all_messages: Sequence[MessageJson]) -> dict[str, object]:
    parts = _parts(message["content"])
    told: dict[str, object] = {
        "role": message["role"],
        "content": "".join(part["text"] for part in parts if part["type"] == "text"),
    }
    if images := [_image(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]:
        told["images"] = images
    if calls := message.get("tool_calls"):
        told["tool_calls"] = [_ollama_call(call["function"]) for call in calls]
    if message["role"] == "tool":
        answered = message.get("tool_call_id")
        names = [
            call["function"]["name"] for m in all_messages for call in m.get("tool_calls", ()) if call["id"] == answered
        ]
        told["tool_name"] = names[-1] if names else message.get("name", "")
    return told


def _parts(content: str | list[PartJson] | None) -> list[PartJson]:
    return [{"type": "text", "text": content or ""}] if content is None or isinstance(content, str) else content


def _ollama_call(function: CalledFunction) -> dict[str, object]:
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise OllamaError(
            ErrorKind.BAD_REQUEST, f"the arguments of the call of {function['name']!r} are no JSON object"
        )
    return {"function": {"name": function["name"], "arguments": arguments}}


def _image(url: str) -> str:
    head, comma, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64") and comma):
        raise OllamaError(ErrorKind.BAD_REQUEST, "Ollama fetches no images: give them as data: URLs in base64")
    return data


def calls_in(line: Mapping[str, object], number: int) -> list[CallJson]:
    """The tool calls in a line of a stream; `number`: how many came before, for an id where Ollama gives none.

    Raises:
        OllamaError: INTERRUPTED, a call without a function's name.
    """
    message = line.get("message")
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if not isinstance(calls, list):
        return []
    try:
        return [read_tool_call(call, fallback_id=f"call_{number + i}") for i, call in enumerate(calls, 1)]
    except ChatError as error:
        raise OllamaError(ErrorKind.INTERRUPTED, str(error)) from None


def text_of(request: RequestJson) -> str:
    """All that a model reads of a request, as one text; for an estimate of its length. Images do not count."""
    texts = [str(request.get("prompt", "")), str(request.get("suffix", ""))]
    for message in request.get("messages", ()):
        texts += [part["text"] for part in _parts(message["content"]) if part["type"] == "text"]
        texts += [json.dumps(call["function"], ensure_ascii=False) for call in message.get("tool_calls", ())]
    texts += [json.dumps(tool["function"], ensure_ascii=False) for tool in request.get("tools", ())]
    return "\n".join(text for text in texts if text)
