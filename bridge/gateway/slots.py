"""The slots of one engine, for requests of one event loop: each waits in line until it has one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from bridge.engines.slot_files import SlotFiles
from bridge.gateway.line import Line, Priority, Ticket

#: How often to look whether another process of this machine has given a slot back, in seconds: files wake nobody.
_LOOK_S = 0.01


class _MachineSlot(Protocol):
    def release(self) -> None:
        """Give it back."""


class Slots:
    """A line whose waiters sleep. Only the event loop that it is used in may touch it."""

    def __init__(self, line: Line, *, now_s: Callable[[], float], machine: SlotFiles | None = None) -> None:
        """`machine`: the engine's slots, shared with other processes; None: nobody else asks this engine."""
        self.line = line
        self._now_s = now_s
        self._machine = machine
        self._wakes: dict[Ticket, asyncio.Event] = {}
        self._held: dict[Ticket, _MachineSlot] = {}
        self._look: asyncio.TimerHandle | None = None

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
            if (held := self._held.pop(ticket, None)) is not None:
                held.release()
            self._begin()

    def _begin(self) -> None:
        while self.line.has_room:
            held = None
            if self._machine is not None:
                held = self._machine.take(live=self.line.somebody_waits)
                if held is None:
                    self._look_again()
                    return
            ticket = self.line.begin_next(self._now_s())
            if ticket is None:
                if held is not None:
                    held.release()
                break
            if held is not None:
                self._held[ticket] = held
            self._wakes[ticket].set()
        if self._machine is not None and not self.line.somebody_waits:
            self._machine.nobody_waits()

    def _look_again(self) -> None:
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(_LOOK_S, self._looked)

    def _looked(self) -> None:
        self._look = None
        self._begin()
