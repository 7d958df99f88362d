"""A switch that ends what is under way, also a thread that waits on a socket."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class Stop:
    """Once set, stays set: requests under way are cut, and new ones do not begin.

    Cutting the connection is also how Ollama learns that nobody wants the answer any more (fact 7.20).
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._cuts: list[Callable[[], object]] = []

    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait this long, or until the switch is set; gives back whether it is."""
        return self._event.wait(timeout_s)

    def set(self) -> None:
        """Ask to stop; calls the `cut` of every `guard` that is open. Safe from any thread, and twice."""
        self._event.set()
        with self._lock:
            cuts = list(self._cuts)
        for cut in cuts:
            cut()

    @contextlib.contextmanager
    def guard(self, cut: Callable[[], object]) -> Iterator[None]:
        """While inside, `set` calls `cut`, which makes what blocks inside return at once; also if it was set before."""
        with self._lock:
            self._cuts.append(cut)
        if self._event.is_set():
            cut()
        try:
            yield
        finally:
            with self._lock:
                self._cuts.remove(cut)
