"""The way from a thread to the event loop: many pieces, few wakes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Filled by threads, emptied by one coroutine. Bounded by what an answer may hold, not by itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: deque[T] = deque()
        self._full = asyncio.Event()
        self._is_told = False

    def put(self, item: T) -> None:
        """From any thread. The loop is woken once for all that comes before it looks."""
        self._items.append(item)
        if not self._is_told:
            self._is_told = True
            self._loop.call_soon_threadsafe(self._full.set)

    async def take(self) -> list[T]:
        """All that is there, at least one."""
        await self._full.wait()
        self._full.clear()
        self._is_told = False  # before the look: what comes now wakes again
        found = []
        while self._items:
            found.append(self._items.popleft())
        return found or await self.take()
