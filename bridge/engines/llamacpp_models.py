"""Several GGUF files as one engine: one of them is in memory at a time, and asking for another switches.

Two 7B models do not fit where one does, and llama.cpp frees nothing by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bridge.core.errors import ModelMissing
from bridge.engines.base import (
    Answer,
    Capabilities,
    EngineModel,
    Health,
    OnProgress,
    OnToken,
    Request,
    Stop,
    Stopped,
    ignore_progress,
    ignore_token,
)
from bridge.engines.llamacpp import LlamaCppEngine


class LlamaCppModels:
    """One engine a file. Requests for the model in memory run side by side; one for another model waits until they have ended."""

    name = "llamacpp"

    def __init__(self, engines: Mapping[str, LlamaCppEngine]) -> None:
        """`engines`: {the model's name: its engine}, none of them loaded."""
        self._engines = dict(engines)
        self._turn = threading.Condition()
        self._current: str | None = None
        self._users = 0

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`."""
        with self._using(request.model, stop or Stop()) as engine:
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
        """See `Engine.load`: another one goes out of memory first."""
        with self._using(model, Stop()) as engine:
            engine.load(model, num_ctx=num_ctx)

    def unload(self, model: str) -> None:
        """See `Engine.unload`."""
        self._engine(model).unload(model)

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`: the files that are there."""
        return tuple(model for engine in self._engines.values() for model in engine.models())

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`: there are only the files."""
        self._engine(model).pull(model, on_progress)

    def capabilities(self, model: str) -> Capabilities:
        """See `Engine.capabilities`."""
        return self._engine(model).capabilities(model)

    def health(self) -> Health:
        """See `Engine.health`: well, as long as one of the files can be loaded."""
        found = [engine.health() for engine in self._engines.values()]
        good = [health for health in found if health.ok]
        if not good:
            return Health(ok=False, detail=found[0].detail if found else "there is no GGUF file")
        loaded = tuple(name for health in good for name in health.loaded)
        return Health(ok=True, detail=f"llama.cpp with {len(good)} models", version=good[0].version, loaded=loaded)

    def close(self) -> None:
        """See `Engine.close`."""
        for engine in self._engines.values():
            engine.close()

    def _engine(self, model: str) -> LlamaCppEngine:
        if model not in self._engines:
            raise ModelMissing(f"there is no {model!r} here; there are {', '.join(sorted(self._engines)) or 'none'}")
        return self._engines[model]

    @contextmanager
    def _using(self, model: str, stop: Stop) -> Iterator[LlamaCppEngine]:
        """The model's engine, while no other is in memory. Raises Stopped."""
        engine = self._engine(model)
        with stop.guard(self._wake):
            self._take_turn(model, stop)
        try:
            yield engine
        finally:
            with self._turn:
                self._users -= 1
                self._turn.notify_all()

    def _take_turn(self, model: str, stop: Stop) -> None:
        with self._turn:
            while self._users and self._current != model:
                self._turn.wait()
                if stop.is_set():
                    raise Stopped
            before, self._current = self._current, model
            self._users += 1
            if before is not None and before != model:
                self._engines[before].unload(before)

    def _wake(self) -> None:
        with self._turn:
            self._turn.notify_all()
