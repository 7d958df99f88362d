"""Drive's API on one side, a folder that a sync client mirrors on the other: both may open the same part.

The client is the soak's: it knows nothing of queues, copies by name, and shows a second file of one title as `name (1)`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from bridge import Bridge
from bridge.core.events import Event
from bridge.store.rebuild import rebuild_notebooks
from bridge.store.registry import Registry
from bridge.wiring.folder import site_in_folder
from bridge.wiring.settings import FoundQueue, Settings
from bridge.wiring.site import open_site
from tests.drive.test_parts import small
from tests.soak.event_log import EventLog
from tests.soak.plain_drive import PlainDrive
from tests.soak.sync_client import SyncClient
from tests.support.drive import StandIn
from tests.support.drive_queues import Machine, content, on_drive, put_queue
from tests.support.queues import HandClock, ids_in, jobs_on_disk

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
            site = site_in_folder(
                self.client.folder / QUEUE, found, registry, clock=clock, listener=self.events.append, missing_ok=False
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


@pytest.fixture
def place(drive: StandIn, tmp_path: Path) -> Iterator[Place]:
    made = Place(drive=drive, queue=put_queue(drive), root=tmp_path / "mirrors")
    yield made
    for mirror in made.mirrors:
        for bridge in mirror.opened:
            bridge.close()


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


def agree(place: Place, jobs: list[str], *sides: Side) -> None:
    """Everybody knows these jobs, and one file holds part 2 for everybody."""
    [part] = in_use(place)
    for side in sides:
        assert {line.id for line in side.bridge().jobs()} == set(jobs)
        if isinstance(side, Mirror):
            assert jobs_on_disk(side.client.folder) == dict.fromkeys(jobs, 1)
    first = ids_in(on_drive(place.drive, place.queue))
    assert sorted(first + ids_in(on_drive(place.drive, part))) == sorted(jobs)


@pytest.mark.parametrize("older", ["api", "mirror"])
def test_a_part_that_both_sides_open_at_once_comes_to_be_one_file(place: Place, here: Machine, older: str) -> None:
    mirror, api = place.mirror("b"), Api(machine=here, queue=place.queue)
    (mirror if older == "api" else api).later(60)
    jobs = [mirror.bridge().add("b 1"), mirror.bridge().add("b 2")]
    come_to_rest(place, mirror, api)
    jobs.append(mirror.bridge().add("b 3"))  # opens part 2
    mirror.sync(meanwhile=lambda: jobs.append(api.bridge().add("a 1")))  # opens it, too
    assert len(in_use(place)) == 2

    assert come_to_rest(place, mirror, api) <= 5

    agree(place, jobs, mirror, api)
    jobs += [api.bridge().add("a 2"), mirror.bridge().add("b 4")]
    come_to_rest(place, api, mirror)
    assert {line.id for line in api.bridge().jobs()} == {line.id for line in mirror.bridge().jobs()} == set(jobs)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_three_folders_and_an_api_that_open_a_part_at_once_agree_on_one_file(
    place: Place, here: Machine, order: tuple[int, ...]
) -> None:
    mirrors, api = [place.mirror(name) for name in "bcd"], Api(machine=here, queue=place.queue)
    jobs = [api.bridge().add("a 1"), api.bridge().add("a 2")]
    come_to_rest(place, api, *mirrors)
    for seconds, mirror in enumerate(mirrors):
        mirror.later(order[seconds])
        jobs.append(mirror.bridge().add(f"{seconds} opens part 2"))
    everybody_uploads(mirrors)
    assert len(in_use(place)) == 3

    come_to_rest(place, api, *mirrors)

    agree(place, jobs, api, *mirrors)


def test_two_folders_that_open_a_part_at_once_agree_without_any_api(place: Place) -> None:
    mirrors = [place.mirror(name) for name in "bc"]
    jobs = [mirrors[0].bridge().add("b 1"), mirrors[0].bridge().add("b 2")]
    come_to_rest(place, *mirrors)
    for mirror in mirrors:
        jobs.append(mirror.bridge().add("opens part 2"))
        mirror.later(1)
    everybody_uploads(mirrors)
    assert len(in_use(place)) == 2

    come_to_rest(place, *mirrors)

    agree(place, jobs, *mirrors)


@pytest.mark.parametrize("lag", [0, 40])
def test_a_part_that_a_person_puts_into_the_trash_is_made_anew_once(place: Place, here: Machine, lag: int) -> None:
    mirror, api = place.mirror("b"), Api(machine=here, queue=place.queue)
    jobs = [api.bridge().add(f"a {n}") for n in range(3)]
    come_to_rest(place, api, mirror)
    [part] = in_use(place)
    place.drive.files.trash(part)
    place.drive.files.listing.requests = place.drive.files.feed.requests = lag
    mirror.sync()
    mirror.bridge().store.publish()  # writes it again, and
    mirror.sync(meanwhile=api.turn)  # so does this one, before it is uploaded
    place.drive.files.listing.requests = place.drive.files.feed.requests = 0  # what was made before still shows late

    come_to_rest(place, mirror, api, at_least=1 + lag)

    agree(place, jobs, mirror, api)


def everybody_uploads(mirrors: list[Mirror]) -> None:
    """Each client copies what its folder has after all of them have looked at Drive."""
    first, *others = mirrors
    first.sync(meanwhile=(lambda: everybody_uploads(others)) if others else lambda: None)


def void(_: object) -> None:
    """Nothing."""


@pytest.mark.parametrize("made_anew", [False, True])
@pytest.mark.parametrize("older", ["api", "mirror"])
def test_a_second_copy_that_a_person_moves_back_among_the_parts_starts_no_quarrel(
    place: Place, here: Machine, older: str, made_anew: bool
) -> None:
    mirror, api = place.mirror("b"), Api(machine=here, queue=place.queue)
    (mirror if older == "api" else api).later(60)
    jobs = [mirror.bridge().add("b 1"), mirror.bridge().add("b 2")]
    come_to_rest(place, mirror, api)
    jobs.append(mirror.bridge().add("b 3"))
    mirror.sync(meanwhile=lambda: jobs.append(api.bridge().add("a 1")))
    come_to_rest(place, api, mirror)
    home, used = place.drive.files.get(place.queue).parents[0], in_use(place)
    if made_anew:
        place.drive.files.trash(used[0])
        come_to_rest(place, api, mirror)
    copies = place.drive.files.listed(lambda file: file.title.startswith(PART.removesuffix(".ipynb")))
    [aside, *_] = [file for file in copies if file.id not in used and not file.trashed]

    place.drive.files.move(aside.id, home)
    come_to_rest(place, mirror, api)

    agree(place, jobs, mirror, api)


@pytest.mark.parametrize("gone", ["trash", "delete"])
def test_a_folder_of_second_copies_that_is_gone_is_made_anew(place: Place, here: Machine, gone: str) -> None:
    api = Api(machine=here, queue=place.queue)
    api.bridge().add("one")
    home = place.drive.files.get(place.queue).parents[0]
    copies = []
    for _ in range(2):
        copies.append(place.drive.files.put("qwen_bridge (1).ipynb", content(place.drive, place.queue), parent=home))
        api.turn()
        [forks] = place.drive.files.get(copies[-1]).parents
        assert forks != home
        assert not place.drive.files.get(forks).trashed
        getattr(place.drive.files, gone)(forks)


def test_a_part_that_was_rebuilt_on_drive_is_a_new_file_and_the_damaged_one_stays_as_it_was(
    place: Place, here: Machine
) -> None:
    api = Api(machine=here, queue=place.queue)
    jobs = [api.bridge().add(f"{n}") for n in range(3)]
    [part] = in_use(place)
    place.drive.files.put(content=b"{", file_id=part)
    api.later(10)
    rebuild_notebooks(api.bridge().store)
    api.turn()
    assert content(place.drive, part) == b"{"
    agree(place, jobs, api)
