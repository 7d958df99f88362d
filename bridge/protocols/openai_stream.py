"""The events of a streamed OpenAI answer, put together: text, tool calls by their pieces, usage, and how it ended. Pure.

Chat completions (`delta`) and completions (`text`). Source: https://platform.openai.com/docs/api-reference/chat-streaming.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any

from bridge.core.chat import ChatReply, FinishReason, read_finish_reason
from bridge.format.fields import is_count
from bridge.protocols.openai import read_tool_calls
from bridge.protocols.tool_text import TAGGED, CallsInText


class ReplyReader:
    """One answer's reader. What a server adds to the shape, or leaves out, does not matter to it."""

    def __init__(self, model: str, *, calls_in_text: Collection[str] = (), longest: int | None = None) -> None:
        """`calls_in_text`: tools whose calls the server leaves in the text, between tags.

        `longest`: characters of text and calls together; what is longer is cut, and its finish reason is `length`.
        """
        self._room = longest if longest is not None else sys.maxsize
        self.model = model
        self.usage: dict[str, int] = {}
        self._finish = ""
        self._pieces: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._tagged = CallsInText(offered=calls_in_text, habits=TAGGED) if calls_in_text else None

    @property
    def text(self) -> str:
        """The text that has come."""
        return "".join(self._pieces)

    @property
    def finish_word(self) -> str:
        """How it ended, in the server's word; empty: not yet."""
        return self._finish

    @property
    def is_full(self) -> bool:
        """Whether it was cut: nothing more is taken."""
        return self._room < 0

    def feed(self, event: Mapping[str, Any]) -> str:
        """The new text in an event.

        Raises:
            ValueError, TypeError, AttributeError: the event is of another shape.
        """
        counts, model = event.get("usage") or {}, event.get("model")
        self.usage |= {name: counts[name] for name in _COUNTS if is_count(counts.get(name))}
        self.model = model if isinstance(model, str) and model else self.model
        shown = ""
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            piece = self._cut(delta.get("content") or choice.get("text") or "")
            shown += self._tagged.feed(piece) if self._tagged else piece
            for call in delta.get("tool_calls") or ():
                self._add_call(call)
            if delta.get("function_call"):
                self._add_call({"index": 0, "function": delta["function_call"]})
            self._finish = choice.get("finish_reason") or self._finish
        if self.is_full:
            self._finish = FinishReason.LENGTH.value
        if self._finish and self._tagged:
            shown += self._tagged.end()
        if shown:
            self._pieces.append(shown)
        return shown

    def reply(self) -> ChatReply:
        """The whole of it.

        Raises:
            ChatError: a tool call without a name.
        """
        calls = read_tool_calls([self._calls[index] for index in sorted(self._calls)])
        calls += tuple(self._tagged.calls) if self._tagged else ()
        reason = read_finish_reason(self._finish, with_calls=bool(calls))
        return ChatReply(text=self.text, tool_calls=calls, finish_reason=reason)

    def _add_call(self, piece: Mapping[str, Any]) -> None:
        index = piece.get("index")
        if not isinstance(index, int):  # some servers give each call whole, without a number
            index = len(self._calls)
        call = self._calls.setdefault(index, {"id": None, "function": {"name": "", "arguments": ""}})
        function = piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["function"]["name"] = function.get("name") or call["function"]["name"]
        call["function"]["arguments"] += self._cut(function.get("arguments") or "")
        self._room -= _CALL_PIECE

    def _cut(self, piece: str) -> str:
        """As much of a piece as there is room for."""
        fits = piece[: max(0, self._room)]
        self._room -= len(piece)
        return fits


#: Characters that a piece of a call counts for, whatever it holds: a server may send empty ones for ever.
_CALL_PIECE = 16
_COUNTS = ("prompt_tokens", "completion_tokens")
