"""Why the gateway is fast: causes that can be counted. `python -m benchmarks --only gateway` measures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from bridge.engines.openai import OpenAIEngine
from bridge.engines.relay import HttpRelay, RelayFamily
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.mailbox import Mailbox
from bridge.protocols.relayed import EventTooLong, RelayedStream
from tests.gateway.serving import Gateway, gateway
from tests.gateway.upstream import CHAT, Says, Upstream, chunk, upstream
from tests.support.patience import until

_AT_ONCE = 24


@pytest.fixture
def api() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture
def served(api: Upstream) -> Iterator[Gateway]:
    base = f"{api.url}/v1"
    relay = HttpRelay(base, family=RelayFamily.OPENAI)
    with gateway(OpenAIEngine(base), default_model="m", relay=relay, lanes=_AT_ONCE) as made:
        yield made


def body(number: int) -> dict[str, object]:
    return {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"hi {number}"}]}


def test_streams_that_pass_through_need_no_thread_of_their_own(api: Upstream, served: Gateway) -> None:
    gate = threading.Event()
    httpx.post(f"{served.url}/v1/chat/completions", json=body(-1), timeout=30)  # the engine's models are listed
    before = threading.active_count()
    api.default = Says(gate=gate)

    async def many() -> int:
        async with httpx.AsyncClient(timeout=60) as client:
            asking = [
                asyncio.create_task(client.post(f"{served.url}/v1/chat/completions", json=body(number)))
                for number in range(_AT_ONCE)
            ]
            while api.at_once < _AT_ONCE:
                await asyncio.sleep(0)
            count = threading.active_count()
            gate.set()
            assert {reply.content for reply in await asyncio.gather(*asking)} == {b"".join(CHAT)}
            return count

    assert asyncio.run(many()) <= before


def test_a_short_request_is_not_counted_by_a_thread(api: Upstream) -> None:
    engine = ScriptedEngine(models=("m",))
    engine.count_tokens = _never  # type: ignore[method-assign]
    with gateway(engine, default_model="m", num_ctx=32_768) as served:
        assert httpx.post(f"{served.url}/v1/chat/completions", json=body(0), timeout=30).status_code == 200


def _never(_request: object) -> int:
    raise AssertionError("counted")


def test_a_piece_of_whole_events_is_passed_on_without_a_copy() -> None:
    stream = RelayedStream()
    piece = chunk("one") + chunk("two")
    assert stream.feed(piece) is piece


@pytest.mark.parametrize("size", [1, 2, 7, 50])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_however_a_stream_is_cut_its_events_are_whole(size: int, end: str) -> None:
    whole = b"".join(CHAT).replace(b"\n", end.encode())
    stream = RelayedStream()
    out = [stream.feed(whole[at : at + size]) for at in range(0, len(whole), size)]
    assert all(not piece or piece.endswith((end * 2).encode()) for piece in out)
    assert b"".join(out) == whole
    assert stream.is_whole


def test_an_event_without_an_end_is_not_held_for_ever() -> None:
    stream = RelayedStream(longest_bytes=100)
    assert stream.feed(b"data: " + b"x" * 90) == b""
    with pytest.raises(EventTooLong):
        stream.feed(b"xxxxx")


class _Loop(asyncio.SelectorEventLoop):
    wakes = 0

    def call_soon_threadsafe(self, callback: Callable[..., object], *arguments: object, **rest: object):  # type: ignore[no-untyped-def, override]
        self.wakes += 1
        return super().call_soon_threadsafe(callback, *arguments, **rest)  # type: ignore[arg-type]


def test_a_thousand_pieces_that_nobody_has_looked_at_wake_the_loop_once() -> None:
    loop = _Loop()

    async def both() -> int:
        box: Mailbox[int] = Mailbox(loop)
        for number in range(1000):
            box.put(number)
        return len(await box.take())

    try:
        assert loop.run_until_complete(both()) == 1000
        assert loop.wakes == 1
    finally:
        loop.close()


def test_requests_leave_no_place_in_the_line_behind(api: Upstream, served: Gateway) -> None:
    api.default = Says(pieces=CHAT)
    with httpx.Client(timeout=30) as client:
        for number in range(20):
            client.post(f"{served.url}/v1/chat/completions", json=body(number))
    until(lambda: not (served.line.running or served.line.waiting))
