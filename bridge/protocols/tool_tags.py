"""Tool calls as Qwen's chat template has the model write them, told from the text around them while it streams. Pure.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    </tool_call>

Only a whole call of a tool that was offered is taken for one; anything else stays text, so that nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from bridge.core.chat import ToolCall

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


class TaggedCalls:
    """One answer's reader."""

    def __init__(self, offered: Collection[str]) -> None:
        """`offered`: names of the tools that the model may call."""
        self._offered = offered
        self._held = ""  # may be, or become, a call
        self._past_call = False  # white space behind a call is dropped, as before the next
        self.calls: list[ToolCall] = []

    def feed(self, piece: str) -> str:
        """The text that is certain to be no call, after this piece."""
        self._held += piece
        text = ""
        while True:
            if self._past_call:
                self._held = self._held.lstrip()
                self._past_call = not self._held
            before, found, rest = self._held.partition(_OPEN)
            if not found:
                keep = next((n for n in range(len(_OPEN) - 1, 0, -1) if self._held.endswith(_OPEN[:n])), 0)
                text += self._held[: len(self._held) - keep]
                self._held = self._held[len(self._held) - keep :]
                return text
            inside, closed, after = rest.partition(_CLOSE)
            text += before
            if not closed:
                self._held = _OPEN + rest
                return text
            call = self._call(inside)
            if call is None:
                text += _OPEN + inside + _CLOSE
            else:
                self.calls.append(call)
                self._past_call = True
            self._held = after

    def end(self) -> str:
        """What was still held back: no call, because it never became whole."""
        text, self._held = self._held, ""
        return text

    def _call(self, inside: str) -> ToolCall | None:
        try:
            value = json.loads(inside)
        except ValueError:
            return None
        name = value.get("name") if isinstance(value, dict) else None
        arguments = value.get("arguments", {}) if isinstance(value, dict) else None
        if name not in self._offered or not isinstance(arguments, dict):
            return None
        return ToolCall(
            id=f"call_{len(self.calls) + 1}", name=str(name), arguments=json.dumps(arguments, ensure_ascii=False)
        )
