"""What a process did, one JSON line a deed, on disk before the deed counts: it may be killed at any moment."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Diary:
    """One file that only grows."""

    path: Path

    def write(self, deed: str, **facts: Any) -> None:
        """Add a line, synced."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"deed": deed, "at": round(time.time(), 3), **facts}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, deed: str | None = None) -> list[dict[str, Any]]:
        """The lines, or those of one deed; a line that a kill cut short is no line."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                told: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            if deed in (None, told.get("deed")):
                found.append(told)
        return found
