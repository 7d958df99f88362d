"""The slots of one engine, for requests of one event loop: each waits in line until it has one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bridge.gateway.line import Line, Priority, Ticket


class Slots:
    """A line whose waiters sleep. Only the event loop that it is used in may touch it."""

    def __init__(self, line: Line, *, now_s: Callable[[], float]) -> None:
        self.line = line
        self._now_s = now_s
        self._wakes: dict[Ticket, asyncio.Event] = {}

    @asynccontextmanager
    async def slot(
        self, *, caller: str, model: str, priority: Priority, on_ticket: Callable[[Ticket], None] = lambda _ticket: None
    ) -> AsyncIterator[Ticket]:
        """Hold a slot. `on_ticket` gets the place in line before the wait.

        Raises:
            LineFull: at once.
        """
        ticket = self.line.join(caller=caller, model=model, priority=priority, now_s=self._now_s())
        wake = self._wakes[ticket] = asyncio.Event()
        on_ticket(ticket)
        try:
            self._begin()
            await wake.wait()
            yield ticket
        finally:
            del self._wakes[ticket]
            self.line.leave(ticket, self._now_s())
            self._begin()

    def _begin(self) -> None:
        while (ticket := self.line.begin_next(self._now_s())) is not None:
            self._wakes[ticket].set()
