"""One answer of Ollama as it streams, put together: text, tool calls, how it ended, and that no prompt was cut. Pure.

Wire facts: Ollama's docs/api.md, api/types.go and server/routes.go (facts, section 7).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .chat_json import CallJson
from .error_kind import ErrorKind, OllamaError, read_error, too_long
from .ollama_chat import calls_in
from .ollama_reply import Reply, read_last, read_piece

StreamLine: TypeAlias = Mapping[str, Any]

#: What to say of an answer that reached its limit before a word came: half a tool call and thinking are kept back (measured on 0.24.0).
ALL_SPENT = "the model spent all the tokens of its answer on thinking or on half a tool call, and nothing came: raise max_tokens"


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
        piece = read_piece(line)
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
            OllamaError: INCOMPLETE; BAD_REQUEST, the limit was reached before anything came; CONTEXT_EXCEEDED, the prompt was cut.
        """
        last = self._last or ({"done_reason": "repetition"} if repeats(self._pieces) else {})
        if not last:
            raise OllamaError(ErrorKind.INCOMPLETE, "the stream ended without its last line", partial=self.text)
        if not self._pieces and not self._calls:
            if last.get("done_reason") == "length":  # asked again, it would spend them again
                raise OllamaError(ErrorKind.BAD_REQUEST, ALL_SPENT)
            raise OllamaError(ErrorKind.INCOMPLETE, "the model answered with nothing")
        reply = read_last(last, text=self.text, calls=self._calls, model=model, wall_s=wall_s)
        check_whole(reply.prompt_tokens, prompt, num_ctx)
        return reply


def repeats(pieces: Sequence[str]) -> bool:
    """Whether a stream that ended without its last line was given up for repeating itself.

    Ollama does so after more than 30 chunks in a row that are the same but for white space: HTTP 200, no error (fact 7.4).
    """
    return len(pieces) >= 30 and len({piece.strip() for piece in pieces[-30:]}) == 1


def check_whole(prompt_tokens: int | None, prompt: str, num_ctx: int) -> None:
    """Refuse an answer to a prompt that was cut. Raises OllamaError: CONTEXT_EXCEEDED."""
    # Ollama before 0.12.6 does not know `shift`. Six bytes a token is far above code and prose: this prompt was cut.
    if prompt_tokens is not None and prompt_tokens <= num_ctx < len(prompt.encode("utf-8", "surrogatepass")) / 6:
        raise too_long("", prompt=prompt, num_ctx=num_ctx)


def estimated(error: OllamaError, prompt: str, num_ctx: int) -> OllamaError:
    """The error; one about a prompt that is too long, which Ollama did not count, with our estimate."""
    if error.kind is ErrorKind.CONTEXT_EXCEEDED and error.estimated:
        return too_long("", prompt=prompt, num_ctx=num_ctx)
    return error
