"""The list of an engine's models: asked for in time, and no request waits for one that is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

from bridge.engines.base import EngineModel
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.line import Line
from bridge.gateway.listing import LISTED_S, Listing
from bridge.gateway.live import Backend, Live
from bridge.gateway.slots import Slots
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk


class Asked:
    """An engine that lists what it is told to, when it is told to, and a clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.names = ["old"]
        self.count = 0
        self.may_answer = asyncio.Event()
        self.is_down = False
        self.listing = Listing(self._list, now_s=lambda: self.now_s)

    async def _list(self) -> tuple[EngineModel, ...]:
        self.count += 1
        await self.may_answer.wait()
        if self.is_down:
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.UNAVAILABLE, message="down"))
        return tuple(EngineModel(name=name) for name in self.names)

    async def known_at_first(self) -> None:
        self.may_answer.set()
        await self.listing.lately()
        self.may_answer.clear()


def run(test: Callable[[Asked], Coroutine[None, None, None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(60):
            await test(Asked())

    asyncio.run(whole())


def names(found: tuple[EngineModel, ...]) -> list[str]:
    return [model.name for model in found]


async def turns() -> None:
    """Let what is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_an_old_list_is_served_at_once_and_renewed_beside() -> None:
    async def test(engine: Asked) -> None:
        await engine.known_at_first()
        engine.now_s, engine.names = LISTED_S + 1, ["new"]
        assert names(await engine.listing.lately()) == ["old"]
        assert names(await engine.listing.lately()) == ["old"]
        engine.may_answer.set()
        await turns()
        assert names(await engine.listing.lately()) == ["new"]
        assert engine.count == 2

    run(test)


def test_whoever_wants_it_fresh_waits_and_many_wait_for_one_answer() -> None:
    async def test(engine: Asked) -> None:
        asking = [asyncio.create_task(engine.listing.fresh()) for _ in range(9)]
        await turns()
        asking[0].cancel()  # one who leaves takes nobody along
        engine.may_answer.set()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [names(one) for one in found if isinstance(one, tuple)] == [["old"]] * 8
        assert engine.count == 1

    run(test)


def test_what_was_listed_before_a_change_is_not_kept() -> None:
    async def test(engine: Asked) -> None:
        asking = asyncio.create_task(engine.listing.fresh())
        await turns()
        engine.listing.forget()
        engine.may_answer.set()
        assert names(await asking) == ["old"]
        assert engine.listing.known is None
        engine.names = ["new"]
        assert names(await engine.listing.lately()) == ["new"]

    run(test)


def test_an_engine_that_is_down_leaves_what_is_known() -> None:
    async def test(engine: Asked) -> None:
        await engine.known_at_first()
        engine.now_s, engine.is_down = LISTED_S + 1, True
        assert names(await engine.listing.lately()) == ["old"]
        engine.may_answer.set()
        await turns()
        assert names(await engine.listing.lately()) == ["old"]

    run(test)


def test_a_model_that_came_since_is_found_when_somebody_asks_for_it() -> None:
    now_s = [0.0]
    there = ["first"]

    class Growing(ScriptedEngine):
        def models(self) -> tuple[EngineModel, ...]:
            return tuple(EngineModel(name=name) for name in there)

    engine = Growing()
    slots = Slots(Line(lanes=1, longest=4, one_model=False), now_s=lambda: now_s[0])
    backend = Backend(engine=engine, slots=slots, default_model=None)
    live = Live(backend, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), now_s=lambda: now_s[0])

    async def whole() -> None:
        assert (await live.chosen("second")).asked == "second"
        there.append("second")
        now_s[0] = LISTED_S + 1
        assert (await live.chosen("second")).name == "second"
        await live.close()

    asyncio.run(whole())
