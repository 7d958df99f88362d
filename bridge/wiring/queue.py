"""A queue that is ready for use: found, locked, with its journal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bridge.core import files
from bridge.core.clock import Clock
from bridge.core.errors import UsageError
from bridge.core.events import Listener, ignore
from bridge.core.states import UNDER_WAY
from bridge.store import missing_queue, query
from bridge.store.journal_reader import open_reader
from bridge.store.query import Filter, JobLine
from bridge.store.registry import Registry
from bridge.wiring.drive import site_on_drive
from bridge.wiring.folder import site_in_folder
from bridge.wiring.settings import DriveAddress, FoundQueue, LoadedSettings, find_file, find_queue, load, load_text
from bridge.wiring.site import Opened, journal_file, open_site, state_folder, system_clock


def locate(queue: str | None = None) -> FoundQueue:
    """Which queue is meant, by argument, environment, `bridge.toml` or default."""
    return find_queue(queue, cwd=Path.cwd(), environ=os.environ)


def loaded_settings(queue: str | None = None) -> LoadedSettings:
    """All settings that hold here, with where each came from and what is wrong with them. `queue`: of the command line."""
    cwd = Path.cwd()
    return load(find_file(cwd), os.environ, cwd=cwd).given("queue", queue, "--queue")


def set_setting(name: str, value: str) -> Path:
    """Write one setting into the `bridge.toml` that holds here, else into a new one here; gives its path.

    Raises:
        ConfigError: there is no such setting, it cannot have this value, or the file has another mistake already.
        UsageError: the file cannot be written.
    """
    from bridge.wiring.settings.edit import as_toml, with_value

    cwd = Path.cwd()
    file = find_file(cwd) or cwd / "bridge.toml"
    load(find_file(cwd), {}, cwd=cwd).valid()
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    drafts = [with_value(text, tuple(name.split(".")), said) for said in as_toml(value)]
    read = [load_text(draft, file, cwd=cwd) for draft in drafts]
    good = next((draft for draft, loaded in zip(drafts, read, strict=True) if not loaded.mistakes), None)
    if good is None:
        read[0].valid()
    try:
        files.write_atomically(file, str(good).encode())
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
    return file


def settings_in(folder: Path, environ: Mapping[str, str]) -> LoadedSettings:
    """All settings that hold in a folder with these variables."""
    return load(find_file(folder), environ, cwd=folder)


def open_queue(
    queue: str | None = None,
    *,
    listener: Listener = ignore,
    clock: Clock | None = None,
    missing_ok: bool = False,
    fresh_journal: bool = False,
    state: Path | None = None,
    judging: bool = True,
) -> Opened:
    """Open the queue that is meant. One whose notebook is gone, but not its second copies, is written again.

    Args:
        queue: path of its notebook, or its address on Drive; None: found as `find_queue` says.
        listener: is told what happens.
        clock: real time by default.
        missing_ok: open a queue whose notebook is gone, if this machine has its journal (for `rebuild`), and write nothing.
        fresh_journal: move the journal aside and begin a new one (for `rebuild`).
        state: the local state folder, if not the user's own.
        judging: refuse to open where answers have to be signed and there is no key; without it they are not asked for.

    Raises:
        QueueNotFound: no notebook there; says how to make one.
        NotAQueue, QueueUnreadable: a file is there, but it is none that can be used.
        TwoQueues: no notebook there, but second copies of different ones.
        ConfigError, JournalError: as they say.
    """
    found = locate(queue)
    state = state or state_folder()
    registry = Registry(state / "queues.json")
    clock = clock or system_clock()
    if isinstance(found.place, DriveAddress):
        site = site_on_drive(found.place, registry, clock)
    else:
        site = site_in_folder(
            found.place.absolute(),
            found,
            registry,
            _homes(state),
            clock=clock,
            listener=listener,
            missing_ok=missing_ok,
        )
    opened = open_site(
        site, found, state=state, clock=clock, listener=listener, fresh_journal=fresh_journal, judging=judging
    )
    if site.copies and site.path is not None and not missing_ok:
        missing_queue.write_again(opened.store, site.path, site.copies)
    return opened


def newest_jobs(queue: str | None, prefix: str, *, most: int = 100) -> list[JobLine]:
    """Jobs of the queue that is meant, newest first, as this machine last knew them: for what a shell completes.

    Takes nothing in and starts no journal: a queue that was never opened here has no jobs. Raises what looking raises.
    """
    return _looked_up(queue, Filter(id_prefix=prefix, original=True, newest=True, limit=most))


def open_jobs(queue: str | None) -> list[JobLine]:
    """Jobs that are still to be done, as this machine last knew them; as `newest_jobs`."""
    return _looked_up(queue, Filter(states=sorted(UNDER_WAY, key=lambda state: state.value)))


def _homes(state: Path) -> Registry:
    """{path: name of its folder} of copies of queues that have a journal of their own."""
    return Registry(state / "copies.json")


def _looked_up(queue: str | None, wanted: Filter) -> list[JobLine]:
    state = state_folder()
    place = locate(queue).place
    shown = str(place.absolute() if isinstance(place, Path) else place)
    queue_id = Registry(state / "queues.json").get(shown)
    if queue_id is None:
        return []
    home = state / "queues" / (_homes(state).get(shown) or queue_id)
    with closing(open_reader(journal_file(home), queue_id=queue_id, patience_s=0.2)) as reader:
        return query.lines(reader, wanted, datetime.now(UTC))
