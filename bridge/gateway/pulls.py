"""Downloads of models that clients ask for: one at a time for each model, told to everybody who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bridge.core.errors import BridgeError
from bridge.engines.base import Engine
from bridge.gateway.mailbox import Mailbox
from bridge.protocols.refusal import ApiRefusal, refusal_of


@dataclass(frozen=True, kw_only=True)
class PullStep:
    """How far a download is."""

    status: str  #: in the engine's words; `success` at the end
    done_bytes: int = 0
    total_bytes: int = 0  #: 0: not known
    refusal: ApiRefusal | None = None  #: it failed

    @property
    def percent(self) -> float:
        """Of what is known; 100 when it is there."""
        if self.status == "success":
            return 100.0
        return round(100 * self.done_bytes / self.total_bytes, 1) if self.total_bytes else 0.0


class Pulls:
    """The downloads of one engine. Only the event loop that it is used in may touch it."""

    def __init__(self, engine: Engine, *, on_done: Callable[[], None] = lambda: None) -> None:
        """`on_done` is told of each model that has come."""
        self._engine, self._on_done = engine, on_done
        self._steps: dict[str, PullStep] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Condition()

    def step(self, model: str) -> PullStep | None:
        """How far it is; None: nobody has asked for it."""
        return self._steps.get(model)

    def start(self, model: str) -> None:
        """Fetch it, unless that is under way."""
        if model not in self._running:
            self._steps[model] = PullStep(status="starting")
            self._running[model] = asyncio.create_task(self._pull(model))

    async def follow(self, model: str) -> AsyncIterator[PullStep]:
        """Each step up to the end; the download goes on when nobody follows."""
        self.start(model)
        shown = None
        while True:
            step = self._steps[model]
            if step is not shown:
                shown = step
                yield step
            if step.refusal is not None or step.status == "success":
                return
            async with self._news:
                if self._steps[model] is step:
                    await self._news.wait()

    async def _pull(self, model: str) -> None:
        loop = asyncio.get_running_loop()
        box: Mailbox[PullStep | None] = Mailbox(loop)

        def report(status: str, done: int, total: int) -> None:
            box.put(PullStep(status=status, done_bytes=done, total_bytes=total))

        def pull() -> None:
            try:
                self._engine.pull(model, report)
            finally:
                box.put(None)

        pulling = loop.run_in_executor(None, pull)
        is_over = False
        while not is_over:
            steps = await box.take()
            is_over = steps[-1] is None
            for step in steps[-2:]:
                if step is not None and step.status != "success":
                    await self._say(model, step)
        try:
            await pulling
            self._on_done()
            last = PullStep(status="success", done_bytes=1, total_bytes=1)
        except BridgeError as error:
            last = PullStep(status="failed", refusal=refusal_of(error))
        del self._running[model]
        await self._say(model, last)

    async def _say(self, model: str, step: PullStep) -> None:
        async with self._news:
            self._steps[model] = step
            self._news.notify_all()
