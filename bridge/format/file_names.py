"""How the files of a queue are called, and what a name says. A second copy is known by its queue_id, never by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

ARCHIVE = "archive"
FORKS = "forks"
DAMAGED = "damaged"


@dataclass(frozen=True, kw_only=True)
class FileNames:
    """The names of one queue: `stem` is that of part 1 without `.ipynb`."""

    stem: str

    def part(self, number: int) -> str:
        """The file name of a part: part 1 has the queue's own name."""
        return f"{self.stem}.ipynb" if number == 1 else f"{self.stem}.part-{number:04}.ipynb"

    def number(self, name: str) -> int | None:
        """The number of the part that a file name names; None if it names none."""
        if name == f"{self.stem}.ipynb":
            return 1
        match = re.fullmatch(re.escape(self.stem) + r"\.part-(\d{4,})\.ipynb", name)
        return int(match[1]) if match and int(match[1]) > 1 else None

    def archive_prefix(self, day: datetime, writer: str) -> str:
        """How the archive notebooks of one writer and day begin. One writer each, so that no two write the same file."""
        return f"{ARCHIVE}/{self.stem}.{day:%Y-%m-%d}.{writer}."

    def archive(self, day: datetime, writer: str, roll: int) -> str:
        """The name of an archive notebook; `roll` counts from 1."""
        return f"{self.archive_prefix(day, writer)}{roll:03}.ipynb"
