"""Which models are in memory: told while they load, within a limit, never let go of under somebody's request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest

from bridge.core.errors import OutOfMemory
from bridge.engines.base import Request
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.residency import Residency
from bridge.protocols.refusal import RefusalKind, RefusedAsk
from tests.gateway.serving import gateway


class Slow(ScriptedEngine):
    """Loads when it is let."""

    def __init__(self) -> None:
        super().__init__(models=("small", "other"))
        self.loaded = ()
        self.may_load = threading.Event()
        self.loads = 0

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
        self.loads += 1
        assert self.may_load.wait(60)
        super().load(model, num_ctx=num_ctx)


@pytest.fixture
def slow() -> Iterator[Slow]:
    engine = Slow()
    yield engine
    engine.may_load.set()


def test_loading_is_told_with_its_limit_and_done_once_for_all_who_wait(slow: Slow) -> None:
    told: list[str] = []

    async def use(residency: Residency) -> None:
        async with residency.using("small", tell=told.append):
            pass

    async def all_of_it() -> None:
        residency = Residency(slow, num_ctx=8192, now_s=lambda: 7.0, limit_s=lambda _model: 63.0)
        users = [asyncio.create_task(use(residency)) for _ in range(3)]
        while len(told) < 3:
            await asyncio.sleep(0)
        slow.may_load.set()
        await asyncio.gather(*users)

    asyncio.run(all_of_it())
    assert told[0] == "loading small: 0 of at most 63 s"
    assert told[-1] == ""
    assert slow.loads == 1


def test_a_model_that_takes_too_long_is_told_and_goes_on_loading(slow: Slow) -> None:
    async def all_of_it() -> None:
        residency = Residency(slow, num_ctx=8192, now_s=lambda: 0.0, limit_s=lambda _model: 0.01)
        with pytest.raises(RefusedAsk, match="loading goes on: ask again") as refused:
            await residency.load("small")
        assert refused.value.refusal.kind is RefusalKind.UNAVAILABLE
        assert refused.value.refusal.retry_after_s
        slow.may_load.set()
        while slow.loaded != ("small",):
            await asyncio.sleep(0)
        assert slow.loads == 1

    asyncio.run(all_of_it())


def test_an_idle_model_goes_but_not_one_that_somebody_uses() -> None:
    engine = ScriptedEngine(models=("live", "queue", "idle"))
    clock = [0.0]
    busy = {"queue"}
    used: list[str] = []

    async def all_of_it() -> None:
        residency = Residency(
            engine, idle_s=10, num_ctx=8192, now_s=lambda: clock[0], busy=lambda: busy, on_use=used.append
        )
        for name in ("idle", "queue"):
            await residency.load(name)
        async with residency.using("live"):
            clock[0] = 60
            assert await residency.unload_idle() == ["idle"]
            assert not await residency.unload("queue")
            assert not await residency.unload("live")
        busy.clear()
        clock[0] = 71
        assert set(await residency.unload_idle()) == {"live", "queue"}

    asyncio.run(all_of_it())
    assert engine.loaded == ()
    assert used == ["live"]


def test_a_model_that_another_one_drove_out_is_loaded_again_and_that_is_told() -> None:
    engine = ScriptedEngine(models=("one", "two"))
    engine.loaded = ()
    told: list[str] = []

    async def all_of_it() -> None:
        residency = Residency(engine, num_ctx=8192, now_s=lambda: 0.0)
        await residency.load("one")
        engine.loaded = ()  # as one that holds a single model does
        await residency.load("two")
        async with residency.using("one", tell=told.append):
            assert engine.loaded == ("two", "one")

    asyncio.run(all_of_it())
    assert told[0].startswith("loading one")


def test_a_stream_that_waits_for_its_model_says_so(slow: Slow) -> None:
    body = {"model": "small", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    with (
        gateway(slow, default_model="small") as served,
        httpx.stream("POST", f"{served.url}/v1/chat/completions", json=body, timeout=60) as stream,
    ):
        lines = stream.iter_lines()
        waiting = next(line for line in lines if "loading" in line)
        assert "loading small" in waiting
        assert "of at most" in waiting
        slow.may_load.set()
        assert any("Answer to: hi" in "".join(line) or "Answ" in line for line in lines)


def test_no_memory_is_told_in_each_family() -> None:
    class Full(ScriptedEngine):
        def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
            raise OutOfMemory(f"{model} does not fit into memory: take a smaller --window")

    hi = [{"role": "user", "content": "hi"}]
    asked = {
        "/v1/chat/completions": {"messages": hi},
        "/v1/completions": {"prompt": "hi"},
        "/v1/responses": {"input": "hi"},
        "/v1/messages": {"messages": hi, "max_tokens": 9},
        "/api/chat": {"messages": hi},
        "/api/generate": {"prompt": "hi"},
        "/models/load": {"model_name": "scripted"},
    }
    with gateway(Full()) as served:
        for path, body in asked.items():
            reply = httpx.post(f"{served.url}{path}", json={"model": "scripted", **body}, timeout=60)
            assert (path, reply.status_code) == (path, 503)
            assert "does not fit into memory: take a smaller --window" in reply.text
