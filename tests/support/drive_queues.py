"""A queue on the stand-in Drive, and machines that use it: each with its own journal, clock and sign-in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge import Bridge
from bridge.core.events import Event
from bridge.format import template
from bridge.transports.drive.calls import Calls, Connections, Patience
from bridge.transports.drive.folder import DriveFolder
from bridge.wiring.drive import site_of
from bridge.wiring.settings import DriveAddress, FoundQueue, Settings
from bridge.wiring.site import Opened, open_site
from tests.support.drive import StandIn
from tests.support.drive.pydrive import pydrive
from tests.support.queues import QUEUE_ID, HandClock


def notebook(queue_id: str = QUEUE_ID) -> bytes:
    """An empty queue's bytes."""
    return template.notebook_bytes(template.queue_notebook(queue_id))


def put_queue(drive: StandIn, *, title: str = "qwen_bridge.ipynb") -> str:
    """A queue that a person uploaded into a folder of its own; gives its file id."""
    return drive.files.put(title, notebook(), parent=drive.files.folder("Queue"))


def on_drive(drive: StandIn, file_id: str) -> dict[str, Any]:
    """The notebook that a file on Drive holds."""
    value: dict[str, Any] = json.loads(content(drive, file_id))
    return value


def content(drive: StandIn, file_id: str) -> bytes:
    """The bytes that a file on Drive holds."""
    return drive.files.get(file_id).revisions[-1].content


@dataclass
class Machine:
    """One machine."""

    drive: StandIn
    state: Path
    clock: HandClock = field(default_factory=HandClock)
    events: list[Event] = field(default_factory=list)
    patience: Patience = field(default_factory=Patience)
    settings: Settings = field(default_factory=Settings)
    opened: list[Opened] = field(default_factory=list)

    def close(self) -> None:
        """Let go of all that was opened."""
        for opened in self.opened:
            opened.close()

    def calls(self, **token: Any) -> Calls:
        """Signed-in calls, by PyDrive2 as it is."""
        auth = pydrive(self.drive, token=self.drive.token(**token)).auth
        return Calls(service=auth.service, connections=Connections(auth.Get_Http_Object), patience=self.patience)

    def open(self, file_id: str, **token: Any) -> Opened:
        """A queue on Drive, with this machine's journal."""
        calls = self.calls(**token)
        site = site_of(calls, calls.get(file_id), QUEUE_ID, self.clock.clock())
        found = FoundQueue(place=DriveAddress(id=file_id), source="test", settings=self.settings)
        opened = open_site(site, found, state=self.state, clock=self.clock.clock(), listener=self.events.append)
        self.opened.append(opened)
        return opened

    def bridge(self, file_id: str, **token: Any) -> Bridge:
        """The same as a queue object."""
        return Bridge(listener=self.events.append, caller="test", _opened=self.open(file_id, **token))

    def later(self, seconds: float = 10.0) -> None:
        """Time goes by: what was looked at is no longer fresh."""
        self.clock.sleep(seconds)


def machine(drive: StandIn, state: Path) -> Machine:
    """A machine with an empty state folder."""
    return Machine(drive=drive, state=state)


def folder_of(opened: Opened) -> DriveFolder:
    """The transport of a queue on Drive."""
    transport = opened.store.transport
    assert isinstance(transport, DriveFolder)
    return transport
