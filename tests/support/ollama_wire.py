"""What the loopback Ollama says on the wire; see ollama.py."""

from __future__ import annotations

import json
import math
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from enum import Enum
from http.server import BaseHTTPRequestHandler
from typing import Any

from bridge.kernel.catalogue import size_of
from bridge.kernel.setup import is_older

Chunk = dict[str, Any] | bytes


class Failure(Enum):
    """What one request can be made to suffer."""

    MISSING = "404"  # the model is not there
    BUSY = "503"  # the waiting line is full
    WRONG_TYPE = "500 option"  # an option of the wrong type
    OUT_OF_MEMORY = "500 memory"  # the model does not fit
    FORBIDDEN = "403"  # cloud models are switched off
    RATE_LIMITED = "429"  # of Ollama's cloud
    BAD_GATEWAY = "502"  # a proxy's page instead of Ollama
    TOO_LONG = "400 context"  # llama-server counted
    MID_STREAM = "error line"  # HTTP 200, some text, then an error line
    NO_DONE = "no done"  # the stream ends politely without its last line
    REPEATS = "repeats"  # ends without its last line after 31 pieces that are the same (fact 7.4)
    EMPTY = "empty"  # done, but no text
    ALL_SPENT = "all spent"  # the limit was reached inside what Ollama keeps back
    GARBAGE = "garbage"  # a line that is no JSON
    STALL = "stall"  # some text, then silence until `released`
    MUTE = "mute"  # not even a header until `released`
    HANG_UP = "hang up"  # some text, then the connection is closed within the reply: its server was killed
    RESET = "reset"  # some text, then the connection is reset
    RESET_EARLY = "reset early"  # reset before any answer
    NO_ROUTE = "404 page"  # a wrong address: another server's page
    REFUSED_OPTION = "400"  # a server that refuses every request
    CRASHES = "500"  # the model's process ends at once
    SIGN_IN = "200 page"  # a sign-in page with status 200
    SIGN_IN_AS_JSON = "200 page, called JSON"
    ENDLESS = "endless"  # text that never ends, whatever the limit
    ENDLESS_LINE = "endless line"  # one line that never ends
    ENDLESS_CLOSE = "endless, connection: close"  # the same, not in chunks
    ENDLESS_CALLS = "endless calls"  # tool calls that never end
    TRICKLE = "trickle"  # one byte of a line now and then, for ever
    TRICKLED_HEAD = "trickled head"  # one byte of the headers now and then, for ever
    ENDLESS_ERROR = "endless error"  # a 500 whose text never ends


def prompt_of(body: dict[str, Any]) -> str:
    """The text of a generate or chat request."""
    return (
        body["prompt"] if "prompt" in body else "\n".join(str(m.get("content", "")) for m in body.get("messages", ()))
    )


def tokens_in(text: str) -> int:
    """Tokens as this server counts them: four characters each."""
    return math.ceil(len(text) / 4)


def _too_long(version: str, body: dict[str, Any]) -> str:
    """In which words this version refuses a prompt that is too long; empty: it cuts it."""
    if is_older(version, "0.12.6"):
        return ""
    if is_older(version, "0.30"):
        return "the input length exceeds the context length" if body.get("truncate") is False else ""
    told = "the prompt is longer than the context length currently available to the model"
    return told if body.get("shift") is False else ""


class OllamaHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    _inside = False
    ollama: Any  #: the LoopbackOllama

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""

    def do_GET(self) -> None:  # the base class's name
        o = self.ollama
        if self.path == "/api/version":
            self._json({"version": o.version})
        elif self.path == "/api/tags":
            self._json({"models": [_tag(name) for name in o.models]})
        elif self.path == "/api/ps":
            size = 9_000_000_000
            rows = [
                {**_tag(o.loaded[0]), "size": size, "size_vram": int(size * o.vram_share), "context_length": o.loaded[1]}
            ] if o.loaded else []  # fmt: skip
            self._json({"models": rows})
        elif self.path == "/":
            self._send(200, b"Ollama is running", "text/plain")
        else:
            self._send(404, b"404 page not found", "text/plain")

    def do_DELETE(self) -> None:  # the base class's name
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if self.path != "/api/delete" or body["model"] not in self.ollama.models:
            return self._json({"error": f"model '{body['model']}' not found"}, 404)
        self.ollama.models = tuple(name for name in self.ollama.models if name != body["model"])
        return self._send(200, b"", "text/plain")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            return self._json({"error": "invalid character in body"}, 400)
        if self.path == "/api/show":
            if body["model"] not in self.ollama.models:
                return self._json({"error": f"model '{body['model']}' not found"}, 404)
            info = {"general.architecture": "qwen2", "qwen2.context_length": 32768}
            able = list(self.ollama.capabilities)
            return self._json({"details": {"family": "qwen2"}, "capabilities": able, "model_info": info})
        if self.path == "/api/embed":
            return self._embed(body)
        if self.path == "/api/pull":
            return self._stream(self._pull(body["model"]))
        if self.path == "/api/generate" and not body.get("prompt"):
            return self._preload(body)
        if self.path in ("/api/generate", "/api/chat"):
            return self._answer(body, chat=self.path == "/api/chat")
        return self._send(404, b"404 page not found", "text/plain")

    # ---- answering ------------------------------------------------------------------------------------------------

    def _answer(self, body: dict[str, Any], *, chat: bool) -> None:
        o = self.ollama
        prompt = prompt_of(body)
        with o.changed:
            o.requests.append(body)
            failure = o.next_failure(prompt)  # in the order of the requests
            waiting = o.at_once
            o.changed.notify_all()
        options = body.get("options") or {}
        num_ctx = options.get("num_ctx", 4096)
        refusal = self._refusal(failure, body, num_ctx)
        if refusal:
            return self._json({"error": refusal[1]}, refusal[0])
        if failure is Failure.BAD_GATEWAY:
            return self._send(502, b"<html>Bad Gateway</html>", "text/html")
        if waiting >= o.parallel + o.max_queue:
            return self._json({"error": "server busy, please try again.  maximum pending requests exceeded"}, 503)
        if failure is Failure.RESET_EARLY:
            return self._reset()
        if failure is Failure.NO_ROUTE:
            return self._send(404, b"<html>Not Found</html>", "text/html")
        if failure in (Failure.SIGN_IN, Failure.SIGN_IN_AS_JSON):
            kind = "text/html; charset=utf-8" if failure is Failure.SIGN_IN else "application/json"
            return self._send(200, b"<html>Please sign in</html>", kind)
        if failure in _ENDLESS:
            return self._never_end(failure)
        if failure is Failure.MUTE:
            o.released.wait(60)
            return None
        tokens = tokens_in(prompt)
        if tokens > num_ctx - 1:
            if refusal := _too_long(o.version, body):
                return self._json({"error": refusal}, 400)
            # what contextShiftPromptLimit leaves (fact 7.9); before, all that fits (measured on 0.24.0)
            tokens = num_ctx if is_older(o.version, "0.30") else num_ctx // 2
        with o.lock:
            o.at_once += 1
            o.most_at_once = max(o.most_at_once, o.at_once)
            self._inside = True
        try:
            with o.slots:
                load_s = self._load(body, num_ctx)
                chunks = self._chunks(body, prompt, tokens, failure, load_s, chat=chat)
                if body.get("stream") is False:
                    return self._json([chunk for chunk in chunks if isinstance(chunk, dict)][-1])
                return self._stream(chunks, generation=True)
        finally:
            self._leave()

    def _never_end(self, failure: Failure) -> None:
        """Send for ever, until the client goes or `released`."""
        head, piece, every_s = _ENDLESS[failure]
        try:
            self.wfile.write(head)
            while not self.ollama.released.wait(every_s) if every_s else not self.ollama.released.is_set():
                chunked = b"chunked" in head
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        except OSError:
            with self.ollama.changed:
                self.ollama.cancelled += 1
                self.ollama.changed.notify_all()
        self.close_connection = True

    def _preload(self, body: dict[str, Any]) -> None:
        """An empty prompt loads the model, or unloads it with keep_alive 0 (facts 7.3, 7.13)."""
        if body["model"] not in self.ollama.models:
            return self._json({"error": f"model '{body['model']}' not found"}, 404)
        away = body.get("keep_alive") == 0
        if away:
            self.ollama.loaded = None
        else:
            self._load(body, (body.get("options") or {}).get("num_ctx", 4096))
        head = {"model": body["model"], "created_at": "2026-01-01T00:00:00.000000Z", "response": ""}
        return self._json({**head, "done": True, "done_reason": "unload" if away else "load"})

    def _embed(self, body: dict[str, Any]) -> None:
        o = self.ollama
        if body["model"] not in o.models:
            return self._json({"error": f"model '{body['model']}' not found"}, 404)
        if "embedding" not in o.capabilities and not is_older(o.version, "0.30"):  # 0.24 gives vectors of any model
            return self._json({"error": "this model does not support embeddings"}, 400)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [[len(text) / 100, text.count("a") / 10, 1.0] for text in texts]
        return self._json(
            {"model": body["model"], "embeddings": vectors, "prompt_eval_count": sum(map(tokens_in, texts))}
        )

    def _leave(self) -> None:
        """The request is over, as its client sees it: before the last line is sent, because the next one may follow at once."""
        with self.ollama.lock:
            self.ollama.at_once -= self._inside
            self._inside = False

    def _refusal(self, failure: Failure | None, body: dict[str, Any], num_ctx: int) -> tuple[int, str] | None:
        model = body.get("model")
        for field, needed in (("tools", "tools"), ("suffix", "insert")):
            if body.get(field) and needed not in self.ollama.capabilities:
                return 400, f"registry.ollama.ai/library/{model} does not support {needed}"
        for name in ("num_ctx", "num_predict", "seed"):
            if not isinstance((body.get("options") or {}).get(name, 0), int):
                failure = Failure.WRONG_TYPE
        if model not in self.ollama.models:
            failure = Failure.MISSING
        texts = {
            Failure.MISSING: (404, f"model '{model}' not found"),
            Failure.BUSY: (503, "server busy, please try again.  maximum pending requests exceeded"),
            Failure.WRONG_TYPE: (500, 'option "num_ctx" must be of type integer'),
            Failure.OUT_OF_MEMORY: (500, "llama-server reported out-of-memory during startup: cudaMalloc failed"),
            Failure.FORBIDDEN: (403, "cloud models are disabled"),
            Failure.REFUSED_OPTION: (400, "invalid options"),
            Failure.CRASHES: (500, "llama runner process has terminated: exit status 2"),
            Failure.RATE_LIMITED: (429, "you have reached your hourly usage limit"),
            Failure.TOO_LONG: (
                400, f"request ({num_ctx + 123} tokens) exceeds the available context size ({num_ctx} tokens), try increasing it",
            ),
        }  # fmt: skip
        return texts.get(failure) if failure else None

    def _load(self, body: dict[str, Any], num_ctx: int) -> float:
        """Loading costs when a Runner option or `shift` changed (fact 7.11)."""
        o = self.ollama
        wanted = (body["model"], num_ctx, body.get("shift"))
        with o.lock:
            if o.loaded == wanted:
                return 0.0
            o.loaded = wanted
            o.loads += 1
        if o.load_delay_s:
            time.sleep(o.load_delay_s)
        return float(o.load_delay_s)

    def _chunks(
        self,
        body: dict[str, Any],
        prompt: str,
        prompt_tokens: int,
        failure: Failure | None,
        load_s: float,
        *,
        chat: bool,
    ) -> Iterator[Chunk]:
        o = self.ollama
        began = time.monotonic()
        limit = (body.get("options") or {}).get("num_predict", 128)
        calls = list(o.tool_calls) if body.get("tools") else []
        text = (
            ""
            if failure in (Failure.EMPTY, Failure.ALL_SPENT) or calls
            else o.json_answer
            if body.get("format")
            else o.answer(prompt)
        )
        pieces = [text[i : i + 4] for i in range(0, len(text), 4)]
        if o.repeat_after:
            pieces = pieces[: o.repeat_after] + ["again "] * limit
        head = {"model": body["model"], "created_at": "2026-01-01T00:00:00.000000Z"}

        def chunk(piece: str) -> dict[str, Any]:
            said = {"message": {"role": "assistant", "content": piece}} if chat else {"response": piece}
            return {**head, **said, "done": False}

        if failure is Failure.REPEATS:
            pieces = [*pieces[:2], *["again "] * 31]
        for number, piece in enumerate(pieces[:limit]):
            if number == 3 and failure in _BREAKS:
                yield from self._break(failure)
                return
            if o.token_delay_s:
                time.sleep(o.token_delay_s)
            yield chunk(piece)
        if calls:
            yield {**head, "message": {"role": "assistant", "content": "", "tool_calls": calls}, "done": False}
        if failure in _BREAKS or failure is Failure.REPEATS:
            yield from self._break(failure)
            return
        self._leave()
        spent = int((time.monotonic() - began) * 1e9)
        yield {
            **head, **({"message": {"role": "assistant", "content": ""}} if chat else {"response": "", "context": [1, 2]}),
            "done": True, "done_reason": "length" if len(pieces) > limit or failure is Failure.ALL_SPENT else "stop",
            "total_duration": spent + int(load_s * 1e9), "load_duration": int(load_s * 1e9), "prompt_eval_count": prompt_tokens,
            "prompt_eval_duration": 1_000_000, "eval_count": min(len(pieces), limit), "eval_duration": spent,
        }  # fmt: skip

    def _break(self, failure: Failure | None) -> Iterator[Chunk]:
        if failure is Failure.MID_STREAM:
            yield {"error": "an error was encountered while running the model: unexpected EOF"}
        elif failure is Failure.GARBAGE:
            yield b"<html>proxy error</html>\n"
        elif failure is Failure.STALL:
            self.ollama.released.wait(60)
            raise ConnectionAbortedError
        elif failure is Failure.RESET:
            self._reset()
            raise ConnectionAbortedError
        elif failure is Failure.HANG_UP:
            raise ConnectionAbortedError  # the last chunk is never sent

    def _pull(self, model: str) -> Iterator[Chunk]:
        o = self.ollama
        total = 1_000_000
        yield {"status": "pulling manifest"}
        o.pulls += 1
        if o.pull_error:
            yield {"error": o.pull_error}
            return
        while o.pulled_bytes < total:
            o.pulled_bytes += total // 4
            yield {"status": "pulling 0123456789ab", "digest": "sha256:01", "total": total, "completed": o.pulled_bytes}
            if o.pull_breaks and o.pulled_bytes >= total // 2:
                o.pull_breaks -= 1
                self._reset()
                raise ConnectionAbortedError
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        o.models = (*o.models, model)
        yield {"status": "success"}

    # ---- the wire -------------------------------------------------------------------------------------------------

    def _stream(self, chunks: Iterator[Chunk], *, generation: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for chunk in chunks:
                line = chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        except OSError as error:
            self.close_connection = True
            if generation and not isinstance(error, ConnectionAbortedError):
                with self.ollama.changed:
                    self.ollama.cancelled += 1
                    self.ollama.changed.notify_all()

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _json(self, value: dict[str, Any], status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    def _send(self, status: int, payload: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        if status != 200 and self.ollama.retry_after:
            self.send_header("Retry-After", self.ollama.retry_after)
        self.end_headers()
        self.wfile.write(payload)


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
_CHUNKED, _CLOSE = b"Transfer-Encoding: chunked\r\n\r\n", b"Connection: close\r\n\r\n"
_WORDS = json.dumps({"response": "word " * 400, "done": False}).encode() + b"\n"
_CALLS = json.dumps(
    {"message": {"content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"x": "y" * 900}}}]}}
)
#: (what is sent first, what is sent again and again, seconds between two)
_ENDLESS: dict[Failure | None, tuple[bytes, bytes, float]] = {
    Failure.ENDLESS: (_OK + _CHUNKED, _WORDS * 20, 0),
    Failure.ENDLESS_CLOSE: (_OK + _CLOSE, _WORDS * 20, 0),
    Failure.ENDLESS_LINE: (_OK + _CHUNKED, b"x" * 50_000, 0),
    Failure.ENDLESS_CALLS: (_OK + _CHUNKED, _CALLS.encode() + b"\n", 0),
    Failure.TRICKLE: (_OK + _CLOSE + b'{"response": "', b"x", 0.02),
    Failure.TRICKLED_HEAD: (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 0.02),
    Failure.ENDLESS_ERROR: (b"HTTP/1.1 500 Error\r\n" + _CHUNKED, b"x" * 50_000, 0),
}
_BREAKS = frozenset(
    {Failure.MID_STREAM, Failure.NO_DONE, Failure.GARBAGE, Failure.STALL, Failure.RESET, Failure.HANG_UP}
)


def _tag(name: str) -> dict[str, Any]:
    known = size_of(name)
    size = known.weights_bytes if known else 4_700_000_000
    return {"name": name, "model": name, "size": size, "digest": f"{zlib.crc32(name.encode()):08x}" * 8}
