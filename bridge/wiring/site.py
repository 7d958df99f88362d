"""A queue whose place is known, with its journal and its lock: what a queue in a folder and one on Drive share."""

from __future__ import annotations

import os
import platform
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.core import files
from bridge.core.clock import Clock
from bridge.core.errors import ConfigError, JournalError, StorageFull
from bridge.core.events import Listener
from bridge.format.file_names import FileNames
from bridge.store.archiver import PartLimits
from bridge.store.journal import Journal
from bridge.store.lock import QueueLock
from bridge.store.queue_keys import read_ring, take_keys
from bridge.store.store import Store
from bridge.transports.base import Transport
from bridge.wiring.settings import FoundQueue, Settings


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A queue that is ready for use, and how it was found."""

    store: Store
    shown: str  #: its path, or its address on Drive
    path: Path | None  #: None: it is on Drive
    source: str
    settings: Settings
    home: Path  #: the queue's folder in the local state folder

    def close(self) -> None:
        """Let go of the journal and of connections."""
        self.store.journal.close()
        self.store.transport.close()

    def file(self, purpose: str) -> Path:
        """Its path, for what needs a file of this machine. Raises ConfigError for a queue on Drive."""
        if self.path is None:
            raise ConfigError(f"{purpose} needs a queue in a folder, not {self.shown}: `bridge sync` keeps both one")
        return self.path


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a queue's files are: what differs between a folder and Drive."""

    queue_id: str
    shown: str
    path: Path | None
    stem: str  #: of part 1's name, unless the journal knows another one
    #: Makes the transport, of the queue's folder in the local state and the stem.
    transport: Callable[[Path, str], Transport]
    home: str | None = None  #: name of its folder in the local state; None: the queue_id
    copies: tuple[str, ...] = ()  #: second copies that told what it is, if the notebook itself is gone
    vanished_s: float = 0.0  #: how long a notebook that is gone for the moment is waited for


def system_clock() -> Clock:
    """The real time."""
    return Clock(now=lambda: datetime.now(UTC), sleep=time.sleep)


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's journals are: `BRIDGE_STATE_DIR`, else what the platform has for such things."""
    if given := environ.get("BRIDGE_STATE_DIR"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_state_path

    return user_state_path("qwen-bridge", appauthor=False)


def open_site(
    site: Site,
    found: FoundQueue,
    *,
    state: Path,
    clock: Clock,
    listener: Listener,
    fresh_journal: bool = False,
    judging: bool = True,
) -> Opened:
    """Open a queue whose place is known. Raises JournalError, ConfigError."""
    settings = found.settings
    home = state / "queues" / (site.home or site.queue_id)
    first = state / "queues" / site.queue_id  #: where a copy comes from
    if first != home and not home.exists():
        take_keys(first, home)
    file = journal_file(home)
    try:
        files.keep_private(home)
    except OSError as error:
        if error.errno in files.FULL:
            raise StorageFull(f"no space left for {home}: free some and run the command again") from error
        raise JournalError(
            f"cannot make {home}: {error.strerror}; set BRIDGE_STATE_DIR to a folder that you may write"
        ) from error
    lock = QueueLock(home / "lock", notify=listener, now=time.monotonic, patience_s=settings.lock_patience_s)
    if fresh_journal:
        with lock.held("setting the journal aside"):
            _set_aside(file.parent, home)
    journal = Journal(
        file,
        queue_id=site.queue_id,
        fingerprint=_fingerprint(file),
        new_writer=lambda: "w" + secrets.token_hex(4),
        predecessors=lambda: [*_predecessors(home), *_journals_of(first if first != home else None)],
    )
    names = FileNames(stem=site.stem if site.path else _known_stem(journal) or site.stem)
    store = Store(
        transport=site.transport(home, names.stem),
        journal=journal,
        lock=lock,
        names=names,
        clock=clock,
        notify=listener,
        limits=PartLimits(part_jobs=settings.part_jobs, part_bytes=settings.part_bytes),
        settle_s=settings.settle_s,
        vanished_s=site.vanished_s,
        keys=read_ring(home, os.environ, required=judging and settings.trust.require_signed),
    )
    return Opened(store=store, shown=site.shown, path=site.path, source=found.source, settings=settings, home=home)


def _known_stem(journal: Journal) -> str | None:
    """How this machine calls part 1 already: titles on Drive do not matter."""
    first = next((place for place in journal.places("part") if place.number == 1), None)
    return first.name.removesuffix(".ipynb") if first else None


def journal_file(home: Path) -> Path:
    """The journal's place in a queue's state folder: alone in a folder, so that it moves as a whole with SQLite's files."""
    return home / "journal" / "journal.sqlite3"


def _predecessors(home: Path) -> list[Path]:
    """The journals of a queue that were set aside, newest first."""
    aside = sorted(
        home.glob("journal.*.*"), key=lambda folder: (folder.suffixes[0], int(folder.suffix[1:])), reverse=True
    )
    return [file for folder in aside if (file := folder / journal_file(home).name).exists()]


def _journals_of(home: Path | None) -> list[Path]:
    return [file] if home is not None and (file := journal_file(home)).exists() else []


def _set_aside(folder: Path, home: Path) -> None:
    """Rename a journal's folder, in one step; nothing is deleted."""
    if folder.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        n = 1
        while (aside := home / f"journal.{stamp}.{n}").exists():
            n += 1
        folder.rename(aside)


def _fingerprint(journal: Path) -> str:
    """Names this machine and the journal's place on it: a journal that was copied must not write under its old id."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = platform.node()
    return f"{sys.platform}:{machine}:{platform.node()}:{journal}"
