"""Answering one job with Ollama, and the record that says how it went (see grammar: the result)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .catalogue import DEFAULT_MODEL
from .cells import PromptCell
from .chat import ChatError, read_body
from .chat_json import CallJson, RequestJson
from .engine_faults import OF_THE_REQUEST
from .error_kind import ErrorKind, OllamaError, Stopped
from .fit import listed_names, model_of_job
from .grammar import CALLS_SCHEMA, SCHEMA, failure_text, prompt_sha256, to_iso
from .ollama import Ollama
from .ollama_chat import text_of
from .ollama_reply import OllamaModel, Reply
from .options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX, SAMPLING
from .progress import spell_duration
from .stop import Stop

#: Seconds that an engine may ask for before a cell says so instead of waiting.
LONGEST_WAIT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a job gets that its header does not ask for otherwise. One context for all: another one reloads the model (fact 7.11)."""

    model: str = DEFAULT_MODEL
    auto_model: str = ""  #: for jobs that ask for `auto`; empty: `model`
    lanes: int = 1  #: requests at the same time
    num_ctx: int = DEFAULT_NUM_CTX  #: tokens of context each request gets
    max_tokens: int = DEFAULT_MAX_TOKENS  #: of an answer
    keep_alive: str = "30m"  #: how long the model stays loaded after the last request
    job_timeout_s: float | None = 3600.0
    tries: int = 3  #: of a request that failed in a way that may pass
    host: str = ""  #: as in OLLAMA_HOST; empty: the default


@dataclass(frozen=True, kw_only=True)
class KernelWorker:
    """Who answers, as the record says it."""

    id: str
    engine: str = "ollama"
    engine_version: str = ""
    where: str


Record = dict[str, Any]


def _recorded(call: CallJson) -> dict[str, object]:
    """A tool call as records hold it."""
    return {"id": call["id"], **call["function"]}


def utc_now() -> datetime:
    """This moment."""
    return datetime.now(timezone.utc)  # noqa: UP017  # the same on every Python that Colab offers


class Answerer:
    """Turns prompt cells into results. Threads share it."""

    def __init__(
        self,
        client: Ollama,
        settings: RunSettings,
        worker: KernelWorker,
        *,
        now: Callable[[], datetime] = utc_now,
        revive: Callable[[], None] = lambda: None,
        backoff_s: float = 2.0,
    ) -> None:
        """`revive` is called when nobody listens, before the next try; it may start the server again."""
        self.client = client
        self.settings = settings
        self._worker = worker
        self._now = now
        self._revive = revive
        self._backoff_s = backoff_s
        self._lock = threading.Lock()
        self._models: dict[str, OllamaModel] = {}
        self._down = False

    def answer(
        self,
        cell: PromptCell,
        *,
        stop: Stop,
        begin: Callable[[], None] = lambda: None,
        on_token: Callable[[str], None] = lambda _piece: None,
    ) -> tuple[Record, str]:
        """The record and the text of one job. A failure is a record too, never an exception.

        What may pass is tried again with growing waits; while the engine is known to be down, only once, so that a long
        queue does not wait a long time for each of its jobs. `begin` is called before each try: the text starts anew.

        Raises:
            Stopped: `stop` was set.
        """
        for number in range(1, self.settings.tries + 1):
            begin()
            started, clock = self._now(), time.monotonic()
            try:
                reply = self._ask(cell, on_token, stop)
            except OllamaError as error:
                wall_s = time.monotonic() - clock
                too_late = wall_s >= (self.settings.job_timeout_s or float("inf"))
                too_long = (error.retry_after_s or 0.0) > LONGEST_WAIT_S
                last = number == self.settings.tries or self._down or too_late or too_long or not error.kind.retry
                if not last:
                    if error.kind is ErrorKind.DOWN:
                        with self._lock:
                            self._revive()
                    if stop.wait(error.retry_after_s or self._backoff_s * 2 ** (number - 1)):
                        raise Stopped from None
                    continue
                self._down = error.kind is ErrorKind.DOWN
                if too_long:
                    error.message += f" (it asks to be left alone for {spell_duration(error.retry_after_s or 0.0)})"
                return self.failure(cell, error, started, wall_s)
            self._down = False
            return self._success(cell, reply, started), reply.text
        raise AssertionError("the last try returns")

    def _ask(self, cell: PromptCell, on_token: Callable[[str], None], stop: Stop) -> Reply:
        options = cell.header.options
        sampling = {name: options[name] for name in SAMPLING if options.get(name) not in (None, ())}
        if "stop" in sampling:
            sampling["stop"] = list(sampling["stop"])
        return self.client.answer(
            self._request(cell),
            model=self.model_of(cell),
            num_ctx=options.get("window", self.settings.num_ctx),
            num_predict=options.get("max_tokens", self.settings.max_tokens),
            options=sampling,
            keep_alive=self.settings.keep_alive,
            on_token=on_token,
            stop=stop,
            timeout_s=self.settings.job_timeout_s,
        )

    @staticmethod
    def _request(cell: PromptCell) -> RequestJson:
        try:
            return read_body(cell.body, cell.header.form)
        except ChatError as error:
            raise OllamaError(ErrorKind.BAD_REQUEST, str(error)) from None

    def model_of(self, cell: PromptCell) -> str:
        """The model that a job gets."""
        settings = self.settings
        return model_of_job(cell.header.options.get("model"), default=settings.model, auto=settings.auto_model)

    def may_be_the_engine(self, cell: PromptCell, record: Record) -> bool:
        """Whether a failure may come from the engine's state; not, if the cell is wrong in itself, and so was not sent."""
        try:
            text = text_of(self._request(cell))
        except OllamaError:
            return False
        return bool(text.strip()) and record["error"]["kind"] not in OF_THE_REQUEST

    def _success(self, cell: PromptCell, reply: Reply, started: datetime) -> Record:
        return {
            **self._facts(cell, started),
            **(
                {"schema": CALLS_SCHEMA, "tool_calls": [_recorded(c) for c in reply.tool_calls]}
                if reply.tool_calls
                else {}
            ),
            "status": "truncated" if reply.finish_reason.is_cut else "succeeded",
            "finish_reason": reply.finish_reason.value,
            "model_digest": self._digest(reply.model),
            "usage": reply.usage,
            "timing_s": {name: round(seconds, 3) for name, seconds in reply.timing_s.items()},
        }

    def failure(
        self, cell: PromptCell, error: OllamaError, started: datetime | None = None, wall_s: float = 0.0
    ) -> tuple[Record, str]:
        """The record and the text of a job that has no answer."""
        record = {
            **self._facts(cell, started or self._now()),
            "status": "failed",
            "finish_reason": "error",
            "timing_s": {"total": round(wall_s, 3)},
            "error": {"kind": error.kind.value, "message": error.message, "retry": error.kind.retry},
        }
        return record, failure_text(error.message)

    def _facts(self, cell: PromptCell, started: datetime) -> Record:
        return {
            "schema": SCHEMA,
            "job": cell.job,
            "attempt": cell.attempts + 1,
            "status": "",
            "finish_reason": None,
            "model": self.model_of(cell),
            "model_digest": None,
            "prompt_sha256": prompt_sha256(cell.body),
            "started_at": to_iso(started),
            "finished_at": to_iso(self._now()),
            "usage": {},
            "timing_s": {},
            "worker": dict(vars(self._worker)),
            "error": None,
        }

    def _digest(self, model: str) -> str | None:
        with self._lock:
            if model not in self._models:
                try:
                    self._models = {found.name: found for found in self.client.models()}
                except OllamaError:
                    return None  # the answer counts, with or without it
            found = next((self._models[name] for name in listed_names(model) if name in self._models), None)
            return found.digest if found else None
