"""The clients of the gateway's benchmark: what they see of a stream, and when."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from dataclasses import dataclass, field

import aiohttp

_WORD = re.compile(rb"word-(\d+) ")
_number = itertools.count()


@dataclass(kw_only=True)
class Seen:
    """One stream."""

    first_s: float = 0.0  #: to the first piece of text
    total_s: float = 0.0
    longest_gap_s: float = 0.0  #: between two pieces
    words: list[int] = field(default_factory=list)
    ok: bool = False


def ask_body(model: str, *, stream: bool = True, words: str = "hi") -> dict[str, object]:
    """A request like no other: the same one again and again is braked."""
    content = f"{words} {next(_number)}"
    return {"model": model, "stream": stream, "max_tokens": 64, "messages": [{"role": "user", "content": content}]}


async def streamed(client: aiohttp.ClientSession, url: str, model: str) -> Seen:
    """One chat, watched."""
    seen = Seen()
    began = last = time.perf_counter()
    held = b""
    async with client.post(f"{url}/v1/chat/completions", json=ask_body(model)) as response:
        async for piece in response.content.iter_any():
            now = time.perf_counter()
            found = _WORD.findall(held + piece)
            held = (held + piece)[-20:] if not found else piece[-20:] if not piece.endswith(b"\n\n") else b""
            if found:
                if seen.words:
                    seen.longest_gap_s = max(seen.longest_gap_s, now - last)
                else:
                    seen.first_s = now - began
                last = now
                seen.words += map(int, found)
        seen.ok = response.status == 200
    seen.total_s = time.perf_counter() - began
    return seen


async def many(url: str, model: str, *, count: int, at_once: int) -> list[Seen]:
    """So many streams, so many at once."""
    turns = asyncio.Semaphore(at_once)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def one() -> Seen:
            async with turns:
                return await streamed(client, url, model)

        return list(await asyncio.gather(*(one() for _ in range(count))))


async def in_turns(urls: list[str], model: str, *, rounds: int) -> list[list[float]]:
    """Seconds to the first piece, of each address, asked one after the other in turns."""
    async with aiohttp.ClientSession() as client:
        found: list[list[float]] = [[] for _ in urls]
        for turn in range(rounds + 5):
            for url, times in zip(urls, found, strict=True):
                seen = await streamed(client, url, model)
                if turn >= 5:  # the first are the warm-up
                    times.append(seen.first_s)
        return found


async def users(url: str, model: str, *, count: int, seconds: float) -> list[Seen]:
    """People who ask again as soon as they have an answer."""
    until = time.perf_counter() + seconds
    async with aiohttp.ClientSession() as client:

        async def user() -> list[Seen]:
            found = []
            while time.perf_counter() < until:
                began = time.perf_counter()
                words = "Write a Python function that reverses a string, number"
                async with client.post(
                    f"{url}/v1/chat/completions", json=ask_body(model, stream=False, words=words)
                ) as response:
                    body = await response.json()
                found.append(Seen(total_s=time.perf_counter() - began, ok=bool(body.get("choices"))))
            return found

        return list(itertools.chain(*await asyncio.gather(*(user() for _ in range(count)))))


async def counted(url: str, text: str) -> tuple[int, float]:
    """(tokens of a text, seconds until they were told), exact."""
    async with aiohttp.ClientSession() as client:
        began = time.perf_counter()
        async with client.post(f"{url}/tokenize", json={"content": text}) as response:
            told = await response.json()
        assert told["counted"] == "exact"
        return int(told["count"]), time.perf_counter() - began


async def leave(url: str, api: str, path: str, model: str, *, times: int, before: int) -> list[float]:
    """Seconds from a client's leaving in the middle until the API knows; `before`: how many left already."""
    found = []
    async with aiohttp.ClientSession() as client:
        for turn in range(times):
            response = await client.post(f"{url}{path}", json=ask_body(model))
            await response.content.readany()
            left = time.monotonic()
            response.close()
            while True:
                async with client.get(f"{api}/left") as said:
                    moments = (await said.json())["left"]
                if len(moments) > before + turn:
                    break
                await asyncio.sleep(0.005)
            found.append(moments[before + turn] - left)
    return found
