"""Waiting for a slot of this machine, which other processes hold as well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from pathlib import Path
from typing import TypeVarTuple

from bridge.engines.slot_files import SlotFiles
from bridge.gateway.line import Line, Priority
from bridge.gateway.slots import Slots

Ts = TypeVarTuple("Ts")


class EarlyLoop(asyncio.SelectorEventLoop):
    """Its timers ring a moment before they are due, as those of uvloop may."""

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        early = super().call_later(0, callback, *args, context=context)
        return asyncio.TimerHandle(early.when() + delay, callback, args, self, context)


def test_a_request_gets_the_slot_of_another_process_though_a_timer_rings_early(tmp_path: Path) -> None:
    other = SlotFiles(tmp_path, "http://engine", lanes=1)
    machine = SlotFiles(tmp_path, "http://engine", lanes=1)
    slots = Slots(Line(lanes=1, longest=4, one_model=False), now_s=lambda: 0.0, machine=machine)

    async def wait() -> None:
        held = other.take(live=False)
        assert held is not None
        async with asyncio.timeout(60):
            asking = asyncio.create_task(hold())
            for _ in range(20):  # turns of the loop, in which the slots are looked at
                await asyncio.sleep(0)
            held.release()
            await asking

    async def hold() -> None:
        async with slots.slot(caller="a", model="m", priority=Priority.INTERACTIVE):
            pass

    with asyncio.Runner(loop_factory=EarlyLoop) as runner:
        runner.run(wait())
