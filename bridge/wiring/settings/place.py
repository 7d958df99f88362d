"""Where a queue is: a path, or `drive:FILE_ID` or `drive:FOLDER_ID/name` on Google Drive.

It is found by, in this order: what is given, `BRIDGE_QUEUE`, `queue` in the `bridge.toml` of this folder or the nearest
parent, `notebooks/qwen_bridge.ipynb`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.core.errors import ConfigError
from bridge.wiring.settings.loaded import OriginKind
from bridge.wiring.settings.reader import find_file, load
from bridge.wiring.settings.values import Settings

DEFAULT_QUEUE = Path("notebooks/qwen_bridge.ipynb")


@dataclass(frozen=True, kw_only=True)
class DriveAddress:
    """A file or folder on Drive, by id; with a name, that file in the folder."""

    id: str
    name: str | None = None

    def __str__(self) -> str:
        """As `--queue` takes it."""
        return f"drive:{self.id}" + (f"/{self.name}" if self.name else "")


@dataclass(frozen=True, kw_only=True)
class FoundQueue:
    """Where a queue is, where that came from, and the settings that go with it."""

    place: Path | DriveAddress
    source: str
    settings: Settings


def find_queue(given: str | None, *, cwd: Path, environ: Mapping[str, str]) -> FoundQueue:
    """Decide which queue is meant; does not look whether it is there.

    Raises:
        ConfigError: `bridge.toml` cannot be read, or it or the environment says something wrong; names every mistake.
    """
    loaded = load(find_file(cwd), environ, cwd=cwd).given("queue", given or None, "--queue")
    settings = loaded.valid()
    if settings.queue is None:
        return FoundQueue(place=cwd / DEFAULT_QUEUE, source="the default", settings=settings)
    origin = loaded.origins["queue"]
    if origin.kind is OriginKind.FILE and loaded.file is not None:
        return FoundQueue(place=_place(loaded.file.parent, settings.queue), source=str(loaded.file), settings=settings)
    return FoundQueue(place=_place(cwd, settings.queue), source=origin.where, settings=settings)


def drive_address(text: str) -> DriveAddress:
    """`drive:FILE_ID`, `drive:FOLDER_ID/name`, or the link that Drive or Colab shows. Raises ConfigError."""
    link = re.match(
        r"https://(?:drive|colab\.research|docs)\.google\.com/(?:\S*?/)?(?:d|drive|folders)/([\w-]{10,})", text
    )
    if link:
        return DriveAddress(id=link[1])
    match = re.fullmatch(r"drive:([\w-]+)(?:/([^/]+))?", text)
    if match is None:
        raise ConfigError(f"{text!r} names nothing on Drive: give drive:FILE_ID, drive:FOLDER_ID/name, or the link")
    return DriveAddress(id=match[1], name=match[2])


def _place(base: Path, text: str) -> Path | DriveAddress:
    if text.startswith(("drive:", "https://")):
        return drive_address(text)
    return base / Path(text).expanduser()
