"""A queue that is ready for use: found, locked, with its journal."""

from __future__ import annotations

import os
import platform
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge import config
from bridge.errors import ConfigError, NotAQueue, QueueNotFound, QueueNotWritable, QueueUnreadable, StorageFull
from bridge.events import Event, Listener, ignore
from bridge.events import Kind as Happened
from bridge.notebook import codec, wire
from bridge.notebook.absorb import Limits
from bridge.notebook.clock import Clock
from bridge.notebook.journal import Journal
from bridge.notebook.lock import QueueLock
from bridge.notebook.names import Names
from bridge.notebook.registry import Registry
from bridge.notebook.store import Store
from bridge.transports.clients import Kind
from bridge.transports.folder import Folder, WriteMode
from bridge.transports.holder import holder_of
from bridge.wiring import missing


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A queue that is ready for use, and how it was found."""

    store: Store
    path: Path
    source: str
    settings: config.Settings
    home: Path  #: the queue's folder in the local state folder


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
    """Open the queue that is meant. One whose notebook is gone, but not its second copies, is written again.

    Args:
        queue: path of its notebook; None: found as `config.find_queue` says.
        listener: is told what happens.
        clock: real time by default.
        missing_ok: open a queue whose notebook is gone, if this machine has its journal (for `rebuild`), and write nothing.
        fresh_journal: move the journal aside and begin a new one (for `rebuild`).
        state: the local state folder, if not the user's own.

    Raises:
        QueueNotFound: no notebook there; says how to make one.
        NotAQueue, QueueUnreadable: a file is there, but it is none that can be used.
        TwoQueues: no notebook there, but second copies of different ones.
        ConfigError, JournalError: as they say.
    """
    found = locate(queue)
    path, settings = found.path.absolute(), found.settings
    state = state or state_folder()
    registry = Registry(state / "queues.json")
    clock = clock or system_clock()
    mounted = holder_of(path.parent).client.kind in (Kind.DRIVE, Kind.NETWORK)
    vanished_s = settings.settle_s if mounted else 0.0
    if not missing_ok and vanished_s and (known := registry.get(path)):
        missing.wait_for(path, registry=registry, known=known, clock=clock, patience_s=vanished_s, listener=listener)
    queue_id, copies = _identify(path, registry, found.source, missing_ok=missing_ok)
    home = state / "queues" / queue_id
    try:
        mode = WriteMode(settings.write_mode)
    except ValueError:
        raise ConfigError(f"write_mode is {settings.write_mode!r}; known are auto, replace and inplace") from None
    file = journal_file(home)
    lock = QueueLock(home / "lock", notify=listener, now=time.monotonic, patience_s=settings.lock_patience_s)
    if fresh_journal:
        with lock.held("setting the journal aside"):
            _set_aside(file.parent, home)
    journal = Journal(
        file, queue_id=queue_id, fingerprint=_fingerprint(file), new_writer=lambda: "w" + secrets.token_hex(4)
    )
    store = Store(
        transport=Folder(path=path.parent, salvage=home / "inplace", mode=mode),
        journal=journal,
        lock=lock,
        names=Names(stem=path.name.removesuffix(".ipynb")),
        clock=clock,
        notify=listener,
        limits=Limits(part_jobs=settings.part_jobs, part_bytes=settings.part_bytes),
        settle_s=settings.settle_s,
        vanished_s=vanished_s,
    )
    if copies and not missing_ok:
        _write_again(store, path, copies)
    return Opened(store=store, path=path, source=found.source, settings=settings, home=home)


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


def _identify(path: Path, registry: Registry, source: str, *, missing_ok: bool) -> tuple[str, tuple[str, ...]]:
    """The queue_id of the notebook at a path, and the second copies that told it if the notebook is gone.

    Remembers it, so that the queue is known when the notebook is gone.
    """
    known = registry.get(path)
    if path.is_dir():
        raise NotAQueue(
            f"{path} is a folder: give the path of a queue notebook, for example {path / 'qwen_bridge.ipynb'}"
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if known and missing_ok:
            return known, ()
        copies = missing.copies_of(path, registry, known)
        queue_id = missing.revive(path, known, copies)
        if queue_id is None:
            hint = "`bridge rebuild` writes it again from the journal" if known else "make one with `bridge init`"
            if copies.doubtful:
                hint += f"; or, if {copies.doubtful[0]} is it, rename that to {path.name}"
            raise QueueNotFound(f"there is no queue notebook at {path} (from {source}): {hint}") from None
        if queue_id != known:
            registry.put(path, queue_id)
        return queue_id, copies.queues[queue_id]
    except OSError as error:
        raise QueueUnreadable(f"cannot read {path}: {error.strerror}") from error
    if known and known.encode() in data:
        return known, ()  # the store looks closer when it reads the file
    try:
        notebook = wire.loads(data)
    except ValueError as error:
        if known:
            return known, ()  # the store waits for it to become whole
        raise QueueUnreadable(
            f"{path} is not whole JSON ({error}); it was not touched: wait for its sync, or restore it"
        ) from None
    if known and missing_ok:
        return known, ()
    queue_id = codec.read_part(notebook, name=path.name).queue_id
    if queue_id != known:
        registry.put(path, queue_id)
    return queue_id, ()


def _write_again(store: Store, path: Path, copies: tuple[str, ...]) -> None:
    """Write a notebook that is gone from its second copies, if the folder lets us; it can be read without, too."""
    try:
        store.publish()
    except (QueueNotWritable, StorageFull) as error:
        store.notify(Event(kind=Happened.FORK, message=f"{path.name} is gone and cannot be written again: {error}"))
    except BaseException:
        store.journal.close()
        raise
    else:
        store.notify(missing.news_of(path, copies))


def _fingerprint(journal: Path) -> str:
    """Names this machine and the journal's place on it: a journal that was copied must not write under its old id."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = platform.node()
    return f"{sys.platform}:{machine}:{platform.node()}:{journal}"
