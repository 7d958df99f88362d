"""A client of Ollama's own API: it streams, it never lets a prompt be cut, and it never takes half an answer for a whole one.

Wire facts: Ollama's docs/api.md, api/types.go and server/routes.go (facts, section 7).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .address import DEFAULT_HOST
from .chat_json import CallJson, RequestJson
from .error_kind import ErrorKind, OllamaError, read_error, too_long
from .finish import FinishReason
from .grammar import read_count
from .ollama_chat import calls_in, ollama_body, text_of
from .ollama_reply import (
    OllamaModel,
    Reply,
    read_last,
    read_models,
    read_piece,
    read_vectors,
    repeats,
)
from .options import LONGEST_ANSWER, check_options, longest_answer
from .stop import Stop
from .wire import LONGEST_LINE_BYTES, Wire

#: An over-long prompt is an HTTP 400 instead of losing its middle. For a chat, truncate false as well: else the oldest
#: messages are dropped before that check (fact 7.9).
_WHOLE: Mapping[str, Mapping[str, bool]] = {
    "/api/generate": {"shift": False},
    "/api/chat": {"shift": False, "truncate": False},
}


class Ollama:
    """One Ollama server. Holds no connection, so threads may share it."""

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        *,
        connect_s: float = 10.0,
        silence_s: float = 600.0,
        longest_answer: int = LONGEST_ANSWER,
        longest_line_bytes: int = LONGEST_LINE_BYTES,
    ) -> None:
        """`host` as in OLLAMA_HOST. `silence_s`: how long nothing at all may come; loading 20 GB takes minutes.

        `longest_answer`: characters that any answer may have, see `options.longest_answer`.
        """
        self._wire = Wire(host, connect_s=connect_s, silence_s=silence_s, longest_line_bytes=longest_line_bytes)
        self._longest_answer = longest_answer
        self.url = self._wire.url

    def answer(
        self,
        request: str | RequestJson,
        *,
        model: str,
        num_ctx: int,
        num_predict: int,
        options: Mapping[str, Any] | None = None,
        keep_alive: str | float = "30m",
        on_token: Callable[[str], None] = lambda _piece: None,
        stop: Stop | None = None,
        timeout_s: float | None = None,
    ) -> Reply:
        """The model's whole answer to a prompt, or to a request as `read_request` gives it.

        `num_ctx` and `num_predict` are always sent: Ollama's defaults depend on the GPU and cut prompts without a word
        (facts 7.8, 7.9). `on_token` is called with each piece of text, in this thread; tool calls are in the reply only.
        An answer that is far longer than `num_predict` allows is cut, and its finish reason is `length`.

        Raises:
            OllamaError: with one of the reasons of `ErrorKind`; what had arrived is in its `partial`.
            Stopped: `stop` was set.
        """
        asked = {"prompt": request} if isinstance(request, str) else request
        text = text_of(asked)
        sent = {**(options or {}), "num_ctx": num_ctx, "num_predict": num_predict}
        check_options(sent)
        if not text.strip():
            raise OllamaError(ErrorKind.BAD_REQUEST, "the prompt is empty")
        path, what = ollama_body(asked)
        body = {"model": model, "stream": True, "keep_alive": keep_alive, "options": sent, **_WHOLE[path], **what}
        pieces: list[str] = []
        calls: list[CallJson] = []
        room = longest_answer(num_predict, self._longest_answer)  # characters
        last: dict[str, Any] = {}
        started = time.monotonic()
        try:
            for line in self._wire.lines("POST", path, body, stop=stop, timeout_s=timeout_s):
                if "error" in line:
                    raise read_error(200, str(line["error"]))
                more = calls_in(line, len(calls))
                piece = read_piece(line)
                if piece:
                    pieces.append(piece[:room])
                    on_token(pieces[-1])
                room -= len(piece) + sum(len(json.dumps(call)) for call in more)
                if room < 0:
                    last = {**line, "done_reason": "length"}
                    break
                calls += more
                if line.get("done"):
                    last = line
                    break
        except OllamaError as error:
            error = _estimated(error, text, num_ctx)
            error.partial = "".join(pieces)
            raise error from None
        if not last and repeats(pieces):
            last = {"done_reason": "repetition"}
        if not pieces and not calls and last:
            raise OllamaError(ErrorKind.INCOMPLETE, "the model answered with nothing")
        reply = _finish("".join(pieces), last, model, text, num_ctx, time.monotonic() - started)
        if not calls:
            return reply
        ended = FinishReason.TOOL_CALLS if reply.finish_reason is FinishReason.STOP else reply.finish_reason
        return replace(reply, tool_calls=tuple(calls), finish_reason=ended)

    def count_tokens(
        self, request: str | RequestJson, *, model: str, num_ctx: int, keep_alive: str | float = "30m"
    ) -> int:
        """How many tokens a prompt or request is, with the model's template: Ollama reads it and answers with one token.

        The only exact way that Ollama offers (facts 7.2); it costs the reading, which an answer right after finds cached.

        Raises:
            OllamaError: CONTEXT_EXCEEDED if it is longer than `num_ctx`; NOT_SUPPORTED if this Ollama did not count.
        """
        asked = {"prompt": request} if isinstance(request, str) else request
        path, what = ollama_body(asked)
        options = {"num_ctx": num_ctx, "num_predict": 1}
        body = {"model": model, "stream": False, "keep_alive": keep_alive, "options": options, **_WHOLE[path], **what}
        try:
            counted = read_count(self._json("POST", path, body, timeout_s=None).get("prompt_eval_count"))
        except OllamaError as error:
            raise _estimated(error, text_of(asked), num_ctx) from None
        if counted is None:  # older ones leave it out when they find the prompt cached
            raise OllamaError(ErrorKind.NOT_SUPPORTED, "this Ollama did not say how many tokens the prompt has")
        _check_whole(counted, text_of(asked), num_ctx)
        return counted

    def embed(self, texts: Sequence[str], *, model: str, keep_alive: str | float = "30m") -> list[list[float]]:
        """One vector for each text (`/api/embed`); a text that is too long is an error instead of being cut.

        Raises:
            OllamaError: NOT_SUPPORTED if the model has no embeddings.
        """
        body = {"model": model, "input": list(texts), "truncate": False, "keep_alive": keep_alive}
        return read_vectors(self._json("POST", "/api/embed", body, timeout_s=None), len(texts))

    def load(self, model: str, *, num_ctx: int, keep_alive: str | float = "30m") -> None:
        """Have a model in memory, with the context that requests will ask for; another one would load it again (fact 7.11)."""
        body = {
            "model": model,
            "keep_alive": keep_alive,
            "shift": False,
            "options": {"num_ctx": num_ctx},
            "stream": False,
        }
        self._json("POST", "/api/generate", body, timeout_s=None)

    def unload(self, model: str) -> None:
        """Have a model out of memory as soon as its requests have ended; nothing if it is not loaded (fact 7.13)."""
        if {model, f"{model}:latest"} & {found.name for found in self.loaded()}:
            self._json("POST", "/api/generate", {"model": model, "keep_alive": 0, "stream": False})

    def models(self) -> list[OllamaModel]:
        """What is on its disk."""
        return read_models(self._json("GET", "/api/tags"))

    def loaded(self) -> list[OllamaModel]:
        """What is in its memory."""
        return read_models(self._json("GET", "/api/ps"))

    def show(self, model: str) -> dict[str, Any]:
        """Details, template, capabilities of one model."""
        return self._json("POST", "/api/show", {"model": model})

    def version(self) -> str:
        """The server's version; also the cheapest sign of life."""
        return str(self._json("GET", "/api/version").get("version", ""))

    def pull(
        self,
        model: str,
        on_progress: Callable[[str, int, int], None] = lambda _status, _done_bytes, _total_bytes: None,
        *,
        tries: int = 4,
        stop: Stop | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Download a model. A broken download goes on where it stopped (fact 7.16), up to `tries` times.

        Raises:
            OllamaError: no such model, no space, or still broken after the last try.
        """
        for number in range(1, tries + 1):
            status = ""
            try:
                for line in self._wire.lines("POST", "/api/pull", {"model": model, "stream": True}, stop=stop):
                    if "error" in line:
                        raise read_error(200, str(line["error"]))
                    status = str(line.get("status", ""))
                    on_progress(status, read_count(line.get("completed")) or 0, read_count(line.get("total")) or 0)
                if status == "success":
                    return
                raise OllamaError(
                    ErrorKind.INCOMPLETE, f"the download of {model} ended at {status!r}, not at 'success'"
                )
            except OllamaError as error:
                if not error.kind.retry or number == tries:
                    raise
                wait(2.0**number)

    def _json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float | None = 30.0
    ) -> dict[str, Any]:
        return next(self._wire.lines(method, path, body, timeout_s=timeout_s), {})


def _estimated(error: OllamaError, prompt: str, num_ctx: int) -> OllamaError:
    """The error; one about a prompt that is too long, which Ollama did not count, with our estimate."""
    if error.kind is ErrorKind.CONTEXT_EXCEEDED and error.estimated:
        return too_long("", prompt=prompt, num_ctx=num_ctx)
    return error


def _check_whole(prompt_tokens: int | None, prompt: str, num_ctx: int) -> None:
    # Ollama before 0.12.6 does not know `shift`. Six bytes a token is far above code and prose: this prompt was cut.
    if prompt_tokens is not None and prompt_tokens < num_ctx < len(prompt.encode("utf-8", "surrogatepass")) / 6:
        raise too_long("", prompt=prompt, num_ctx=num_ctx)


def _finish(text: str, last: Mapping[str, Any], model: str, prompt: str, num_ctx: int, wall_s: float) -> Reply:
    if not last:
        raise OllamaError(ErrorKind.INCOMPLETE, "the stream ended without its last line", partial=text)
    reply = read_last(last, text=text, model=model, wall_s=wall_s)
    _check_whole(reply.prompt_tokens, prompt, num_ctx)
    return reply
