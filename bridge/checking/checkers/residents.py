"""Checkers that stay: compilers that answer text after text, because to start one takes longer than to ask it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from bridge.core.closing import Closing
from bridge.sandbox.confinement import Confinement
from bridge.sandbox.resident import Resident, ResidentProgram


class Residents(Closing):
    """The programs that stay, each started when it is first asked; may be shared by threads.

    Args:
        within: what they are confined by.
    """

    def __init__(self, *, within: Confinement) -> None:
        self._within = within
        self._lock = threading.Lock()
        self._running: dict[str, Resident] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def named(self, name: str, make: Callable[[Path], ResidentProgram]) -> Resident:
        """The program of a name; `make` says what it is, given a folder for its own files that it may only read."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="bridge-residents-", ignore_cleanup_errors=True)
            if name not in self._running:
                self._running[name] = Resident(make(Path(self._folder.name).resolve()), within=self._within)
            return self._running[name]

    def close(self) -> None:
        """End them all."""
        with self._lock:
            for each in self._running.values():
                each.close()
            self._running.clear()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None
