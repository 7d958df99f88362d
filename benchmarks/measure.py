"""Timing: the median of several runs, or the least processor time; a garbage collection before each run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing measured."""

    name: str
    cells: int | None = None  #: in the notebook or queue that it was measured on
    ours_ms: float | None = None
    peer: str | None = None  #: what it is compared with
    peer_ms: float | None = None
    target: str | None = None
    met: bool | None = None
    note: str | None = None  #: why it was skipped, or what else to know

    @property
    def ratio(self) -> float | None:
        """How many times as long the peer takes."""
        return self.peer_ms / self.ours_ms if self.ours_ms and self.peer_ms else None

    def to_json(self) -> dict[str, object]:
        """The row with its ratio."""
        return {**asdict(self), "ratio": self.ratio}


def median_ms(action: Callable[[], object], *, runs: int, warmups: int = 1) -> float:
    """The median wall time of an action, in milliseconds."""
    for _ in range(warmups):
        action()
    times = []
    for _ in range(runs):
        gc.collect()
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return 1000 * median(times)


def alternating_ms(one: Callable[[], object], other: Callable[[], object], *, runs: int) -> tuple[float, float]:
    """The medians of two actions, run in turns, so that a busy moment of the machine meets both."""
    times: tuple[list[float], list[float]] = ([], [])
    for n in range(runs + 1):
        for action, took in zip((one, other), times, strict=True):
            gc.collect()
            began = time.perf_counter()
            action()
            if n:  # the first is the warm-up
                took.append(time.perf_counter() - began)
    return 1000 * median(times[0]), 1000 * median(times[1])


def processor_ms(*actions: Callable[[], object], runs: int) -> list[float]:
    """The least processor time of each action, run in turns: for what waits for nothing, on a machine that others use."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(runs):
        for action, took in zip(actions, times, strict=True):
            gc.collect()
            began = time.process_time()
            action()
            took.append(time.process_time() - began)
    return [1000 * min(took) for took in times]
