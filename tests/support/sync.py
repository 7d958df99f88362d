"""A drive between machines: whole files, the last writer wins, and everything arrives late. Pure but for the folders."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Drive:
    """What the server has: {name: (version, content)}; None as content: deleted."""

    files: dict[str, tuple[int, bytes | None]] = field(default_factory=dict)
    overwritten: int = 0  #: versions that were lost because both sides had changed


@dataclass
class SyncClient:
    """Of one machine. What changed on one side only is copied; of what changed on both sides, chance says which is lost."""

    drive: Drive
    folder: Path
    chance: random.Random
    known: dict[str, tuple[int, bytes | None]] = field(default_factory=dict)

    def sync(self) -> None:
        local = {
            str(file.relative_to(self.folder)): file.read_bytes()
            for file in self.folder.rglob("*")
            if file.is_file() and not file.name.startswith(".")
        }
        for name in sorted(local.keys() | self.known.keys() | self.drive.files.keys()):
            version, content = self.known.get(name, (0, None))
            newest, theirs = self.drive.files.get(name, (0, None))
            here, there = local.get(name) != content, newest > version
            if here and there and local.get(name) != theirs:
                self.drive.overwritten += 1
                here = self.chance.random() < 0.5
            if here:
                self.drive.files[name] = self.known[name] = (newest + 1, local.get(name))
            elif there:
                self.known[name] = (newest, theirs)
                self._write(name, theirs)

    def _write(self, name: str, content: bytes | None) -> None:
        target = self.folder / name
        if content is None:
            target.unlink(missing_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
