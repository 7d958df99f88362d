"""An engine whose every answer takes a slot first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from bridge.engines.base import (
    Answer,
    Engine,
    EngineModel,
    Health,
    OnToken,
    Request,
    Stop,
    Stopped,
    ignore_token,
)
from bridge.engines.delegating import DelegatingEngine
from bridge.engines.slot_files import SlotFiles

#: How often a job looks whether a slot is free, in seconds: the files wake nobody.
_LOOK_S = 0.05
#: Holds a slot for a model; waits for it, and raises Stopped if the stop is set.
HoldSlot = Callable[[str, Stop], AbstractContextManager[None]]


class Ask(Protocol):
    """How an engine is asked once the slot is there."""

    def __call__(self, engine: Engine, request: Request, on_token: OnToken, *, stop: Stop | None) -> Answer:
        """See `Engine.answer`."""


def ask_engine(engine: Engine, request: Request, on_token: OnToken, *, stop: Stop | None) -> Answer:
    """See `Ask`: as the engine answers by itself."""
    return engine.answer(request, on_token, stop=stop)


class SlottedEngine(DelegatingEngine):
    """Another engine behind its slots. Threads may share it."""

    def __init__(self, engine: Engine, hold: HoldSlot, *, ask: Ask = ask_engine) -> None:
        self._inner, self._hold, self._ask = engine, hold, ask
        self.name = engine.name

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`; waits for a slot."""
        stop = stop or Stop()
        with self._hold(request.model, stop):
            return self._ask(self._inner, request, on_token, stop=stop)

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""
        return self._inner.models()

    def health(self) -> Health:
        """See `Engine.health`."""
        return self._inner.health()

    def close(self) -> None:
        """The engine is somebody else's."""

    def _engine(self, model: str) -> Engine:  # noqa: ARG002  # there is one for all
        return self._inner

    def _using(self, model: str, stop: Stop) -> AbstractContextManager[Engine]:  # noqa: ARG002  # only an answer takes a slot
        return nullcontext(self._inner)


def hold_for_jobs(files: SlotFiles) -> HoldSlot:
    """Slots that jobs take, behind every live request of this machine."""
    one_at_a_time = threading.Lock()

    @contextmanager
    def hold(_model: str, stop: Stop) -> Iterator[None]:
        while True:
            with one_at_a_time:
                slot = files.take(live=False)
            if slot is not None:
                break
            if stop.wait(_LOOK_S):
                raise Stopped
        try:
            yield
        finally:
            with one_at_a_time:
                slot.release()

    return hold
