"""An engine that has others answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from bridge.engines.base import (
    Answer,
    Capabilities,
    Engine,
    OnProgress,
    OnToken,
    Request,
    Stop,
    ignore_progress,
    ignore_token,
)


class DelegatingEngine(ABC):
    """Has the engine behind a model do what is asked of it. Whoever inherits says which, and what is held meanwhile."""

    @abstractmethod
    def _engine(self, model: str) -> Engine:
        """The engine behind a model, for what loads nothing. Raises EngineError."""

    @abstractmethod
    def _using(self, model: str, stop: Stop) -> AbstractContextManager[Engine]:
        """The engine behind a model, for what may load it. Raises EngineError, Stopped."""

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`."""
        stop = stop or Stop()
        with self._using(request.model, stop) as engine:
            return engine.answer(request, on_token, stop=stop)

    def count_tokens(self, request: Request) -> int:
        """See `Engine.count_tokens`."""
        with self._using(request.model, Stop()) as engine:
            return engine.count_tokens(request)

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """See `Engine.embed`."""
        with self._using(model, Stop()) as engine:
            return engine.embed(texts, model)

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
        """See `Engine.load`."""
        with self._using(model, Stop()) as engine:
            engine.load(model, num_ctx=num_ctx)

    def unload(self, model: str) -> None:
        """See `Engine.unload`."""
        self._engine(model).unload(model)

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`."""
        self._engine(model).pull(model, on_progress)

    def remove(self, model: str) -> None:
        """See `Engine.remove`."""
        self._engine(model).remove(model)

    def capabilities(self, model: str) -> Capabilities:
        """See `Engine.capabilities`."""
        return self._engine(model).capabilities(model)
