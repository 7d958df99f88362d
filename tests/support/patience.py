"""Waiting for what another thread or process does: bounded, and no longer than needed."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Longer than anything takes, also on a busy machine: only a failure waits so long.
LONG_S = 120.0


def until(what: Callable[[], object], within_s: float = LONG_S) -> None:
    """Wait until this is so; an error when it does not happen."""
    tick = threading.Event()
    for _ in range(int(within_s / 0.05)):
        if what():
            return
        tick.wait(0.05)
    raise AssertionError("it did not happen")
