"""A client of Ollama's own API: it streams, it never lets a prompt be cut, and it never takes half an answer for a whole one.

Wire facts: Ollama's docs/api.md, api/types.go and server/routes.go (facts, section 7). Plain `http.client`, because a
thread that waits on a socket must be stoppable, and because a proxy has no business between us and 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .stop import Stop
from .trouble import OllamaError, Stopped, Trouble, read_error, too_long

DEFAULT_HOST = "127.0.0.1:11434"

#: Every option that Ollama reads, with its type (api/types.go, Options and Runner). A wrong type is an HTTP 500 there
#: and an unknown name only a line in its log, so both are refused here.
OLLAMA_OPTIONS: Mapping[str, type] = {
    **dict.fromkeys(
        ("num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread"),
        int,
    ),
    **dict.fromkeys(
        ("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"), float
    ),
    "stop": list,
    "use_mmap": bool,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer and Ollama's account of it. Counts and times are None or absent where Ollama gave none (fact 7.2)."""

    text: str
    finish_reason: str  #: stop, or length: cut at the token limit or at the end of the context
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer


@dataclass(frozen=True, kw_only=True)
class Model:
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
        self.url = base_url(host)
        self._connect_s = connect_s
        self._silence_s = silence_s

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
            raise OllamaError(Trouble.BAD_REQUEST, "the prompt is empty")
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
            for line in self._lines("POST", path, body, stop=stop, timeout_s=timeout_s):
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
            if error.kind is Trouble.CONTEXT_EXCEEDED and error.estimated:
                error = too_long("", prompt=text, num_ctx=num_ctx)
            error.partial = "".join(pieces)
            raise error from None
        return _finish("".join(pieces), last, model, text, num_ctx, time.monotonic() - started)

    def models(self) -> list[Model]:
        """What is on its disk."""
        return [_model(row) for row in self._json("GET", "/api/tags").get("models") or ()]

    def loaded(self) -> list[Model]:
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
                for line in self._lines("POST", "/api/pull", {"model": model, "stream": True}, stop=stop):
                    if "error" in line:
                        raise read_error(200, str(line["error"]))
                    status = str(line.get("status", ""))
                    on_progress(status, int(line.get("completed") or 0), int(line.get("total") or 0))
                if status == "success":
                    return
                raise OllamaError(Trouble.INCOMPLETE, f"the download of {model} ended at {status!r}, not at 'success'")
            except OllamaError as error:
                if not error.kind.retry or number == tries:
                    raise
                wait(2.0**number)

    # ---- the wire -------------------------------------------------------------------------------------------------

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return next(self._lines(method, path, body, timeout_s=30.0), {})

    def _lines(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        stop: Stop | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Each JSON line of a reply as it comes; a reply that is one JSON object is one line."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._connect_s)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        began = False
        stop = stop or Stop()
        try:
            with contextlib.closing(connection):
                connection.connect()
                with stop.guard(lambda: _cut(connection)):
                    connection.sock.settimeout(self._patience(deadline))
                    payload = None if body is None else json.dumps(body).encode()
                    connection.request(method, parts.path + path, payload, {"Content-Type": "application/json"})
                    response = connection.getresponse()
                    if response.status != 200:
                        raise _refusal(response)
                    while line := response.readline():
                        began = True
                        if line.strip():
                            yield _object(line)
                        if connection.sock is not None:  # gone once the last chunk was read
                            connection.sock.settimeout(self._patience(deadline))
        except (OSError, http.client.HTTPException, ValueError) as error:
            if stop.is_set():
                raise Stopped from None
            raise self._broken(error, began, deadline) from error
        if stop.is_set():
            raise Stopped

    def _patience(self, deadline: float | None) -> float:
        left = self._silence_s if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time limit")
        return min(left, self._silence_s)

    def _broken(self, error: Exception, began: bool, deadline: float | None) -> OllamaError:
        if isinstance(error, TimeoutError):
            if deadline is not None and time.monotonic() >= deadline:
                return OllamaError(Trouble.INTERRUPTED, "the answer took longer than the time limit")
            return OllamaError(Trouble.INTERRUPTED, f"nothing came from {self.url} for {self._silence_s:g} s")
        reason = str(error) or type(error).__name__
        if began:
            return OllamaError(Trouble.INTERRUPTED, f"the answer broke off ({reason})")
        return OllamaError(Trouble.DOWN, f"no Ollama answers at {self.url} ({reason}): is `ollama serve` running?")


def _cut(connection: http.client.HTTPConnection) -> None:
    # shutdown, not close: only shutdown wakes a thread that is inside recv.
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _refusal(response: http.client.HTTPResponse) -> OllamaError:
    raw = response.read(65536).decode(errors="replace")
    try:
        return read_error(response.status, str(json.loads(raw)["error"]))
    except (ValueError, KeyError, TypeError):
        kind = Trouble.DOWN if response.status >= 500 else Trouble.BAD_REQUEST
        return OllamaError(kind, f"HTTP {response.status} from something that does not talk like Ollama: {raw[:200]}")


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError(f"a line of the reply is no JSON object: {line[:80]!r}")
    return value


def _model(row: Mapping[str, Any]) -> Model:
    return Model(
        name=str(row.get("name") or row.get("model") or ""),
        digest=str(row.get("digest", "")),
        size_bytes=int(row.get("size") or 0),
        vram_bytes=int(row.get("size_vram") or 0),
        context_tokens=int(row.get("context_length") or 0),
    )


def _finish(text: str, last: Mapping[str, Any], model: str, prompt: str, num_ctx: int, wall_s: float) -> Reply:
    if not last:
        # Also how Ollama gives up on a model that repeats itself for ever: HTTP 200, no last line, no error (fact 7.4).
        raise OllamaError(Trouble.INCOMPLETE, "the stream ended without its last line", partial=text)
    if not text:
        raise OllamaError(Trouble.INCOMPLETE, "the model answered with nothing")
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


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what Ollama would ignore or answer with a 500.

    Raises:
        OllamaError: BAD_REQUEST, naming the option.
    """
    for name, value in options.items():
        wanted = OLLAMA_OPTIONS.get(name)
        if wanted is None:
            raise OllamaError(
                Trouble.BAD_REQUEST, f"unknown option {name!r}; known are {', '.join(sorted(OLLAMA_OPTIONS))}"
            )
        fits = isinstance(value, (int, float) if wanted is float else wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise OllamaError(Trouble.BAD_REQUEST, f"option {name!r} must be of type {wanted.__name__}, not {value!r}")


def base_url(host: str) -> str:
    """The URL that an OLLAMA_HOST value stands for, read as Ollama reads it (envconfig.Host): scheme and port may be missing."""
    host = host.strip().rstrip("/") or DEFAULT_HOST
    scheme, given, rest = host.partition("://")
    if not given:
        scheme, rest = "http", host
    parts = urlsplit(f"//{rest}")
    default = (443 if scheme == "https" else 80) if given else 11434
    name = parts.hostname or "127.0.0.1"
    name = "127.0.0.1" if name == "0.0.0.0" else name  # noqa: S104  # a server's "everywhere" is no place to call
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}:{parts.port or default}{parts.path}"
