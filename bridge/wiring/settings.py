"""Settings: where the queue is and how it is written. Only wiring reads them.

The queue is a path, or `drive:FILE_ID` or `drive:FOLDER_ID/name` on Google Drive. It is found by, in this order: what is given, `BRIDGE_QUEUE`, `queue` in the `bridge.toml` of this folder or the
nearest parent, `notebooks/qwen_bridge.ipynb`. Everything else comes from `bridge.toml`, and has a default.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bridge.core.errors import ConfigError

FILE = "bridge.toml"
DEFAULT_QUEUE = Path("notebooks/qwen_bridge.ipynb")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What `bridge.toml` may say; each field is a key of it."""

    queue: str | None = None  #: path of the queue notebook, relative to the file, or an address on Drive
    drive: str | None = None  #: where `bridge sync` keeps the copy on Drive
    write_mode: str = "auto"  #: auto, replace or inplace
    part_jobs: int = 400  #: jobs in a notebook before the next one is opened
    part_bytes: int = 4_000_000
    lock_patience_s: float = 60.0
    settle_s: float = 5.0  #: how long a half-written notebook is waited for
    max_attempts: int = 3  #: how often a job is tried before it counts as failed
    caller: str | None = None  #: name of who adds jobs, unless given


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
        ConfigError: a `bridge.toml` cannot be read, or has an unknown key or a wrong type.
    """
    file = next((folder / FILE for folder in (cwd, *cwd.parents) if _is_file(folder / FILE)), None)
    settings = read_settings(file) if file else Settings()
    if given:
        return FoundQueue(place=_place(cwd, given), source="--queue", settings=settings)
    if environ.get("BRIDGE_QUEUE"):
        return FoundQueue(place=_place(cwd, environ["BRIDGE_QUEUE"]), source="BRIDGE_QUEUE", settings=settings)
    if file and settings.queue:
        return FoundQueue(place=_place(file.parent, settings.queue), source=str(file), settings=settings)
    return FoundQueue(place=cwd / DEFAULT_QUEUE, source="the default", settings=settings)


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


def read_settings(file: Path) -> Settings:
    """The settings in a `bridge.toml`. Raises ConfigError."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from error
    types = {field.name: str(field.type) for field in fields(Settings)}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in types:
            raise ConfigError(f"{file}: unknown setting {name!r}; known are {', '.join(types)}")
        expected = {"int": int, "float": (int, float)}.get(types[name], str)
        if isinstance(value, bool) or not isinstance(value, expected):  # type: ignore[arg-type]  # a type or a tuple of them
            raise ConfigError(f"{file}: {name} must be of type {types[name].partition(' ')[0]}, not {value!r}")
        read[name] = value
    return Settings(**read)


def _is_file(path: Path) -> bool:
    """Whether there is such a file; False for a folder that we may not look into."""
    try:
        return path.is_file()
    except OSError:
        return False


def _place(base: Path, text: str) -> Path | DriveAddress:
    if text.startswith(("drive:", "https://")):
        return drive_address(text)
    return base / Path(text).expanduser()
