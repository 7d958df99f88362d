"""The queue's jobs answered with the slots that no live request needs: `bridge serve` is a worker as well."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError

from bridge import wiring
from bridge.core.errors import BridgeError, Overloaded
from bridge.core.events import Event, EventKind, Listener, ignore
from bridge.engines.base import (
    Answer,
    Capabilities,
    Engine,
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
from bridge.gateway.line import LineFull, Priority, Ticket
from bridge.gateway.live import Live
from bridge.gateway.slots import Slots
from bridge.gateway.tool_calling import answer_with_calls
from bridge.protocols.refusal import RefusedAsk
from bridge.worker.config import WorkerConfig

#: How long to wait for an engine that has no model to say, in seconds.
_PAUSE_S = 5.0


class SlottedEngine:
    """An engine whose every answer takes a slot first, behind all live requests. Threads may share it."""

    def __init__(self, engine: Engine, slots: Slots, loop: asyncio.AbstractEventLoop) -> None:
        self._engine, self._slots, self._loop = engine, slots, loop
        self.name = engine.name

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`; waits in line. Raises Overloaded if that is full."""
        stop = stop or Stop()
        held = _HeldSlot(self._slots, self._loop)
        try:
            with stop.guard(held.give_up):
                held.take(request.model)
                return answer_with_calls(self._engine, request, on_token, stop=stop)
        finally:
            held.give_up()

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""
        return self._engine.models()

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`."""
        self._engine.pull(model, on_progress)

    def capabilities(self, model: str) -> Capabilities:
        """See `Engine.capabilities`."""
        return self._engine.capabilities(model)

    def count_tokens(self, request: Request) -> int:
        """See `Engine.count_tokens`."""
        return self._engine.count_tokens(request)

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """See `Engine.embed`."""
        return self._engine.embed(texts, model)

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
        """See `Engine.load`."""
        self._engine.load(model, num_ctx=num_ctx)

    def unload(self, model: str) -> None:
        """See `Engine.unload`."""
        self._engine.unload(model)

    def remove(self, model: str) -> None:
        """See `Engine.remove`."""
        self._engine.remove(model)

    def health(self) -> Health:
        """See `Engine.health`."""
        return self._engine.health()

    def close(self) -> None:
        """The engine is somebody else's."""


class _HeldSlot:
    """A slot that a thread holds: taken and given back in the event loop."""

    def __init__(self, slots: Slots, loop: asyncio.AbstractEventLoop) -> None:
        self._slots, self._loop = slots, loop
        self._has = threading.Event()
        self._done: asyncio.Event | None = None
        self._holding: asyncio.Task[None] | None = None
        self._full: LineFull | None = None
        self._is_over = False

    def take(self, model: str) -> None:
        """Wait for it. Raises Overloaded, Stopped."""
        asked = asyncio.run_coroutine_threadsafe(self._start(model), self._loop)
        try:
            asked.result()
        except CancelledError:
            raise Stopped from None
        self._has.wait()
        if self._full is not None:
            raise Overloaded(str(self._full))
        if self._done is None:
            raise Stopped

    def give_up(self) -> None:
        """Give it back, or leave the line; safe twice."""
        self._loop.call_soon_threadsafe(self._end)

    async def _start(self, model: str) -> None:
        if self._is_over:
            self._has.set()
        else:
            self._holding = asyncio.create_task(self._hold(model))

    async def _hold(self, model: str) -> None:
        try:
            async with self._slots.slot(caller="queue", model=model, priority=Priority.BATCH, on_ticket=_ignore):
                self._done = asyncio.Event()
                self._has.set()
                await self._done.wait()
        except LineFull as full:
            self._full = full
        finally:
            self._has.set()

    def _end(self) -> None:
        self._is_over = True
        if self._done is not None:
            self._done.set()
        elif self._holding is not None:
            self._holding.cancel()


class QueueWorker:
    """A worker of the queue in a thread of its own."""

    def __init__(self, live: Live, queue: str | None, *, notify: Listener = ignore) -> None:
        """`queue`: its path, as `wiring.open_queue` takes it."""
        self._live, self._queue, self._notify = live, queue, notify
        self._stopping = threading.Event()
        self._end: Callable[[], None] = lambda: None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """In the event loop."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="gateway-worker", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """What is under way goes back into the queue; waits for it, because that needs the loop."""
        self._stopping.set()
        self._end()
        thread = self._thread
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, thread.join, 20)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        model = self._model(loop)
        if model is None:
            return
        backend = self._live.backend
        opened = wiring.open_queue(self._queue, listener=self._notify)
        try:
            plan = WorkerConfig(
                model=model,
                auto_model=model,
                lanes=backend.slots.line.lanes,
                forever=True,
                num_ctx=backend.num_ctx,
                max_tokens=backend.max_tokens,
                job_timeout_s=backend.timeout_s or 3600.0,
            )
            engine = SlottedEngine(backend.engine, backend.slots, loop)
            worker = wiring.open_worker(opened, engine, plan, listener=self._notify)
            self._end = worker.ask_to_stop
            if not self._stopping.is_set():
                worker.run()
        except BridgeError as error:
            self._notify(Event(kind=EventKind.BLOCKED, message=f"the queue is not worked on any more: {error}"))
        finally:
            opened.close()

    def _model(self, loop: asyncio.AbstractEventLoop) -> str | None:
        """The model for jobs that name none, as soon as the engine says; None: it is over."""
        while not self._stopping.is_set():
            try:
                return asyncio.run_coroutine_threadsafe(self._live.chosen(None), loop).result().name
            except RefusedAsk:
                self._stopping.wait(_PAUSE_S)
        return None


def _ignore(_ticket: Ticket) -> None:
    """Nobody asks for its place."""
