"""How far a run is, as one line for a person."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Progress:
    """Counts of one run. Threads share it; the clock is passed in and counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since_s: float | None = None
        self.total = 0
        self.done = 0
        self.failed = 0
        self.tokens = 0

    def expect(self, jobs: int) -> None:
        """More jobs were put into the lanes. A run begins when nothing was left to do before."""
        with self._lock:
            if self.done >= self.total or self._since_s is None:
                self._since_s = self._clock()
                self.total = self.done = self.failed = self.tokens = 0
            self.total += jobs

    def finish(self, *, failed: bool, tokens: int) -> None:
        """One job has ended."""
        with self._lock:
            self.done += 1
            self.failed += failed
            self.tokens += tokens

    def forget(self) -> None:
        """The run was stopped: the next `expect` begins a new one."""
        with self._lock:
            self._since_s = None

    def line(self, *, streaming_tokens: int = 0, model: str = "", gpu_share: float | None = None) -> str:
        """done/total, tokens a second, time left, model, share on the GPU; what is not known is left out."""
        with self._lock:
            elapsed_s = max(1e-3, self._clock() - (self._since_s if self._since_s is not None else self._clock()))
            parts = [f"{self.done}/{self.total} done"]
            if self.failed:
                parts.append(f"{self.failed} failed")
            tokens = self.tokens + streaming_tokens
            if tokens:
                parts.append(f"{tokens / elapsed_s:.0f} tokens/s")
            if 0 < self.done < self.total:
                parts.append(f"about {spell_duration(elapsed_s / self.done * (self.total - self.done))} left")
        if model:
            parts.append(model)
        if gpu_share is not None:
            slow = "" if gpu_share >= 1 else ", so it is slow"
            parts.append(f"{gpu_share:.0%} on the GPU{slow}")
        return " · ".join(parts)


def spell_duration(seconds: float) -> str:
    """A duration in words: 40 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def bar(done: int, total: int, width: int = 24) -> str:
    """A bar of text: [#####.....]."""
    full = round(width * min(done, total) / total) if total else 0
    return f"[{'#' * full}{'.' * (width - full)}]"
