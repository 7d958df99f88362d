"""One answer of Ollama as it streams, put together: text, tool calls, how it ended, and that no prompt was cut. Pure.

Wire facts: Ollama's docs/api.md, api/types.go and server/routes.go (facts, section 7).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .chat_json import CallJson
from .error_kind import ErrorKind, OllamaError, read_error, too_long
from .finish import FinishReason, read_finish_reason
from .ollama_chat import calls_in

StreamLine: TypeAlias = Mapping[str, Any]
#: {name in `Reply.timing_s`: Ollama's, in nanoseconds}
_DURATIONS = {"total": "total_duration", "load": "load_duration", "prompt": "prompt_eval_duration", "answer": "eval_duration"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer and Ollama's account of it. Counts and times are None or absent where Ollama gave none (fact 7.2)."""

    text: str
    finish_reason: FinishReason
    model: str
    tool_calls: tuple[CallJson, ...] = ()  #: as `read_tool_call` gives them
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer

    @property
    def usage(self) -> dict[str, int]:
        """The counts that are known, by the names that records have for them."""
        counts = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}
        return {name: count for name, count in counts.items() if count is not None}


class AnswerReader:
    """One answer's reader."""

    def __init__(self, *, longest: int) -> None:
        """`longest`: characters of text and calls together; what is longer is cut, and its finish reason is `length`."""
        self.over = False  #: nothing more is taken
        self._room = longest
        self._pieces: list[str] = []
        self._calls: list[CallJson] = []
        self._last: StreamLine = {}

    @property
    def text(self) -> str:
        """The text that has come."""
        return "".join(self._pieces)

    def feed(self, line: StreamLine) -> str:
        """The new text in a line of the stream. Raises OllamaError, if that is what the line says."""
        if "error" in line:
            raise read_error(200, str(line["error"]))
        more = calls_in(line, len(self._calls))
        piece: str = line.get("response") or (line.get("message") or {}).get("content") or ""
        shown = piece[: self._room]
        if piece:
            self._pieces.append(shown)
        self._room -= len(piece) + sum(len(json.dumps(call)) for call in more)
        self.over = self._room < 0 or bool(line.get("done"))
        if self._room < 0:
            self._last = {**line, "done_reason": "length"}
        else:
            self._calls += more
            self._last = line if self.over else {}
        return shown

    def reply(self, model: str, prompt: str, *, num_ctx: int, wall_s: float) -> Reply:
        """The whole of it, after the last line.

        Raises:
            OllamaError: INCOMPLETE; CONTEXT_EXCEEDED, the prompt was cut.
        """
        last = self._last or ({"done_reason": "repetition"} if repeats(self._pieces) else {})
        if not last:
            raise OllamaError(ErrorKind.INCOMPLETE, "the stream ended without its last line", partial=self.text)
        if not self._pieces and not self._calls:
            raise OllamaError(ErrorKind.INCOMPLETE, "the model answered with nothing")
        check_whole(last.get("prompt_eval_count"), prompt, num_ctx)
        timing = {name: last[key] / 1e9 for name, key in _DURATIONS.items() if last.get(key) is not None}
        return Reply(
            text=self.text,
            tool_calls=tuple(self._calls),
            finish_reason=read_finish_reason(last.get("done_reason") or "stop", with_calls=bool(self._calls)),
            model=str(last.get("model") or model),
            prompt_tokens=last.get("prompt_eval_count"),
            completion_tokens=last.get("eval_count"),
            timing_s={"total": wall_s, **timing},
        )


def repeats(pieces: Sequence[str]) -> bool:
    """Whether a stream that ended without its last line was given up for repeating itself.

    Ollama does so after more than 30 chunks in a row that are the same but for white space: HTTP 200, no error (fact 7.4).
    """
    return len(pieces) >= 30 and len({piece.strip() for piece in pieces[-30:]}) == 1


def check_whole(prompt_tokens: int | None, prompt: str, num_ctx: int) -> None:
    """Refuse an answer to a prompt that was cut. Raises OllamaError: CONTEXT_EXCEEDED."""
    # Ollama before 0.12.6 does not know `shift`. Six bytes a token is far above code and prose: this prompt was cut.
    if prompt_tokens is not None and prompt_tokens < num_ctx < len(prompt.encode("utf-8", "surrogatepass")) / 6:
        raise too_long("", prompt=prompt, num_ctx=num_ctx)


def estimated(error: OllamaError, prompt: str, num_ctx: int) -> OllamaError:
    """The error; one about a prompt that is too long, which Ollama did not count, with our estimate."""
    if error.kind is ErrorKind.CONTEXT_EXCEEDED and error.estimated:
        return too_long("", prompt=prompt, num_ctx=num_ctx)
    return error
