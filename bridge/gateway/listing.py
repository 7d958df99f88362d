"""What an engine has, as it was known lately: a request does not wait for a list that it most likely knows already."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from bridge.engines.base import EngineModel
from bridge.protocols.refusal import RefusedAsk

#: How old a list may be before the engine is asked again, in seconds.
LISTED_S = 5.0


class Listing:
    """The list of one engine's models. Only the event loop that it is used in may touch it."""

    def __init__(self, ask: Callable[[], Awaitable[tuple[EngineModel, ...]]], *, now_s: Callable[[], float]) -> None:
        """`ask`: gives the list, or raises RefusedAsk. `now_s`: seconds of a clock that only goes forward."""
        self._ask, self._now_s = ask, now_s
        self.known: tuple[EngineModel, ...] | None = None  #: None: nobody has asked yet
        self._known_s = 0.0
        self._asking: asyncio.Task[tuple[EngineModel, ...]] | None = None

    async def lately(self) -> tuple[EngineModel, ...]:
        """What is known, at once; where that is old, the engine is asked meanwhile. Raises RefusedAsk: nothing is known."""
        if self.known is None:
            return await self.fresh()
        if self._is_old:
            self._begin()
        return self.known

    async def fresh(self) -> tuple[EngineModel, ...]:
        """The list, at most `LISTED_S` old; many who ask at once wait for one answer. Raises RefusedAsk."""
        if self.known is not None and not self._is_old:
            return self.known
        return await asyncio.shield(self._begin())

    def forget(self) -> None:
        """Models came or went: the next look asks the engine again."""
        self.known = self._asking = None  # who waits gets what was there; it is not kept

    def close(self) -> None:
        """Nobody waits any more."""
        if self._asking is not None:
            self._asking.cancel()

    @property
    def _is_old(self) -> bool:
        return self._now_s() - self._known_s > LISTED_S

    def _begin(self) -> asyncio.Task[tuple[EngineModel, ...]]:
        if self._asking is None:
            self._asking = asyncio.create_task(self._look())
            self._asking.add_done_callback(_noticed)
        return self._asking

    async def _look(self) -> tuple[EngineModel, ...]:
        asking = asyncio.current_task()
        try:
            found = await self._ask()
            if self._asking is asking:
                self.known, self._known_s = found, self._now_s()
            return found
        finally:
            if self._asking is asking:
                self._asking = None


def _noticed(task: asyncio.Task[tuple[EngineModel, ...]]) -> None:
    """An error that nobody waits for is no news: the next look meets it again."""
    with contextlib.suppress(RefusedAsk, asyncio.CancelledError):
        task.result()
