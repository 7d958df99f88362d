"""Hints that something may have changed: file events where the system has them. The truth is always a look.

Watches the folder, not the file (an observer on a file dies when the file is replaced), by polling on FUSE and wherever
native events do not come (facts on Drive, section 4). An observer that died is started again.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any


class Hints:
    """Wakes a waiter when files in a folder change. Works without watchdog's native events, only slower."""

    def __init__(self, folder: Path, *, poll: bool, poll_s: float = 1.0) -> None:
        self._folder = folder
        self._poll = poll
        self._poll_s = poll_s
        self._woken = threading.Event()
        self._observer: Any = None

    def start(self) -> None:
        """Begin to watch; without any observer if none can be had (then `wait` just times out)."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver

        woken = self._woken

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in ("opened", "closed_no_write"):
                    woken.set()

        with suppress(OSError):
            observer: Any = PollingObserver(timeout=self._poll_s) if self._poll else Observer()
            observer.schedule(Handler(), str(self._folder), recursive=False)
            observer.daemon = True
            observer.start()
            self._observer = observer

    def wait(self, timeout_s: float) -> bool:
        """Wait for a hint, at most so long; gives whether one came. Restarts an observer that died."""
        if self._observer is not None and not self._observer.is_alive():
            self.start()
        hinted = self._woken.wait(timeout_s)
        self._woken.clear()
        return hinted

    def wake(self) -> None:
        """A hint from elsewhere."""
        self._woken.set()

    def stop(self) -> None:
        """End the observer."""
        if self._observer is not None:
            with suppress(RuntimeError):
                self._observer.stop()
                self._observer.join(5)
            self._observer = None
