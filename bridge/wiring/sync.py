"""A queue in a folder and its copy on Drive, side by side: found, or made. Imported only by `bridge sync`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.core.events import Listener
from bridge.transports.base import Stamp
from bridge.wiring.delivery import local_file_events
from bridge.wiring.drive import closing_on_error, colab_link, queue_id_of, signed_in, site_of
from bridge.wiring.queue import open_queue
from bridge.wiring.settings import DriveAddress, FoundQueue, drive_address
from bridge.wiring.site import Opened, open_site

if TYPE_CHECKING:
    from bridge.sync.loop import Sync


@dataclass(frozen=True, kw_only=True)
class Both:
    """The two sides of a sync."""

    local: Opened
    remote: Opened

    def close(self) -> None:
        """Let go of both journals."""
        self.local.close()
        self.remote.close()

    @property
    def file_id(self) -> str:
        """Of the first notebook on Drive."""
        return self.remote.shown.removeprefix("drive:")


def open_both(queue: str | None, to: str | None, *, listener: Listener) -> Both:
    """The local queue that is meant, and its copy on Drive.

    Args:
        queue: the local queue; None: found as ever.
        to: address on Drive of the copy, or of the folder to make it in; None: `drive` in bridge.toml, the place where it
            was last, or wherever a file has its queue_id.
        listener: is told what happens.

    Raises:
        DriveError, QueueError, ConfigError: as they say.
    """
    from bridge.sync.drive_copy import DriveCopy

    local = open_queue(queue, listener=listener)
    try:
        local.file("`bridge sync`")
        calls = signed_in()
        wanted = to or local.settings.drive
        with closing_on_error(calls):
            copy = DriveCopy(
                store=local.store,
                calls=calls,
                title=local.file("`bridge sync`").name,
                memo=local.home / "drive" / "copy.json",
                identify=queue_id_of,
                link=colab_link,
            )
            address = drive_address(wanted) if wanted else None
            file = copy.at(address.id, address.name) if address else copy.known()
            site = site_of(calls, file, local.store.journal.queue_id, local.store.clock, stem=local.store.names.stem)
            found = FoundQueue(place=DriveAddress(id=file.id), source=wanted or "its queue_id", settings=local.settings)
            state = local.home.parent.parent
            remote = open_site(site, found, state=state, clock=local.store.clock, listener=listener)
    except BaseException:
        local.close()
        raise
    return Both(local=local, remote=remote)


def open_sync(both: Both, *, shrink: Callable[[str], list[str]], poll_s: float, listener: Listener) -> Sync:
    """A sync of both sides, ready to run. `shrink`: archives what is finished of a notebook, and gives the ids."""
    from bridge.sync.loop import Sync
    from bridge.transports.drive.calls import NONE
    from bridge.transports.drive.folder import DriveFolder

    folder, journal = both.remote.store.transport, both.remote.store.journal
    assert isinstance(folder, DriveFolder)  # narrows the type
    patience, folder.calls.patience = folder.calls.patience, NONE

    def known(name: str) -> Stamp | None:
        seen = journal.seen(f"{folder.location}/{name}")
        return seen.stamp if seen else None

    return Sync(
        local=both.local.store,
        remote=both.remote.store,
        fetch_ahead=lambda: folder.fetch_ahead(known, patience),
        shrink=shrink,
        file_events=local_file_events(both.local),
        notify=listener,
        now_s=time.monotonic,
        poll_s=poll_s,
    )
