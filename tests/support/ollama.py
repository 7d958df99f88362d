"""A loopback Ollama: the wire of Ollama's HTTP API (fact section 7) without a model, with every failure on request.

    with LoopbackOllama(answer=lambda prompt: "print('hi')") as server:
        ...  # server.url, server.requests, server.most_at_once

or as a process: `python -m tests.support.ollama --port 0` prints its URL.

Nothing here sleeps on its own: what takes time waits on `server.released` (an Event that the test sets) or for the
`token_delay_s` and `load_delay_s` that the test asked for.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.ollama_wire import Failure, OllamaHandler, prompt_of, tokens_in

__all__ = ["REAL_ANSWERS", "Failure", "LoopbackOllama", "prompt_of", "real_answers", "tokens_in"]

REAL_ANSWERS = Path(__file__).parents[3] / "shared" / "data" / "real_answers.jsonl"
MODELS = tuple(f"qwen2.5-coder:{tag}" for tag in ("32b", "14b", "7b", "1.5b"))


@dataclass
class LoopbackOllama:
    """The server; a context manager. Counters are read by tests, the other fields may be changed while it runs."""

    answer: Callable[[str], str] = lambda prompt: f"```python\nprint({prompt[:40]!r})\n```\n"
    models: tuple[str, ...] = MODELS
    parallel: int = 4  #: OLLAMA_NUM_PARALLEL: more wait
    max_queue: int = 512  #: OLLAMA_MAX_QUEUE: more get 503
    token_delay_s: float = 0.0
    load_delay_s: float = 0.0  #: of a reload
    vram_share: float = 1.0
    port: int = 0
    repeat_after: int = 0  #: >0: answers repeat themselves for ever; cut at num_predict
    #: What `/api/show` says that a model can do; the rest is refused as Ollama refuses it.
    capabilities: tuple[str, ...] = ("completion", "insert", "tools")
    #: What a request with tools gets, as Ollama writes it: [{"function": {"name": …, "arguments": {…}}}].
    tool_calls: tuple[dict[str, Any], ...] = ()
    json_answer: str = '{"x": 7}'  #: of a request with a format
    #: What it says it is, and how it treats a prompt that is too long: before 0.12.6 it is cut without a word, up to 0.24
    #: unless `truncate` is false, since 0.30 unless `shift` is (measured on 0.24.0; facts 7.9).
    version: str = "0.33.0-loopback"
    #: The next requests that generate suffer these, one each; None: nothing.
    failures: deque[Failure | None] = field(default_factory=deque)
    #: A failure for prompts, by what the prompt holds.
    retry_after: str = ""  #: what a refusal says in its header
    failing_prompts: dict[str, Failure] = field(default_factory=dict)
    pull_breaks: int = 0  #: so many downloads break off half-way
    pull_error: str = ""

    requests: list[dict[str, Any]] = field(default_factory=list)
    cancelled: int = 0  #: generations whose client went away
    loads: int = 0  #: model reloads
    at_once: int = 0
    most_at_once: int = 0
    pulls: int = 0
    pulled_bytes: int = 0

    def __post_init__(self) -> None:
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.slots = threading.Semaphore(self.parallel)
        self.changed = threading.Condition(self.lock)
        self.loaded: tuple[Any, ...] | None = None
        self._server: ThreadingHTTPServer | None = None

    # ---- life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> LoopbackOllama:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; on the same port again after a `stop`."""
        handler = type("Handler", (OllamaHandler,), {"ollama": self})
        self.released.clear()
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening; what hangs is released."""
        self.released.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def prompts(self) -> list[str]:
        return [prompt_of(request) for request in list(self.requests)]

    def await_requests(self, count: int, timeout_s: float = 60) -> None:
        """Wait until so many generations were asked for."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, timeout_s), (
                f"{len(self.requests)} requests"
            )

    def next_failure(self, prompt: str) -> Failure | None:
        for needle, failure in self.failing_prompts.items():
            if needle in prompt:
                return failure
        return self.failures.popleft() if self.failures else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""


def real_answers() -> Callable[[str], str]:
    """Answers of real Qwen models to the prompts of the shared data, where that is present; a stock answer to others."""
    rows = [json.loads(line) for line in REAL_ANSWERS.read_text(encoding="utf-8").splitlines()]
    by_prompt = {row["prompt"].strip(): row["answer"] for row in rows}
    return lambda prompt: by_prompt.get(prompt.strip(), rows[len(prompt) % len(rows)]["answer"])


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--token-delay-ms", type=float, default=0)
    parser.add_argument("--real-answers", action="store_true")
    args = parser.parse_args()
    server = LoopbackOllama(port=args.port, parallel=args.parallel, token_delay_s=args.token_delay_ms / 1000)
    if args.real_answers:
        server.answer = real_answers()
    server.start()
    print(server.url, flush=True)  # noqa: T201
    threading.Event().wait()


if __name__ == "__main__":
    main()
