"""A brake for agents that loop: the same request again and again, from the same caller. Pure.

An unattended agent was seen to send one request 2,081 times in ten minutes (facts/gateway-and-clients.md, section 1.1). It gets an
answer the first times, and is then told, with a growing wait; any other request of the same caller goes through.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import orjson

from bridge.core.retry import Backoff
from bridge.protocols.asked import Json

#: How often the same request is answered within the time below, before it is braked.
MOST_REPEATS = 8
#: In seconds: who asks the same again after that is not looping.
WITHIN_S = 120.0
#: Requests that are remembered.
_MOST_KNOWN = 2_000
_WAIT = Backoff(first_s=5.0, longest_s=120.0)


@dataclass(kw_only=True)
class _Seen:
    count: int
    last_s: float


class Brake:
    """What was asked lately. Moments are seconds of one clock that only goes forward."""

    def __init__(self, *, most: int = MOST_REPEATS, within_s: float = WITHIN_S) -> None:
        """`most`: 0 never brakes."""
        self._most, self._within_s = most, within_s
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    def wait_s(self, caller: str, body: Json, now_s: float) -> float | None:
        """How long a request has to wait, in seconds; None: it does not. Counts it."""
        if not self._most:
            return None
        name = hashlib.blake2b(
            caller.encode() + b"\0" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=16
        )
        seen = self._seen.setdefault(name.digest(), _Seen(count=0, last_s=now_s))
        if now_s - seen.last_s > self._within_s:
            seen.count = 0
        seen.count, seen.last_s = seen.count + 1, now_s
        self._seen.move_to_end(name.digest())
        while len(self._seen) > _MOST_KNOWN:
            self._seen.popitem(last=False)
        return None if seen.count <= self._most else _WAIT.pause_s(seen.count - self._most)
