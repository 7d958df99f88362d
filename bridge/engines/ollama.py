"""Ollama by its own API, through the client that the notebooks use."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from bridge.core.errors import ContextExceeded, EngineError, RateLimited
from bridge.core.options import LONGEST_ANSWER
from bridge.engines.base import (
    Answer,
    Capabilities,
    EngineModel,
    Health,
    OnProgress,
    OnToken,
    Request,
    Stop,
    ignore_progress,
    ignore_token,
)
from bridge.kernel.error_kind import ErrorKind, OllamaError
from bridge.kernel.fit import listed_names
from bridge.kernel.grammar import read_count
from bridge.kernel.ollama import Ollama
from bridge.protocols.openai import read_tool_calls, write_request

T = TypeVar("T")

_ERRORS = {error.kind: error for error in EngineError.__subclasses__()}


def translate(error: OllamaError) -> EngineError:
    """The package's own error for one of the client's."""
    if error.kind is ErrorKind.RATE_LIMITED:
        return RateLimited(error.message, retry_after_s=error.retry_after_s, partial=error.partial)
    if error.kind is ErrorKind.CONTEXT_EXCEEDED:
        return ContextExceeded(error.message, over_by=error.over_by or 1, estimated=error.estimated)
    return _ERRORS[error.kind.value](error.message, partial=error.partial)


def _translated(call: Callable[[], T]) -> T:
    try:
        return call()
    except OllamaError as error:
        raise translate(error) from error


class OllamaEngine:
    """One Ollama server, on this machine or another."""

    name = "ollama"

    def __init__(
        self,
        host: str = "",
        *,
        keep_alive: str | float = "30m",
        connect_s: float = 10.0,
        silence_s: float = 600.0,
        longest_answer: int = LONGEST_ANSWER,
    ) -> None:
        """`host` as in OLLAMA_HOST. `silence_s`: how long nothing at all may come; loading a model takes minutes.

        `longest_answer`: characters that any answer may have, see `options.longest_answer`.
        """
        self._client = Ollama(host, connect_s=connect_s, silence_s=silence_s, longest_answer=longest_answer)
        self.url = self._client.url
        self._keep_alive = keep_alive
        self._lock = threading.Lock()
        self._digests: dict[str, str] = {}

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`."""
        request.check()
        if any(message.has_image for message in request.messages):  # Ollama drops images that a model cannot read
            self.capabilities(request.model).require(request, request.model)
        reply = _translated(
            lambda: self._client.answer(
                write_request(request),
                model=request.model,
                num_ctx=request.num_ctx,
                num_predict=request.max_tokens,
                options=request.sampling(),
                keep_alive=self._keep_alive,
                on_token=on_token,
                stop=stop,
                timeout_s=request.timeout_s,
            )
        )
        return Answer(
            text=reply.text,
            tool_calls=read_tool_calls(list(reply.tool_calls)),
            finish_reason=reply.finish_reason,
            model=reply.model,
            model_digest=self._digest(reply.model),
            usage=reply.usage,
            timing_s=reply.timing_s,
        )

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""
        found = _translated(self._client.models)
        return tuple(EngineModel(name=model.name, digest=model.digest, size_bytes=model.size_bytes) for model in found)

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`; a broken download goes on where it stopped."""
        if _translated(lambda: self._client.has(model)):
            return
        _translated(lambda: self._client.pull(model, on_progress))

    def capabilities(self, model: str) -> Capabilities:
        """See `Engine.capabilities`; as the model's own file says (`/api/show`)."""
        shown = _translated(lambda: self._client.show(model))
        told, info = shown.get("capabilities"), shown.get("model_info")
        able = {name for name in told if isinstance(name, str)} if isinstance(told, list) else set()
        info = info if isinstance(info, dict) else {}
        context = read_count(info.get(f"{info.get('general.architecture', '')}.context_length"))
        return Capabilities(
            tools="tools" in able,
            json_schema="completion" in able,
            suffix="insert" in able,
            images="vision" in able,
            embeddings="embedding" in able,
            exact_counts="completion" in able,
            context_tokens=context,
        )

    def count_tokens(self, request: Request) -> int:
        """See `Engine.count_tokens`; Ollama reads the whole request for it."""
        request.check()
        asked = write_request(request)
        return _translated(
            lambda: self._client.count_tokens(
                asked, model=request.model, num_ctx=request.num_ctx, keep_alive=self._keep_alive
            )
        )

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """See `Engine.embed`."""
        vectors = _translated(lambda: self._client.embed(texts, model=model, keep_alive=self._keep_alive))
        return tuple(tuple(vector) for vector in vectors)

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
        """See `Engine.load`."""
        _translated(lambda: self._client.load(model, num_ctx=num_ctx, keep_alive=self._keep_alive))

    def unload(self, model: str) -> None:
        """See `Engine.unload`."""
        _translated(lambda: self._client.unload(model))

    def remove(self, model: str) -> None:
        """See `Engine.remove`."""
        _translated(lambda: self._client.remove(model))

    def health(self) -> Health:
        """See `Engine.health`."""
        try:
            version = self._client.version()
            loaded = self._client.loaded()
        except OllamaError as error:
            return Health(ok=False, detail=error.message)
        return Health(
            ok=True,
            detail=f"Ollama {version} at {self._client.url}",
            version=version,
            loaded=tuple(model.name for model in loaded),
            gpu_share=min((model.gpu_share for model in loaded), default=None),
        )

    def close(self) -> None:
        """Holds nothing."""

    def _digest(self, model: str) -> str | None:
        with self._lock:
            if model not in self._digests:
                with contextlib.suppress(EngineError):  # the answer counts, with or without it
                    self._digests = {found.name: found.digest or "" for found in self.models()}
            return next((self._digests[name] for name in listed_names(model) if self._digests.get(name)), None)
