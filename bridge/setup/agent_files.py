"""An agent's settings written with a copy of what was there, and put back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from bridge.core import files
from bridge.core.errors import ConfigError
from bridge.setup.agents import AGENTS, GatewayAddress

#: What the copy is called: the file's name and this.
BACKUP = ".before-bridge"


@dataclass(frozen=True, kw_only=True)
class AgentChange:
    """What is, or would be, in an agent's settings."""

    file: Path
    text: str
    backup: Path | None  #: None: there was no file


def planned(name: str, at: GatewayAddress, *, home: Path) -> AgentChange:
    """What `write` would write. Raises ConfigError: the file cannot be added to."""
    agent = AGENTS[name]
    file = home / agent.file
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        text = agent.changed(before, at)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
    return AgentChange(file=file, text=text, backup=_backup(file) if file.exists() else None)


def write(name: str, at: GatewayAddress, *, home: Path, records: Path) -> AgentChange:
    """Write the settings, beside a copy of what was there. `records`: a folder for what undoing needs.

    Raises:
        ConfigError: they are written already, or cannot be added to.
    """
    record = records / f"{name}.json"
    if record.exists():
        raise ConfigError(f"{name} is set up already: `bridge route setup {name} --undo` takes that back")
    change = planned(name, at, home=home)
    change.file.parent.mkdir(parents=True, exist_ok=True)
    files.keep_private(records)
    if change.backup is not None:
        _put(change.backup, change.file.read_bytes(), like=change.file)
    told = {"file": str(change.file), "had_file": change.backup is not None, "sha256": _digest(change.text.encode())}
    _put(record, json.dumps(told).encode())
    _put(change.file, change.text.encode())
    return change


def undo(name: str, *, records: Path) -> Path:
    """Put back what was there; gives the file. Raises ConfigError: nothing was written, or the file was changed since."""
    record = records / f"{name}.json"
    if not record.exists():
        raise ConfigError(f"{name} was not set up from here: there is nothing to take back")
    told = json.loads(record.read_text(encoding="utf-8"))
    file = Path(told["file"])
    if file.exists() and _digest(file.read_bytes()) != told["sha256"]:
        kept = f"; what was there before is {_backup(file)}" if told["had_file"] else ""
        raise ConfigError(f"{file} was changed since: take our lines out by hand{kept}, then remove {record}")
    if told["had_file"]:
        _backup(file).replace(file)
    else:
        file.unlink(missing_ok=True)
    record.unlink()
    return file


def _backup(file: Path) -> Path:
    return file.with_name(file.name + BACKUP)


def _put(file: Path, data: bytes, *, like: Path | None = None) -> None:
    mode = None if like is None else like.stat().st_mode & 0o777
    with files.atomic(file, mode=mode) as out:
        out.write(data)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
