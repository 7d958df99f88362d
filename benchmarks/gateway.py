"""`bridge serve` beside LiteLLM's proxy, both before the same scripted API, with bare uvicorn as the floor.

    python -m benchmarks --only gateway            # two minutes, without the peer
    python -m benchmarks --only gateway --peers    # with LiteLLM's proxy: installs it into a scratch environment

Processor times are those of the server's process, all threads, per stream. Milliseconds to the first token are medians of
requests that go to each server in turns; *added* is what a server takes beyond the API itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from benchmarks.gateway_clients import counted, in_turns, leave, many, users
from benchmarks.gateway_servers import Server, litellm, ours, upstream
from benchmarks.gateway_upstream import MODELS
from benchmarks.measure import Row

_STREAMS, _AT_ONCE = 60, 4
_ROUNDS = 150
_REQUESTS = 10_000
_USERS, _USERS_S = 20, 30.0
_LONG_TEXT = "def reverse(text): return text[::-1]\n" * 30_000


def rows(folder: Path, *, full: bool, peers: bool = False) -> Iterator[Row]:
    with upstream() as api, ExitStack() as running:
        engine = ("--engine", "openai", "--base-url", f"{api.url}/v1", "--model", MODELS[0])
        served = running.enter_context(ours(*engine, "--parallel", "128", "--max-waiting", "1000"))
        peer = running.enter_context(litellm(folder, api.url, MODELS)) if peers else None
        yield from _first_token(api, served, peer)
        yield from _processor(api, served, peer)
        yield from _stalls(api, served)
        yield from _leaving(api, served)
        yield from _memory(served)
    yield from _people()


def _first_token(api: Server, served: Server, peer: Server | None) -> Iterator[Row]:
    servers = [server for server in (api, served, peer) if server]
    times = asyncio.run(in_turns([server.url for server in servers], "c1-g0", rounds=_ROUNDS))
    middle = [1000 * median(found) for found in times]
    yield Row(
        name="added to the first token", ours_ms=middle[1] - middle[0], peer=peer.name if peer else None,
        peer_ms=middle[2] - middle[0] if peer else None, target="at most 3 ms", met=middle[1] - middle[0] <= 3.0,
        note=f"the API itself: {middle[0]:.2f} ms",
    )  # fmt: skip


def _processor(api: Server, served: Server, peer: Server | None) -> Iterator[Row]:
    servers = [server for server in (api, served, peer) if server]
    costs = {server.name: _cost_ms(server) for server in servers}
    # The API worked for all of them; what it takes alone was measured while nobody else asked it.
    floor, mine = costs[api.name], costs[served.name]
    yield Row(
        name="processor time of a stream of 200 chunks", ours_ms=mine, peer=api.name, peer_ms=floor,
        target="at most 2 times the floor", met=mine <= 2 * floor, note=f"{mine / floor:.2f} times",
    )  # fmt: skip
    if peer:
        theirs = costs[peer.name]
        yield Row(
            name="processor time of a stream of 200 chunks", ours_ms=mine, peer=peer.name, peer_ms=theirs,
            target="at most a fifth", met=mine <= theirs / 5,
        )  # fmt: skip


def _cost_ms(server: Server) -> float:
    asyncio.run(many(server.url, "c200-g2", count=4, at_once=_AT_ONCE))
    before = server.cpu_s()
    seen = asyncio.run(many(server.url, "c200-g2", count=_STREAMS, at_once=_AT_ONCE))
    assert all(stream.words == list(range(200)) for stream in seen), f"{server.name} lost chunks"
    return 1000 * (server.cpu_s() - before) / _STREAMS


def _stalls(api: Server, served: Server) -> Iterator[Row]:
    gaps = []
    for server in (served, api):
        seen = asyncio.run(many(server.url, "c50-g20", count=100, at_once=100))
        whole = sum(stream.words == list(range(50)) for stream in seen)
        gaps.append((1000 * max(stream.longest_gap_s for stream in seen), whole))
    (gap, whole), (floor, _) = gaps
    yield Row(
        name="longest gap in 100 streams at once", cells=100, ours_ms=gap, peer="the API itself", peer_ms=floor,
        target="at most 500 ms more, all whole and in order", met=whole == 100 and gap <= floor + 500,
        note=f"{whole} of 100 whole and in order; a chunk is sent each 20 ms",
    )  # fmt: skip


def _leaving(api: Server, served: Server) -> Iterator[Row]:
    before = 0
    for path, how in (("/v1/chat/completions", "passed through"), ("/v1/messages", "translated")):
        took = asyncio.run(leave(served.url, api.url, path, "c2000-g5", times=20, before=before))
        before += 20
        yield Row(
            name=f"a client leaves, {how}: until the API knows", ours_ms=1000 * median(took),
            target="at most 100 ms", met=median(took) <= 0.1, note=f"longest of 20: {1000 * max(took):.0f} ms",
        )  # fmt: skip


def _memory(served: Server) -> Iterator[Row]:
    asyncio.run(many(served.url, "c5-g0", count=2000, at_once=8))  # what is cached, is cached by now
    first, threads = served.rss_bytes(), served.threads()
    asyncio.run(many(served.url, "c5-g0", count=_REQUESTS, at_once=8))
    grown = served.rss_bytes() - first
    yield Row(
        name="memory after 10,000 more requests", cells=_REQUESTS, target="at most 200 bytes a request, no new thread",
        met=grown <= 200 * _REQUESTS and served.threads() <= threads,
        note=f"{first / 1e6:.1f} MB, {grown / 1e3:+,.0f} kB: {grown / _REQUESTS:+.0f} bytes a request; {served.threads()} threads",
    )  # fmt: skip


def _people() -> Iterator[Row]:
    with ours("--engine", "llamacpp", "--gguf", "tiny", "--parallel", "4") as served:
        seen = asyncio.run(users(served.url, "auto", count=_USERS, seconds=_USERS_S))
        tokens, took_s = asyncio.run(counted(served.url, _LONG_TEXT))
    p95 = quantiles([one.total_s for one in seen], n=20)[-1]
    wrong, per_minute = sum(not one.ok for one in seen), len(seen) / _USERS_S * 60
    yield Row(
        name="20 users on the tiny model, 95th percentile", cells=len(seen), ours_ms=1000 * p95,
        target="under 5 s, over 100 a minute, no error", met=p95 < 5 and per_minute > 100 and not wrong,
        note=f"{per_minute:.0f} requests a minute, {wrong} errors",
    )  # fmt: skip
    yield Row(
        name="count the tokens of a text", cells=tokens, ours_ms=1000 * took_s, target="256,000 in 30 s",
        met=tokens >= 256_000 and took_s < 30,
    )  # fmt: skip
