"""Hints that something may have changed: file events where the system has them. The truth is always a look.

Watches the folder, not the file (an observer on a file dies when the file is replaced), by polling wherever native events do
not come for what other machines write (facts on Drive, section 4; `sync_clients` says where). An observer that died, or whose
folder went away and came back, is started again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

#: Between two looks whether the observer still watches the folder that is there.
_SUPERVISE_S = 1.0


class FileEvents:
    """Wakes a waiter when files in a folder change. Works without watchdog's native events, only slower."""

    def __init__(
        self, folder: Path | None, *, poll: bool, poll_s: float = 1.0, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder  # None: what changes tells nobody, as on Drive; only `wake` wakes
        self._poll = poll
        self._poll_s = poll_s
        self._now_s = now_s
        self._woken = threading.Event()
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None
        self._supervise_at = 0.0

    def start(self) -> None:
        """Begin to watch; without any observer if none can be had now (`wait` then tries again, and times out meanwhile)."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver

        woken = self._woken

        class WakeOnChange(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in ("opened", "closed_no_write"):
                    woken.set()

        self.stop()
        self._supervise_at = self._now_s() + _SUPERVISE_S
        self._watched = self._identity()
        if self._watched is None:
            return
        with suppress(OSError):
            observer = PollingObserver(timeout=self._poll_s) if self._poll else Observer()
            observer.schedule(WakeOnChange(), str(self._folder), recursive=False)
            observer.daemon = True
            observer.start()
            self._observer = observer

    def wait(self, timeout_s: float) -> bool:
        """Wait for a hint, at most so long; gives whether one came."""
        if self._now_s() >= self._supervise_at:
            self._supervise()
        hinted = self._woken.wait(timeout_s)
        self._woken.clear()
        return hinted

    def wake(self) -> None:
        """A hint from elsewhere."""
        self._woken.set()

    def stop(self) -> None:
        """End the observer."""
        observer, self._observer = self._observer, None
        if observer is not None:
            with suppress(RuntimeError):
                observer.stop()
                observer.join(5)

    def _supervise(self) -> None:
        self._supervise_at = self._now_s() + _SUPERVISE_S
        alive = self._observer is not None and self._observer.is_alive()
        now = self._identity()
        if now is not None and (not alive or now != self._watched):
            self.start()
            self._woken.set()  # what happened in between left no hint

    def _identity(self) -> tuple[int, int] | None:
        if self._folder is not None:
            with suppress(OSError):
                found = self._folder.stat()
                return found.st_dev, found.st_ino
        return None
