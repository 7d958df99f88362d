"""A queue's folder on Drive, machines whose folder a sync client mirrors, and machines that work on Drive itself.

The client is the soak's: it knows nothing of queues, copies by name, and shows a second file of one title as `name (1)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bridge import Bridge
from bridge.core.events import Event
from bridge.store.registry import Registry
from bridge.wiring.folder import site_in_folder
from bridge.wiring.settings import FoundQueue, Settings
from bridge.wiring.site import open_site
from tests.drive.test_parts import small
from tests.soak.event_log import EventLog
from tests.soak.plain_drive import PlainDrive
from tests.soak.sync_client import SyncClient
from tests.support.drive import StandIn
from tests.support.drive_queues import Machine
from tests.support.queues import HandClock

QUEUE = "qwen_bridge.ipynb"
PART = "qwen_bridge.part-0002.ipynb"


class Side(Protocol):
    """Somebody who uses the queue."""

    def bridge(self) -> Bridge:
        """Its queue; two jobs fill a part."""

    def turn(self) -> int:
        """Bring all up to date, long after the last time; gives how many files were copied."""

    def later(self, seconds: float) -> None:
        """Time goes by."""


@dataclass(kw_only=True)
class Api:
    """A machine that works on Drive itself."""

    machine: Machine
    queue: str
    opened: list[Bridge] = field(default_factory=list)

    def bridge(self) -> Bridge:
        if not self.opened:
            self.opened.append(small(self.machine, self.queue))
        return self.opened[0]

    def turn(self) -> int:
        self.later(700)  # lists are due, too
        self.bridge().store.publish()
        return 0

    def later(self, seconds: float) -> None:
        self.machine.later(seconds)


@dataclass(kw_only=True)
class Mirror:
    """A machine whose folder a sync client mirrors."""

    home: Path
    client: SyncClient
    clock: HandClock = field(default_factory=HandClock)
    events: list[Event] = field(default_factory=list)
    opened: list[Bridge] = field(default_factory=list)

    def bridge(self) -> Bridge:
        if not self.opened:
            found = FoundQueue(place=self.client.folder / QUEUE, source="test", settings=Settings(part_jobs=2))
            registry, clock = Registry(self.home / "state" / "queues.json"), self.clock.clock()
            homes = Registry(self.home / "state" / "copies.json")
            site = site_in_folder(
                self.client.folder / QUEUE,
                found,
                registry,
                homes,
                clock=clock,
                listener=self.events.append,
                missing_ok=False,
            )
            opened = open_site(site, found, state=self.home / "state", clock=clock, listener=self.events.append)
            self.opened.append(Bridge(caller="mirror", _opened=opened))
        return self.opened[0]

    def turn(self) -> int:
        self.later(700)
        moved = self.sync()
        self.bridge().store.publish()
        return moved + self.sync()

    def later(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def sync(self, meanwhile: Callable[[], object] = lambda: None) -> int:
        """One round of the client; `meanwhile`: between its looking and its copying. Gives how many files moved."""
        self.client.wait = lambda: void(meanwhile())
        return self.client.round()


@dataclass(kw_only=True)
class Place:
    """A queue on Drive, and mirrors of its folder."""

    drive: StandIn
    queue: str
    root: Path
    mirrors: list[Mirror] = field(default_factory=list)

    def mirror(self, name: str) -> Mirror:
        home = self.root / name
        (home / "queue").mkdir(parents=True)
        token = self.drive.token()
        client = SyncClient(
            drive=PlainDrive(url=self.drive.url, token=token), root=self.drive.files.get(self.queue).parents[0],
            folder=home / "queue", memory=home / "sync.json", log=EventLog(path=home / "sync.jsonl"),
            chance=random.Random(name), fork=0.0,
        )  # fmt: skip
        client.round()
        self.mirrors.append(Mirror(home=home, client=client))
        return self.mirrors[-1]


def made(drive: StandIn) -> int:
    """How many files were ever made."""
    return sum(request.call == "files.insert" and request.status == 200 for request in drive.log)


def in_use(place: Place, title: str = PART) -> list[str]:
    """The ids of the files of a title that lie in the queue's folder itself."""
    home = place.drive.files.get(place.queue).parents
    return [file.id for file in place.drive.files.titled(title) if file.parents == home and not file.trashed]


def come_to_rest(place: Place, *sides: Side, at_least: int = 1) -> int:
    """Everybody in turn until a round makes no file and moves none; gives the rounds. Fails after 12 more than `at_least`."""
    for number in range(1, at_least + 13):
        before, moved = made(place.drive), 0
        for side in sides:
            moved += side.turn()
        if made(place.drive) == before and not moved and number >= at_least:
            return number
    raise AssertionError(f"it never came to rest: {made(place.drive)} files were made, {len(in_use(place))} are in use")


def everybody_uploads(mirrors: list[Mirror]) -> None:
    """Each client copies what its folder has after all of them have looked at Drive."""
    first, *others = mirrors
    first.sync(meanwhile=(lambda: everybody_uploads(others)) if others else lambda: None)


def void(_: object) -> None:
    """Nothing."""
