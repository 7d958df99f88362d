"""A queue on Google Drive: signed in, found, and as a transport. The client is imported only where Drive is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core.clock import Clock
from bridge.format import codec, json_bytes
from bridge.store.registry import Registry
from bridge.wiring.settings import DriveAddress
from bridge.wiring.site import Opened, Site

if TYPE_CHECKING:
    from bridge.transports.base import Transport
    from bridge.transports.drive.calls import Calls, DriveFile
    from bridge.transports.drive.folder import DriveFolder


def signed_in() -> Calls:
    """Calls to Drive as whoever is signed in. Raises NotSignedIn, MissingExtra."""
    from bridge.transports.drive import auth
    from bridge.transports.drive.calls import Calls, Connections
    from bridge.transports.drive.client import DRIVE, DRIVE_FILE
    from bridge.transports.drive.credentials import LoginKind

    # Nobody chooses scopes for a service account, and in Colab the person allows all of Drive or nothing.
    source = auth.find_source()
    person = source is None or source.kind is LoginKind.USER
    session = auth.session((DRIVE_FILE,) if person else (DRIVE,))
    return Calls(service=auth.service(session), connections=Connections(session.Get_Http_Object))


@dataclass(frozen=True, kw_only=True)
class DriveFacts:
    """What Drive says of a queue's first file."""

    title: str
    account: str
    editable: bool
    link: str  #: opens it in Colab


def colab_link(file_id: str) -> str:
    """Where Colab opens a file of Drive."""
    return f"https://colab.research.google.com/drive/{file_id}"


def facts_of(opened: Opened) -> DriveFacts:
    """What Drive says of a queue there. Raises DriveError."""
    from bridge.transports.drive import auth
    from bridge.transports.drive.folder import DriveFolder

    folder = opened.store.transport
    assert isinstance(folder, DriveFolder)  # narrows the type
    file, source = folder.calls.get(folder.directory.anchor), auth.find_source()
    account = source.named if source else "Colab's own sign-in"
    return DriveFacts(title=file.title, account=account, editable=file.editable, link=colab_link(file.id))


def queue_id_of(data: bytes) -> str:
    """The queue_id in a notebook's bytes. Raises NotAQueue, ValueError."""
    return codec.read_part(json_bytes.loads(data), name="the notebook on Drive").queue_id


def site_on_drive(address: DriveAddress, registry: Registry, clock: Clock) -> Site:
    """The queue at an address. Raises DriveError, QueueNotFound, NotAQueue, QueueUnreadable."""
    from bridge.transports.drive import find

    calls = signed_in()
    with closing_on_error(calls):
        if address.name:
            file = find.by_name(calls, address.id, address.name, queue_id_of)
        else:
            file = find.by_id(calls, address.id, queue_id_of)
        known = registry.get(f"drive:{file.id}")
        if known is None:
            known = queue_id_of(find.content(calls, file))
            registry.put(f"drive:{file.id}", known)
        return site_of(calls, file, known, clock)


@contextmanager
def closing_on_error(calls: Calls) -> Iterator[None]:
    """Ends the connections if what follows fails; else whoever has the transport ends them."""
    try:
        yield
    except BaseException:
        calls.connections.close()
        raise


def site_of(calls: Calls, file: DriveFile, queue_id: str, clock: Clock, *, stem: str | None = None) -> Site:
    """The queue whose part 1 is a file. `stem`: how part 1 is called here; None: as there, if the journal does not know."""

    def transport(home: Path, stem: str) -> Transport:
        return _folder(calls, file.id, queue_id, home, stem, clock)

    stem = stem or file.title.removesuffix(".ipynb") or "qwen_bridge"
    return Site(queue_id=queue_id, shown=f"drive:{file.id}", path=None, stem=stem, transport=transport)


def _folder(calls: Calls, anchor: str, queue_id: str, home: Path, stem: str, clock: Clock) -> DriveFolder:
    from bridge.transports.drive.directory import Directory
    from bridge.transports.drive.folder import DriveFolder

    directory = Directory(
        calls=calls,
        anchor=anchor,
        queue_id=queue_id,
        stem=stem,
        path=home / "drive" / f"{anchor}.json",
        now_s=lambda: clock.now().timestamp(),
    )
    return DriveFolder(directory=directory, pause=clock.sleep)
