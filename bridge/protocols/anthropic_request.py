"""Anthropic's messages, tools and tool choice as OpenAI's shape has them, so that one reader holds both to the same rules. Pure.

Source: https://docs.anthropic.com/en/api/messages. What only concerns Anthropic's own models (thinking, caching, context management)
is ignored, and so are tools that run on its servers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bridge.core.chat import ChatRequest
from bridge.protocols import openai_request as fields
from bridge.protocols.asked import Json
from bridge.protocols.refusal import RefusedAsk

#: Claude Code puts this in front of its system prompt, with a number that differs from one request to the next: no prefix of
#: the prompt would ever be found in a cache (claude-code#50085, claude-code-router#1217).
_BILLING = "x-anthropic-billing-header:"
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_chat(body: Json) -> ChatRequest:
    """The request of a body. Raises RefusedAsk."""
    tools = _tools(body.get("tools"))
    wanted: Json = {
        "messages": [*_system(body.get("system")), *_messages(body.get("messages"))],
        "tools": tools or None,
        "tool_choice": _choice(body.get("tool_choice")) if tools else None,
    }
    return fields.read_chat(wanted)


def _system(value: object) -> list[Json]:
    texts = [text for text in _texts(value, "system") if not text.lstrip().startswith(_BILLING)]
    return [{"role": "system", "content": "\n\n".join(texts)}] if texts else []


def _texts(value: object, where: str) -> list[str]:
    """The texts of a text or of a list of text blocks."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise RefusedAsk.bad(f"{where}: must be a text or a list of blocks", where)
    return [str(block["text"]) for block in value if isinstance(block, dict) and isinstance(block.get("text"), str)]


def _messages(value: object) -> list[Json]:
    if not isinstance(value, list) or not value:
        raise RefusedAsk.bad("messages: must be a list of messages", "messages")
    found: list[Json] = []
    for number, message in enumerate(value):
        where = f"messages.{number}"
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if role == "system":
            found += _system(content)
        elif role not in ("user", "assistant"):
            raise RefusedAsk.bad(f"{where}: role must be user, assistant or system, not {role!r}", "messages")
        elif isinstance(content, str):
            found.append({"role": role, "content": content})
        elif isinstance(content, list):
            found += _turn(role, content, where)
        else:
            raise RefusedAsk.bad(f"{where}.content: must be a text or a list of blocks", "messages")
    return found


def _turn(role: str, blocks: Sequence[object], where: str) -> list[Json]:
    """The messages that a list of blocks is: results of tools are messages of their own, before what the user says."""
    results: list[Json] = []
    parts: list[Json] = []
    calls: list[Json] = []
    for number, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(block, dict) or not isinstance(kind, str):
            raise RefusedAsk.bad(f"{where}.content.{number}: must be a block with a type", "messages")
        if kind == "tool_result":
            results.append(_result(block, f"{where}.content.{number}"))
        elif kind == "tool_use":
            calls.append(_call(block))
        elif (part := _part(block, kind)) is not None:
            parts.append(part)
    own: list[Json] = []
    if parts or calls or not results:
        own = [{"role": role, "content": parts, **({"tool_calls": calls} if calls else {})}]
    return [*results, *own]


def _part(block: Json, kind: str) -> Json | None:
    """A part of a message; None for what only Anthropic's own models read, such as thinking."""
    if kind == "text":
        return {"type": "text", "text": block.get("text") or ""}
    source = block.get("source")
    if not isinstance(source, dict):
        return None
    if kind == "image":
        url = source.get("url") or f"data:{source.get('media_type', 'image/png')};base64,{source.get('data', '')}"
        return {"type": "image_url", "image_url": {"url": url}}
    if kind == "document" and source.get("type") == "text":
        return {"type": "text", "text": str(source.get("data") or "")}
    return None


def _result(block: Json, where: str) -> Json:
    said = "\n".join(_texts(block.get("content"), f"{where}.content"))
    if block.get("is_error") is True:
        said = f"Error: {said}"
    return {"role": "tool", "tool_call_id": str(block.get("tool_use_id") or ""), "content": said}


def _call(block: Json) -> Json:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _tools(value: object) -> list[Json]:
    """The tools that the client runs; those with a type of their own run at Anthropic."""
    if value is not None and not isinstance(value, list):
        raise RefusedAsk.bad("tools: must be a list", "tools")
    own = [tool for tool in value or () if isinstance(tool, dict) and tool.get("type") in (None, "custom")]
    return [
        {
            "type": "function",
            "function": {
                "name": tool.get("name"),
                "description": tool.get("description"),
                "parameters": tool.get("input_schema"),
            },
        }
        for tool in own
    ]


def _choice(value: object) -> object:
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(value, dict) and kind == "tool":
        return {"type": "function", "function": {"name": value.get("name")}}
    if isinstance(kind, str) and kind in _CHOICES:
        return _CHOICES[kind]
    raise RefusedAsk.bad("tool_choice: type must be auto, any, tool or none", "tool_choice")
