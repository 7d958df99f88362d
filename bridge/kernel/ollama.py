"""A client of Ollama's own API: it streams, it never lets a prompt be cut, and it never takes half an answer for a whole one.

Wire facts: Ollama's docs/api.md, api/types.go and server/routes.go (facts, section 7).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .address import DEFAULT_HOST
from .chat_json import RequestJson
from .error_kind import ErrorKind, OllamaError, read_error
from .fit import listed_names
from .grammar import read_count
from .ollama_answer import AnswerReader, check_whole, estimated
from .ollama_chat import ollama_body, text_of
from .ollama_reply import OllamaModel, Reply, read_models, read_vectors
from .options import LONGEST_ANSWER, check_options, longest_answer
from .stop import Stop
from .wire import LONGEST_LINE_BYTES, Wire, WireBody

#: An over-long prompt is an HTTP 400 instead of losing its middle. Since 0.30 `shift` false sees to it, and for a chat `truncate`
#: false as well, else its oldest messages are dropped before that check (fact 7.9). From 0.12.6 to 0.24 only `truncate` false does:
#: with `shift` false alone a plain prompt is cut to the context without a word (measured on 0.24.0, docs/ollama.md).
WHOLE_PROMPT: Mapping[str, Mapping[str, bool]] = {
    path: {"shift": False, "truncate": False} for path in ("/api/generate", "/api/chat")
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
        sent = {**(options or {}), "num_ctx": num_ctx, "num_predict": num_predict}
        check_options(sent)
        asked, prompt = _asked_of(request)
        if not prompt.strip():
            raise OllamaError(ErrorKind.BAD_REQUEST, "the prompt is empty")
        path, body = _wire_body(asked, model=model, stream=True, keep_alive=keep_alive, options=sent)
        reader = AnswerReader(longest=longest_answer(num_predict, self._longest_answer))
        started = time.monotonic()
        try:
            for line in self._wire.lines("POST", path, body, stop=stop, timeout_s=timeout_s):
                if piece := reader.feed(line):
                    on_token(piece)
                if reader.over:
                    break
        except OllamaError as error:
            told = estimated(error, prompt, num_ctx)
            told.partial = reader.text
            raise told from None
        return reader.reply(model, prompt, num_ctx=num_ctx, wall_s=time.monotonic() - started)

    def count_tokens(
        self, request: str | RequestJson, *, model: str, num_ctx: int, keep_alive: str | float = "30m"
    ) -> int:
        """How many tokens a prompt or request is, with the model's template: Ollama reads it and answers with one token.

        The only exact way that Ollama offers (facts 7.2); it costs the reading, which an answer right after finds cached.

        Raises:
            OllamaError: CONTEXT_EXCEEDED if it is longer than `num_ctx`; NOT_SUPPORTED if this Ollama did not count.
        """
        options = {"num_ctx": num_ctx, "num_predict": 1}
        asked, prompt = _asked_of(request)
        path, body = _wire_body(asked, model=model, stream=False, keep_alive=keep_alive, options=options)
        try:
            counted = read_count(self._json("POST", path, body, timeout_s=None).get("prompt_eval_count"))
        except OllamaError as error:
            raise estimated(error, prompt, num_ctx) from None
        if counted is None:  # older ones leave it out when they find the prompt cached
            raise OllamaError(ErrorKind.NOT_SUPPORTED, "this Ollama did not say how many tokens the prompt has")
        check_whole(counted, prompt, num_ctx)
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
        if any(found.name in listed_names(model) for found in self.loaded()):
            self._json("POST", "/api/generate", {"model": model, "keep_alive": 0, "stream": False})

    def models(self) -> list[OllamaModel]:
        """What is on its disk."""
        return read_models(self._json("GET", "/api/tags"))

    def has(self, model: str) -> bool:
        """Whether a model is on its disk."""
        return any(found.name in listed_names(model) for found in self.models())

    def loaded(self) -> list[OllamaModel]:
        """What is in its memory."""
        return read_models(self._json("GET", "/api/ps"))

    def show(self, model: str) -> dict[str, Any]:
        """Details, template, capabilities of one model."""
        return self._json("POST", "/api/show", {"model": model})

    def remove(self, model: str) -> None:
        """Have a model off its disk."""
        self._json("DELETE", "/api/delete", {"model": model})

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
        self, method: str, path: str, body: WireBody | None = None, *, timeout_s: float | None = 30.0
    ) -> dict[str, Any]:
        return next(self._wire.lines(method, path, body, timeout_s=timeout_s), {})


def _asked_of(request: str | RequestJson) -> tuple[RequestJson, str]:
    """(a request, all that the model reads of it), as `answer` takes it."""
    asked: RequestJson = {"prompt": request} if isinstance(request, str) else request
    return asked, text_of(asked)


def _wire_body(asked: RequestJson, **more: object) -> tuple[str, dict[str, object]]:
    path, what = ollama_body(asked)
    return path, {**more, **WHOLE_PROMPT[path], **what}
