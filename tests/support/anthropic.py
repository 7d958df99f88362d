"""A loopback server that speaks Anthropic's messages, with failures on request: what `tests.support.openai` says, in its words."""

from __future__ import annotations

import json
from typing import Any

from tests.support.openai import LoopbackOpenAI, _Handler

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


class LoopbackAnthropic(LoopbackOpenAI):
    """The server; a context manager."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.models = ("claude",)
        self.handler = _MessagesHandler


class _MessagesHandler(_Handler):
    """Streams in events of its own; the rest is as the base class has it."""

    _block = -1

    def _stream(self, body: dict[str, Any], failure: str, tokens: int) -> None:
        self._block = -1
        super()._stream(body, failure, tokens)

    def _allowed(self) -> bool:
        if self.headers.get("anthropic-version") and self.headers.get("x-api-key") == self.api.key:
            return True
        self._send(401, json.dumps({"type": "error", "error": {"type": "authentication_error", "message": "bad key"}}))
        return False

    def _event(self, value: dict[str, Any]) -> None:
        for event in self._events(value):
            self._chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n")

    def _events(self, value: dict[str, Any]) -> list[dict[str, Any]]:
        if "error" in value:
            return [{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}]
        if not value["choices"]:
            return [{"type": "message_delta", "delta": {}, "usage": {"output_tokens": value["usage"]["completion_tokens"]}},
                    {"type": "message_stop"}]  # fmt: skip
        choice = value["choices"][0]
        if "role" in choice["delta"]:
            return [{"type": "message_start", "message": {"model": value["model"], "usage": {"input_tokens": 7}}}]
        if choice["finish_reason"]:
            return [{"type": "message_delta", "delta": {"stop_reason": _STOPS[choice["finish_reason"]]}, "usage": {}}]
        if "content" in choice["delta"]:
            return [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": choice["delta"]["content"]}}]  # fmt: skip
        piece = choice["delta"]["tool_calls"][0]
        if "id" in piece:
            block = {"type": "tool_use", "id": piece["id"], "name": piece["function"]["name"], "input": {}}
            return [{"type": "content_block_start", "index": piece["index"], "content_block": block}]
        delta = {"type": "input_json_delta", "partial_json": piece["function"]["arguments"]}
        return [{"type": "content_block_delta", "index": piece["index"], "delta": delta}]
