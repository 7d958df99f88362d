"""Anthropic's messages API as a client speaks it: OpenAI's chat body to its body, its events to OpenAI's chunks. Pure.

So the one reader of OpenAI's streams reads both families. Source: https://docs.anthropic.com/en/api/messages-streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from bridge.protocols.asked import Json

#: Anthropic's names of what is the same otherwise.
_SAME = {"model": "model", "max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "stop": "stop_sequences"}  # fmt: skip
_STOPS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter"}  # fmt: skip
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}


def write_body(chat: Mapping[str, object]) -> Json:
    """The body of `POST /v1/messages` for a body of OpenAI's chat, streamed; options that Anthropic lacks are left out."""
    messages = [message for message in _list(chat.get("messages")) if isinstance(message, dict)]
    body: Json = {theirs: chat[ours] for ours, theirs in _SAME.items() if chat.get(ours) is not None}
    system = [str(message["content"]) for message in messages if message["role"] == "system"]
    if system:
        body["system"] = "\n\n".join(system)
    body["messages"] = _joined(message for message in messages if message["role"] != "system")
    if tools := [tool["function"] for tool in _list(chat.get("tools")) if isinstance(tool, dict)]:
        body["tools"] = [{"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]} for tool in tools]  # fmt: skip
        body["tool_choice"] = _choice(chat.get("tool_choice"))
    return {**body, "stream": True}


def as_chunk(event: Mapping[str, object]) -> Json | None:
    """An event of Anthropic's as a chunk of OpenAI's; None: it says nothing of the answer."""
    kind = event.get("type")
    if kind == "message_start":
        message = _dict(event.get("message"))
        return {"model": message.get("model"), "usage": {"prompt_tokens": _dict(message.get("usage")).get("input_tokens")}}  # fmt: skip
    if kind == "content_block_start":
        block = _dict(event.get("content_block"))
        call = {"index": event.get("index"), "id": block.get("id"), "function": {"name": block.get("name")}}
        return _delta({"tool_calls": [call]}) if block.get("type") == "tool_use" else None
    if kind == "content_block_delta":
        delta = _dict(event.get("delta"))
        if delta.get("type") == "input_json_delta":
            piece = {"index": event.get("index"), "function": {"arguments": delta.get("partial_json")}}
            return _delta({"tool_calls": [piece]})
        return _delta({"content": delta["text"]}) if delta.get("type") == "text_delta" else None
    if kind == "message_delta":
        stop = _STOPS.get(str(_dict(event.get("delta")).get("stop_reason")), "stop")
        usage = {"completion_tokens": _dict(event.get("usage")).get("output_tokens")}
        return {**_delta({}, finish=stop), "usage": usage}
    return None


def _delta(delta: Json, *, finish: str | None = None) -> Json:
    return {"choices": [{"delta": delta, "finish_reason": finish}]}


def _joined(messages: Iterator[Mapping[str, object]]) -> list[Json]:
    """Turns of user and assistant by turns, as Anthropic wants them: neighbours of one role are one message."""
    found: list[tuple[str, list[Json]]] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        if not found or found[-1][0] != role:
            found.append((role, []))
        found[-1][1].extend(_blocks(message))
    return [{"role": role, "content": _content(blocks)} for role, blocks in found if blocks]


def _content(blocks: list[Json]) -> object:
    """One text bare, as most clients write it."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


def _blocks(message: Mapping[str, object]) -> Iterator[Json]:
    content = message.get("content")
    if message["role"] == "tool":
        yield {"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": content or ""}
        return
    if isinstance(content, str) and content:
        yield {"type": "text", "text": content}
    for part in content if isinstance(content, list) else ():
        yield _part(part)
    for call in _list(message.get("tool_calls")):
        called = _dict(_dict(call).get("function"))
        yield {"type": "tool_use", "id": _dict(call).get("id"), "name": called.get("name"), "input": _input(called)}


def _part(part: Mapping[str, object]) -> Json:
    if part.get("type") == "text":
        return {"type": "text", "text": part["text"]}
    url = str(_dict(part.get("image_url")).get("url"))
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    kind, _, data = url.removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def _input(called: Mapping[str, object]) -> object:
    try:
        value = json.loads(str(called.get("arguments") or "{}"))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _choice(choice: object) -> Json:
    if isinstance(choice, dict):
        return {"type": "tool", "name": _dict(choice.get("function")).get("name")}
    return {"type": _CHOICES.get(str(choice), "auto")}


def _dict(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
