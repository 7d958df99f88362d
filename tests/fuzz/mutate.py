"""Bytes from bytes: an input is changed as JSON where it is some, as text or as bytes otherwise, or crossed with another one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from tests.security.mutations import DEEP, hostile, spoil

#: What means something to one of the readers.
WORDS = (
    b"```", b"~~~", b"````", b"```diff\n", b"%%qwen ", b"--lang ", b"--out ", b"--stop ", b"--floor ", b"--chat", b"--request", b"'", b'"', b"\\",
    b"<!-- bridge-result ", b"<!-- bridge-display ", b" -->", b"&#60;", b"&#x26;", b"\n", b"\r\n", b"\r", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xa8",
    b"data: ", b"data: [DONE]\n\n", b"data: {}\n\n", b"{", b"}", b"[", b"]", b",", b":", b"null", b"-1", b"1e999", b"NaN", b"9" * 400, b"\\ud800",
    b"<<<<<<< SEARCH\n", b"=======\n", b">>>>>>> REPLACE\n", b"--- a/x\n+++ b/x\n", b"@@ -1,9 +1,9 @@\n", b"+", b"-", b"diff --git a/x b/x\n", b"<tool_call>", b"</tool_call>",
    b"    ", b"\t", b"# ", b"**", b"`", b"$", b"sk-ant-", b"AKIA", b"-----BEGIN", b"HTTP/1.1 200 OK\r\n", b"Content-Type: text/html\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n", b"Retry-After: 1e400\r\n", b"Content-Length: 99\r\n",
)  # fmt: skip
_MOST_BYTES = 1 << 18
_DEEP_JSON = b"[" * 5000 + b"]" * 5000


def mutant(seeds: list[bytes], rng: random.Random) -> bytes:
    """One input, some steps away from a seed."""
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        data = _step(data, seeds, rng)[:_MOST_BYTES]
    return data


def _step(data: bytes, seeds: list[bytes], rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.5 and (changed := _as_json(data, rng)) is not None:
        return changed
    if kind < 0.65:
        at = rng.randrange(len(data) + 1)
        return data[:at] + rng.choice(WORDS) * rng.choice((1, 1, 1, 2, 50, 2000)) + data[at:]
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    if kind < 0.75:
        return data[:first] + data[last:]
    if kind < 0.83:
        times = min(rng.choice((1, 1, 3, 100)), _MOST_BYTES // max(1, last - first))
        return data[:last] + data[first:last] * times + data[last:]
    if kind < 0.92:
        other = rng.choice(seeds)
        start, end = sorted(rng.randrange(len(other) + 1) for _ in range(2))
        return data[:first] + other[start:end] + data[last:]
    spots = bytearray(data)
    for _ in range(rng.choice((1, 4))):
        if spots:
            spots[rng.randrange(len(spots))] = rng.randrange(256)
    return bytes(spots)


def _as_json(data: bytes, rng: random.Random) -> bytes | None:
    """The same with one JSON value in it changed: of the whole, or of an object that stands in a line. None: there is none."""
    spots = [(0, len(data))] if data[:1] in (b"{", b"[") else list(_objects(data))
    for start, end in rng.sample(spots, min(3, len(spots))):
        try:
            value: Any = json.loads(data[start:end])
        except (ValueError, RecursionError):
            continue
        if not isinstance(value, dict | list):
            continue
        if value and rng.random() < 0.9:
            spoil(value, rng)
        else:
            value = hostile(rng)
        text = json.dumps(value).encode("utf-8", "surrogatepass")
        return data[:start] + text.replace(f'"{DEEP}"'.encode(), _DEEP_JSON) + data[end:]
    return None


def _objects(data: bytes) -> Iterator[tuple[int, int]]:
    """Where in each line something stands between a first opening and a last closing bracket."""
    at = 0
    for line in data.split(b"\n"):
        begin = min((found for bracket in b"{[" if (found := line.find(bracket)) >= 0), default=-1)
        end = max(line.rfind(b"}"), line.rfind(b"]"))
        if 0 <= begin < end:
            yield at + begin, at + end + 1
        at += len(line) + 1
