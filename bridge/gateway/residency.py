"""Which models are in memory: loaded when they are needed, let go of when nobody has used them for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from bridge.core.errors import BridgeError
from bridge.engines.base import Engine
from bridge.kernel.fit import LOAD_S
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk, refusal_of

#: How long a model stays that nobody uses, in seconds; a setting.
IDLE_S = 600.0
#: How often that is looked at, in seconds.
LOOK_S = 5.0
#: How often somebody who waits is told how long loading has taken, in seconds.
TELL_S = 1.0
#: When to ask again for a model that took too long to load, in seconds.
TRY_AGAIN_S = 15.0


class Residency:
    """The models of one engine. Only the event loop that it is used in may touch it."""

    def __init__(
        self,
        engine: Engine,
        *,
        idle_s: float = IDLE_S,
        num_ctx: int,
        now_s: Callable[[], float],
        limit_s: Callable[[str], float] = lambda _model: LOAD_S[1],
        busy: Callable[[], Collection[str]] = tuple,
        on_use: Callable[[str], None] = lambda _model: None,
    ) -> None:
        """`idle_s`: 0 keeps everything for ever. `limit_s`: how long loading a model may take.

        `busy`: models that others answer with, who do not come by here. `on_use` is told each model that was used.
        """
        self._engine, self._idle_s, self._num_ctx, self._now_s = engine, idle_s, num_ctx, now_s
        self._limit_s, self._busy, self._on_use = limit_s, busy, on_use
        self._users: Counter[str] = Counter()
        self._used_s: dict[str, float] = {}
        self._loading: dict[str, asyncio.Future[Collection[str]]] = {}

    @asynccontextmanager
    async def using(self, model: str, *, tell: Callable[[str], None] = lambda _detail: None) -> AsyncIterator[None]:
        """The model is in memory, and stays in it. `tell` gets what goes on.

        Raises:
            RefusedAsk: it cannot be loaded.
        """
        self._users[model] += 1
        try:
            if model not in self._used_s:
                await self._load_telling(model, tell)
            yield
        finally:
            self._users[model] -= 1
            if model in self._used_s:
                self._used_s[model] = self._now_s()
                self._on_use(model)

    async def _load_telling(self, model: str, tell: Callable[[str], None]) -> None:
        """Have it in memory, and say how long that takes. Raises RefusedAsk."""
        began_s = self._now_s()
        loading = asyncio.ensure_future(self.load(model))
        try:
            while not loading.done():
                seconds = self._now_s() - began_s
                tell(f"loading {model}: {seconds:.0f} of at most {self._limit_s(model):.0f} s")
                await asyncio.wait({loading}, timeout=TELL_S)
            await loading
        finally:
            loading.cancel()
            tell("")

    async def load(self, model: str) -> None:
        """Have it in memory; many who ask at once wait for one loading. Raises RefusedAsk."""
        if model not in self._loading:
            self._loading[model] = asyncio.get_running_loop().run_in_executor(None, self._load, model)
        limit_s = self._limit_s(model)
        try:
            others = await asyncio.wait_for(asyncio.shield(self._loading[model]), limit_s)
            self._used_s = {name: used_s for name, used_s in self._used_s.items() if name in others or name == model}
            self._used_s[model] = self._now_s()
        except TimeoutError:
            message = f"{model} is not in memory after {limit_s:.0f} s; loading goes on: ask again"
            slow = ApiRefusal(kind=RefusalKind.UNAVAILABLE, message=message, retry_after_s=TRY_AGAIN_S)
            raise RefusedAsk(slow) from None
        except BridgeError as error:
            raise RefusedAsk(refusal_of(error)) from error
        finally:
            if model in self._loading and self._loading[model].done():
                del self._loading[model]

    def _load(self, model: str) -> Collection[str]:
        """In a thread; gives what else is in memory then: another one may have had to go."""
        self._engine.load(model, num_ctx=self._num_ctx)
        health = self._engine.health()
        return health.loaded if health.ok else tuple(self._used_s)

    async def unload(self, model: str) -> bool:
        """Have it out of memory, unless somebody uses it; gives whether it is. Raises RefusedAsk."""
        if self._users[model] or model in self._busy():
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
        for name in self._busy():
            self._used_s[name] = self._now_s()
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
