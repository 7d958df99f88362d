"""Which models are in memory: loaded when they are needed, let go of when nobody has used them for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bridge.core.errors import BridgeError
from bridge.engines.base import Engine
from bridge.protocols.refusal import RefusedAsk, refusal_of

#: How long a model stays that nobody uses, in seconds; a setting.
IDLE_S = 600.0
#: How often that is looked at, in seconds.
LOOK_S = 5.0


class Residency:
    """The models of one engine. Only the event loop that it is used in may touch it."""

    def __init__(self, engine: Engine, *, idle_s: float = IDLE_S, num_ctx: int, now_s: Callable[[], float]) -> None:
        """`idle_s`: 0 keeps everything for ever."""
        self._engine, self._idle_s, self._num_ctx, self._now_s = engine, idle_s, num_ctx, now_s
        self._users: Counter[str] = Counter()
        self._used_s: dict[str, float] = {}
        self._loading: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def using(self, model: str, *, tell: Callable[[str], None] = lambda _detail: None) -> AsyncIterator[None]:
        """The model is in memory, and stays in it. `tell` gets what goes on.

        Raises:
            RefusedAsk: it cannot be loaded.
        """
        self._users[model] += 1
        try:
            if model not in self._used_s:
                tell(f"loading {model}")
                await self.load(model)
                tell("")
            yield
        finally:
            self._users[model] -= 1
            self._used_s[model] = self._now_s()

    async def load(self, model: str) -> None:
        """Have it in memory; many who ask at once wait for one loading. Raises RefusedAsk."""
        if model not in self._loading:
            loop = asyncio.get_running_loop()
            self._loading[model] = loop.run_in_executor(None, lambda: self._engine.load(model, num_ctx=self._num_ctx))
        try:
            await asyncio.shield(self._loading[model])
            self._used_s[model] = self._now_s()
        except BridgeError as error:
            raise RefusedAsk(refusal_of(error)) from error
        finally:
            if model in self._loading and self._loading[model].done():
                del self._loading[model]

    async def unload(self, model: str) -> bool:
        """Have it out of memory, unless somebody uses it; gives whether it is. Raises RefusedAsk."""
        if self._users[model]:
            return False
        self._used_s.pop(model, None)
        try:
            await asyncio.get_running_loop().run_in_executor(None, lambda: self._engine.unload(model))
        except BridgeError as error:
            raise RefusedAsk(refusal_of(error)) from error
        return True

    async def unload_idle(self) -> list[str]:
        """Let go of what nobody has used for long; gives its names."""
        if not self._idle_s:
            return []
        before_s = self._now_s() - self._idle_s
        idle = [name for name, used_s in self._used_s.items() if used_s <= before_s and not self._users[name]]
        for name in idle:
            try:
                await self.unload(name)
            except RefusedAsk:  # the engine is gone, and its memory with it
                self._used_s.pop(name, None)
        return idle

    async def keep_looking(self) -> None:
        """Let go of idle models, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.unload_idle()

    def forget(self, model: str) -> None:
        """It may have gone out of memory by itself: the next use loads it again."""
        self._used_s.pop(model, None)
