"""What Ollama's clients send, read into OpenAI's shape, so that one reader holds both to the same rules. Pure.

Source: https://docs.ollama.com/api (chat and generate).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.core.chat import ChatRequest
from bridge.protocols import openai_request as fields
from bridge.protocols.asked import Asked, Json
from bridge.protocols.refusal import RefusedAsk


@dataclass(frozen=True, kw_only=True)
class LoadAsked:
    """Ollama's way to have a model loaded, or unloaded: a request without a prompt."""

    model: str | None
    unload: bool  #: `keep_alive` is 0


def read_load(body: Json) -> LoadAsked | None:
    """Whether a body only wants the model in or out of memory; None: it wants an answer."""
    if body.get("prompt") or body.get("messages"):
        return None
    model = body.get("model")
    return LoadAsked(model=model if isinstance(model, str) else None, unload=body.get("keep_alive") in (0, "0", "0s"))


def read_chat(body: Json) -> ChatRequest:
    """The request of `/api/chat`. Raises RefusedAsk."""
    given = body.get("messages")
    if not isinstance(given, list):
        raise RefusedAsk.bad("messages must be a list", "messages")
    return fields.read_chat(
        {
            "messages": [_message(message) for message in given],
            "tools": fields.functions_of(body.get("tools")),
            "response_format": _format(body.get("format")),
        }
    )


def read_generate(body: Json) -> ChatRequest:
    """The request of `/api/generate`. Raises RefusedAsk."""
    prompt, system, images = body.get("prompt"), body.get("system"), body.get("images")
    wanted: Json = {"response_format": _format(body.get("format"))}
    if system or images:
        said = [{"role": "system", "content": system}] if system else []
        wanted["messages"] = [*said, _message({"role": "user", "content": prompt, "images": images})]
    else:
        wanted.update(prompt=prompt, suffix=body.get("suffix") or None)
    return fields.read_chat(wanted)


def read_asked(body: Json, request: ChatRequest) -> Asked:
    """The request with its options; a stream unless told otherwise. Raises RefusedAsk."""
    given = body.get("options")
    if given is not None and not isinstance(given, dict):
        raise RefusedAsk.bad("options must be an object", "options")
    options: Json = {"model": body.get("model"), **(given or {})}
    if isinstance(predict := options.get("num_predict"), int) and predict < 0:
        options.pop("num_predict")  # as long as it likes: our limit holds
    return Asked(
        request=request,
        options=fields.read_options(options, also={"max_tokens": "num_predict"}),
        num_ctx=_window(options.get("num_ctx")),
        stream=body.get("stream") is not False,
        truncation=fields.read_truncation(body),
        private=fields.read_private(body),
    )


def _window(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RefusedAsk.bad(f"num_ctx must be a whole number above zero, not {value!r}", "num_ctx")
    return value


def _message(message: object) -> object:
    """A message in OpenAI's shape: images as parts, arguments as a text, `tool_name` as `name`."""
    if not isinstance(message, dict):
        return message
    images = message.get("images") or ()
    content = message.get("content")
    if isinstance(images, list) and images:
        parts: list[Json] = [{"type": "text", "text": content or ""}]
        content = [*parts, *({"type": "image_url", "image_url": {"url": _data_url(image)}} for image in images)]
    read: Json = {"role": message.get("role"), "content": content}
    for ours, theirs in (("name", "tool_name"), ("tool_call_id", "tool_call_id"), ("tool_calls", "tool_calls")):
        if message.get(theirs):
            read[ours] = message[theirs]
    return read


def _data_url(image: object) -> str:
    text = str(image)
    return text if text.startswith(("data:", "http")) else f"data:image/png;base64,{text}"


def _format(value: object) -> Mapping[str, object] | None:
    if not value:
        return None
    if value == "json":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": value}}
