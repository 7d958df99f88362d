"""A client of Ollama's own API: it streams, it never lets a prompt be cut, and it never takes half an answer for a whole one.

Wire facts: Ollama's docs/api.md, api/types.go and server/routes.go (facts, section 7).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .address import DEFAULT_HOST
from .error_kind import ErrorKind, OllamaError, read_error, too_long
from .options import check_options
from .stop import Stop
from .wire import Wire


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer and Ollama's account of it. Counts and times are None or absent where Ollama gave none (fact 7.2)."""

    text: str
    #: stop; length: cut at the token limit or at the end of the context; repetition: Ollama gave it up
    finish_reason: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer


@dataclass(frozen=True, kw_only=True)
class OllamaModel:
    """A model that is on the engine's disk (`/api/tags`), or in its memory (`/api/ps`)."""

    name: str
    digest: str
    size_bytes: int
    vram_bytes: int = 0  #: of a loaded model: how much of `size_bytes` is on the GPU
    context_tokens: int = 0  #: of a loaded model

    @property
    def gpu_share(self) -> float:
        """Which part of a loaded model is on the GPU, 0 to 1; below 1 it is slow."""
        return min(1.0, self.vram_bytes / self.size_bytes) if self.size_bytes else 0.0


class Ollama:
    """One Ollama server. Holds no connection, so threads may share it."""

    def __init__(self, host: str = DEFAULT_HOST, *, connect_s: float = 10.0, silence_s: float = 600.0) -> None:
        """`host` as in OLLAMA_HOST. `silence_s`: how long nothing at all may come; loading 20 GB takes minutes."""
        self._wire = Wire(host, connect_s=connect_s, silence_s=silence_s)
        self.url = self._wire.url

    def answer(
        self,
        prompt: str | Sequence[Mapping[str, Any]],
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
        """The model's whole answer to a prompt (`/api/generate`) or to chat messages (`/api/chat`).

        `num_ctx` and `num_predict` are always sent: Ollama's defaults depend on the GPU and cut prompts without a word
        (facts 7.8, 7.9). `on_token` is called with each piece of text, in this thread.

        Raises:
            OllamaError: with one of the reasons of `Trouble`; what had arrived is in its `partial`.
            Stopped: `stop` was set.
        """
        text = prompt if isinstance(prompt, str) else json.dumps(list(prompt), ensure_ascii=False)
        sent = {**(options or {}), "num_ctx": num_ctx, "num_predict": num_predict}
        check_options(sent)
        if not (prompt.strip() if isinstance(prompt, str) else prompt):
            raise OllamaError(ErrorKind.BAD_REQUEST, "the prompt is empty")
        # shift false: an over-long prompt is an HTTP 400 instead of losing its middle. For a chat, truncate false as well:
        # else the oldest messages are dropped before that check (fact 7.9).
        body: dict[str, Any] = {
            "model": model,
            "stream": True,
            "shift": False,
            "keep_alive": keep_alive,
            "options": sent,
        }
        if isinstance(prompt, str):
            path, body["prompt"] = "/api/generate", prompt
        else:
            path, body["messages"], body["truncate"] = "/api/chat", list(prompt), False
        pieces: list[str] = []
        last: dict[str, Any] = {}
        started = time.monotonic()
        try:
            for line in self._wire.lines("POST", path, body, stop=stop, timeout_s=timeout_s):
                if "error" in line:
                    raise read_error(200, str(line["error"]))
                piece = line.get("response") or (line.get("message") or {}).get("content") or ""
                if piece:
                    pieces.append(piece)
                    on_token(piece)
                if line.get("done"):
                    last = line
                    break
        except OllamaError as error:
            if error.kind is ErrorKind.CONTEXT_EXCEEDED and error.estimated:
                error = too_long("", prompt=text, num_ctx=num_ctx)
            error.partial = "".join(pieces)
            raise error from None
        if not last and repeats(pieces):
            last = {"done_reason": "repetition"}
        return _finish("".join(pieces), last, model, text, num_ctx, time.monotonic() - started)

    def models(self) -> list[OllamaModel]:
        """What is on its disk."""
        return [_model(row) for row in self._json("GET", "/api/tags").get("models") or ()]

    def loaded(self) -> list[OllamaModel]:
        """What is in its memory."""
        return [_model(row) for row in self._json("GET", "/api/ps").get("models") or ()]

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
                    on_progress(status, int(line.get("completed") or 0), int(line.get("total") or 0))
                if status == "success":
                    return
                raise OllamaError(
                    ErrorKind.INCOMPLETE, f"the download of {model} ended at {status!r}, not at 'success'"
                )
            except OllamaError as error:
                if not error.kind.retry or number == tries:
                    raise
                wait(2.0**number)

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return next(self._wire.lines(method, path, body, timeout_s=30.0), {})


def _model(row: Mapping[str, Any]) -> OllamaModel:
    return OllamaModel(
        name=str(row.get("name") or row.get("model") or ""),
        digest=str(row.get("digest", "")),
        size_bytes=int(row.get("size") or 0),
        vram_bytes=int(row.get("size_vram") or 0),
        context_tokens=int(row.get("context_length") or 0),
    )


def repeats(pieces: Sequence[str]) -> bool:
    """Whether a stream that ended without its last line was given up for repeating itself.

    Ollama does so after more than 30 chunks in a row that are the same but for white space: HTTP 200, no error (fact 7.4).
    """
    return len(pieces) >= 30 and len({piece.strip() for piece in pieces[-30:]}) == 1


def _finish(text: str, last: Mapping[str, Any], model: str, prompt: str, num_ctx: int, wall_s: float) -> Reply:
    if not last:
        raise OllamaError(ErrorKind.INCOMPLETE, "the stream ended without its last line", partial=text)
    if not text:
        raise OllamaError(ErrorKind.INCOMPLETE, "the model answered with nothing")
    prompt_tokens = last.get("prompt_eval_count")
    # Ollama before 0.12.6 does not know `shift`. Six bytes a token is far above code and prose: this prompt was cut.
    if prompt_tokens is not None and prompt_tokens < num_ctx < len(prompt.encode("utf-8", "surrogatepass")) / 6:
        raise too_long("", prompt=prompt, num_ctx=num_ctx)
    names = {
        "total": "total_duration",
        "load": "load_duration",
        "prompt": "prompt_eval_duration",
        "answer": "eval_duration",
    }
    timing = {name: last[key] / 1e9 for name, key in names.items() if last.get(key) is not None}  # nanoseconds
    return Reply(
        text=text,
        finish_reason=str(last.get("done_reason") or "stop"),
        model=str(last.get("model") or model),
        prompt_tokens=prompt_tokens,
        completion_tokens=last.get("eval_count"),
        timing_s={"total": wall_s, **timing},
    )
