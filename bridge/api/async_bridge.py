"""The Python door for programs with an event loop: what waits, waits in a thread, and ends when its task is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from bridge.api.bridge import Bridge
from bridge.api.handle import answered
from bridge.api.views import JobView
from bridge.core.options import OptionValues

if TYPE_CHECKING:
    from bridge.delivery.apply import PlannedChange

T = TypeVar("T")

#: Waits at once; more take turns. Waiting for many jobs in one call takes one thread.
_THREADS = 64


class AsyncBridge:
    """A queue for coroutines. `bridge` is the queue itself: all else that it does, `asyncio.to_thread` calls."""

    def __init__(self, queue: str | None = None, *, caller: str | None = None) -> None:
        """Open the queue, as `Bridge` does: it takes milliseconds, and blocks for them. Raises what `Bridge` raises."""
        self.bridge = Bridge(queue, caller=caller)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="bridge")

    async def close(self) -> None:
        """Let go of the journal, when every wait has ended."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self.bridge.close)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def add(
        self,
        prompt: str,
        *,
        system: str | None = None,
        context: Sequence[tuple[str, str]] = (),
        key: str | None = None,
        allow_secrets: bool = False,
        **options: Unpack[OptionValues],
    ) -> str:
        """Add a job; gives its id. Arguments and errors as of `Bridge.add`."""

        def add() -> str:
            return str(
                self.bridge.add(prompt, system=system, context=context, key=key, allow_secrets=allow_secrets, **options)
            )

        return await asyncio.to_thread(add)

    async def get(self, job: str) -> JobView:
        """One job by id or unambiguous prefix. Raises UnknownJob, AmbiguousJob."""
        return await asyncio.to_thread(self.bridge.get, job)

    async def wait(
        self, ids: Sequence[str], *, timeout_s: float | None = None, check: bool = True, max_rounds: int = 2
    ) -> list[JobView]:
        """Wait until all these jobs are finished and checked; arguments and errors as of `Bridge.wait`.

        Cancelled, it ends within a moment, and the jobs stay in the queue.
        """
        return await self._in_thread(
            lambda over: self.bridge.wait(ids, timeout_s=timeout_s, check=check, max_rounds=max_rounds, give_up=over)
        )

    async def result(self, job: str, *, timeout_s: float | None = None, max_rounds: int = 2) -> JobView:
        """One job with its answer. Raises WaitTimedOut; JobFailed, if it ended without one."""
        return answered((await self.wait([job], timeout_s=timeout_s, max_rounds=max_rounds))[0])

    async def as_completed(
        self, ids: Sequence[str], *, timeout_s: float | None = None, check: bool = True, max_rounds: int = 2
    ) -> AsyncIterator[JobView]:
        """The jobs one by one, as they become ready; arguments and errors as of `Bridge.as_completed`."""
        over = threading.Event()
        views = self.bridge.as_completed(
            ids, timeout_s=timeout_s, check=check, max_rounds=max_rounds, give_up=over.is_set
        )
        loop = asyncio.get_running_loop()
        try:
            while (view := await loop.run_in_executor(self._threads, next, views, None)) is not None:
                yield view
        finally:
            over.set()

    async def apply_result(self, job: str, root: Path | str, *, force: bool = False) -> list[PlannedChange]:
        """Write a result's files below `root`; errors as of `Bridge.apply_result`."""
        return await asyncio.to_thread(self.bridge.apply_result, job, Path(root), force=force)

    async def _in_thread(self, wait: Callable[[Callable[[], bool]], T]) -> T:
        """Wait in a thread; it is told when nobody waits for it any more."""
        over = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, wait, over.is_set)
        finally:
            over.set()
