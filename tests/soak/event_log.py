"""What a process did, one JSON line an event, on disk before the event counts: it may be killed at any moment."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """One file that only grows."""

    path: Path

    def write(self, event: str, **facts: Any) -> None:
        """Add a line, synced."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "at": round(time.time(), 3), **facts}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines, or those of one event; a line that a kill cut short is no line."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            if event in (None, entry.get("event")):
                found.append(entry)
        return found
