"""A queue that is ready for use: found, locked, with its journal."""

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

from bridge import config
from bridge.errors import ConfigError, NotAQueue, QueueNotFound, QueueUnreadable
from bridge.events import Listener, ignore
from bridge.notebook import codec, wire
from bridge.notebook.absorb import Limits
from bridge.notebook.clock import Clock
from bridge.notebook.journal import Journal
from bridge.notebook.lock import QueueLock
from bridge.notebook.names import Names
from bridge.notebook.registry import Registry
from bridge.notebook.store import Store
from bridge.transports.base import Transport
from bridge.transports.folder import Folder, WriteMode


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A queue that is ready for use, and how it was found."""

    store: Store
    shown: str  #: its path, or its address on Drive
    path: Path | None  #: None: it is on Drive
    source: str
    settings: config.Settings
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


def system_clock() -> Clock:
    """The real time."""
    return Clock(now=lambda: datetime.now(UTC), sleep=time.sleep)


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's journals are: `BRIDGE_STATE_DIR`, else what the platform has for such things."""
    if given := environ.get("BRIDGE_STATE_DIR"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_state_path

    return user_state_path("qwen-bridge", appauthor=False)


def locate(queue: str | None = None) -> config.Found:
    """Which queue is meant, by argument, environment, `bridge.toml` or default."""
    return config.find_queue(queue, cwd=Path.cwd(), environ=os.environ)


def open_queue(
    queue: str | None = None,
    *,
    listener: Listener = ignore,
    clock: Clock | None = None,
    missing_ok: bool = False,
    fresh_journal: bool = False,
    state: Path | None = None,
) -> Opened:
    """Open the queue that is meant.

    Args:
        queue: path of its notebook; None: found as `config.find_queue` says.
        listener: is told what happens.
        clock: real time by default.
        missing_ok: open a queue whose notebook is gone, if this machine has its journal (for `rebuild`).
        fresh_journal: move the journal aside and begin a new one (for `rebuild`).
        state: the local state folder, if not the user's own.

    Raises:
        QueueNotFound: no notebook there; says how to make one.
        NotAQueue, QueueUnreadable: a file is there, but it is none that can be used.
        ConfigError, JournalError: as they say.
    """
    found = locate(queue)
    state = state or state_folder()
    registry = Registry(state / "queues.json")
    clock = clock or system_clock()
    if isinstance(found.place, config.DriveAddress):
        from bridge.wiring.drive import site_on_drive

        site = site_on_drive(found.place, registry, clock)
    else:
        site = _site_in_folder(found.place.absolute(), found, registry, missing_ok=missing_ok)
    return open_site(site, found, state=state, clock=clock, listener=listener, fresh_journal=fresh_journal)


def open_site(
    site: Site, found: config.Found, *, state: Path, clock: Clock, listener: Listener, fresh_journal: bool = False
) -> Opened:
    """Open a queue whose place is known. Raises JournalError."""
    settings = found.settings
    home = state / "queues" / site.queue_id
    file = journal_file(home)
    lock = QueueLock(home / "lock", notify=listener, now=time.monotonic, patience_s=settings.lock_patience_s)
    if fresh_journal:
        with lock.held("setting the journal aside"):
            _set_aside(file.parent, home)
    journal = Journal(
        file, queue_id=site.queue_id, fingerprint=_fingerprint(file), new_writer=lambda: "w" + secrets.token_hex(4)
    )
    names = Names(stem=site.stem if site.path else _known_stem(journal) or site.stem)
    store = Store(
        transport=site.transport(home, names.stem),
        journal=journal,
        lock=lock,
        names=names,
        clock=clock,
        notify=listener,
        limits=Limits(part_jobs=settings.part_jobs, part_bytes=settings.part_bytes),
        settle_s=settings.settle_s,
    )
    return Opened(store=store, shown=site.shown, path=site.path, source=found.source, settings=settings, home=home)


def _site_in_folder(path: Path, found: config.Found, registry: Registry, *, missing_ok: bool) -> Site:
    queue_id = _identify(path, registry, found.source, missing_ok=missing_ok)
    written = found.settings.write_mode
    try:
        mode = WriteMode(written)
    except ValueError:
        raise ConfigError(f"write_mode is {written!r}; known are auto, replace and inplace") from None
    return Site(
        queue_id=queue_id,
        shown=str(path),
        path=path,
        stem=path.name.removesuffix(".ipynb"),
        transport=lambda home, _stem: Folder(path=path.parent, salvage=home / "inplace", mode=mode),
    )


def _known_stem(journal: Journal) -> str | None:
    """How this machine calls part 1 already: titles on Drive do not matter."""
    first = next((place for place in journal.places("part") if place.number == 1), None)
    return first.name.removesuffix(".ipynb") if first else None


def journal_file(home: Path) -> Path:
    """The journal's place in a queue's state folder: alone in a folder, so that it moves as a whole with SQLite's files."""
    return home / "journal" / "journal.sqlite3"


def _set_aside(folder: Path, home: Path) -> None:
    """Rename a journal's folder, in one step; nothing is deleted."""
    if folder.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        n = 1
        while (aside := home / f"journal.{stamp}.{n}").exists():
            n += 1
        folder.rename(aside)


def _identify(path: Path, registry: Registry, source: str, *, missing_ok: bool) -> str:
    """The queue_id of the notebook at a path; remembers it, so that the queue is known when the notebook is gone."""
    known = registry.get(str(path))
    if path.is_dir():
        raise NotAQueue(
            f"{path} is a folder: give the path of a queue notebook, for example {path / 'qwen_bridge.ipynb'}"
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if known and missing_ok:
            return known
        hint = "`bridge rebuild` writes it again from the journal" if known else "make one with `bridge init`"
        raise QueueNotFound(f"there is no queue notebook at {path} (from {source}): {hint}") from None
    except OSError as error:
        raise QueueUnreadable(f"cannot read {path}: {error.strerror}") from error
    if known and known.encode() in data:
        return known  # the store looks closer when it reads the file
    try:
        notebook = wire.loads(data)
    except ValueError as error:
        if known:
            return known  # the store waits for it to become whole
        raise QueueUnreadable(
            f"{path} is not whole JSON ({error}); it was not touched: wait for its sync, or restore it"
        ) from None
    if known and missing_ok:
        return known
    queue_id = codec.read_part(notebook, name=path.name).queue_id
    if queue_id != known:
        registry.put(str(path), queue_id)
    return queue_id


def _fingerprint(journal: Path) -> str:
    """Names this machine and the journal's place on it: a journal that was copied must not write under its old id."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = platform.node()
    return f"{sys.platform}:{machine}:{platform.node()}:{journal}"
