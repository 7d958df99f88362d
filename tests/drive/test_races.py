"""Two writers on one queue at the same moment, again and again: no update is lost.

Over Drive each round is a real race: both have read the same version when both write, so `If-Match` refuses one of them.
Threads, each with a journal, a sign-in and connections of its own; the soak test races processes. BRIDGE_TEST_PROFILE=long
plays 1,000 rounds of each.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, wiring
from bridge.core.errors import QueueChanged
from bridge.core.events import EventKind
from bridge.transports.drive.calls import DriveFile
from bridge.transports.drive.folder import DriveFolder
from tests.support.drive import StandIn
from tests.support.drive_queues import Machine, content, folder_of, on_drive, put_queue
from tests.support.queues import ids_in, jobs_on_disk, make_queue
from tests.support.sync import Drive, SyncClient

LONG = os.environ.get("BRIDGE_TEST_PROFILE") == "long"
BARE, WHOLE, FOLDERS = (1_000, 1_000, 1_000) if LONG else (150, 25, 60)
PART = "qwen_bridge.ipynb"

pytestmark = pytest.mark.timeout(1_800 if LONG else 300)


def race(*runners: Callable[[threading.Barrier], None]) -> None:
    """Run them side by side; the first error of any of them."""
    together = threading.Barrier(len(runners), timeout=60)
    errors: list[BaseException] = []

    def run(runner: Callable[[threading.Barrier], None]) -> None:
        try:
            runner(together)
        except BaseException as error:  # noqa: BLE001  # shown below
            errors.append(error)
            together.abort()

    threads = [threading.Thread(target=run, args=(runner,)) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise next((e for e in errors if not isinstance(e, threading.BrokenBarrierError)), errors[0])


def mark(folder: DriveFolder, name: str, meet: Callable[[], object]) -> int:
    """Add a mark to the file, whatever others do to it; gives how often it was refused.

    `meet` is called between the first read and the first write.
    """
    refused = 0
    while True:
        read = folder.read(PART)
        assert read is not None
        notebook = json.loads(read[0])
        meet()
        meet = lambda: None  # noqa: E731
        marks = notebook["metadata"].setdefault("marks", [])
        if name in marks:
            return refused  # the write that was never answered had its effect
        marks.append(name)
        try:
            folder.stage(PART, json.dumps(notebook).encode(), unless_changed=read[1]).commit()
        except QueueChanged:
            refused += 1
            continue
        return refused


@pytest.mark.parametrize("fault_rate", [0.0, 0.05])
def test_two_writers_race_on_a_file_and_every_write_is_built_on_the_one_before(
    here: Machine, there: Machine, drive: StandIn, fault_rate: float
) -> None:
    queue = put_queue(drive)
    folders = {"a": folder_of(here.open(queue)), "b": folder_of(there.open(queue))}
    rounds = BARE if not fault_rate else BARE // 3
    refused = {"a": 0, "b": 0}
    drive.faults.rate = fault_rate

    def writer(who: str) -> Callable[[threading.Barrier], None]:
        def run(together: threading.Barrier) -> None:
            for number in range(rounds):
                refused[who] += mark(folders[who], f"{who}{number}", together.wait)

        return run

    race(writer("a"), writer("b"))
    drive.faults.clear()
    marks = json.loads(content(drive, queue))["metadata"]["marks"]
    assert sorted(marks) == sorted(f"{who}{number}" for who in "ab" for number in range(rounds))
    kept = [json.loads(r.content)["metadata"].get("marks", []) for r in drive.files.get(queue).revisions]
    assert all(after == before + after[-1:] for before, after in itertools.pairwise(kept))
    if not fault_rate:
        puts = [r for r in drive.log if r.call == "files.update"]
        assert {r.if_match is None for r in puts} == {False}
        assert sum(r.status == 200 for r in puts) == 2 * rounds
    assert sum(refused.values()) >= rounds  # they met every time: both had read the same version


def test_a_write_that_comes_while_the_file_gets_its_mark_is_not_written_over(
    here: Machine, drive: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = put_queue(drive)  # uploaded by a person: it has no mark yet
    folder = folder_of(here.open(queue))
    read = folder.read(PART)
    assert read is not None
    describe = folder.calls.describe

    def meanwhile(file: DriveFile, *, properties: Mapping[str, str]) -> DriveFile:
        described = describe(file, properties=properties)
        drive.files.put(content=b'{"theirs": 1}', file_id=queue)
        return described

    monkeypatch.setattr(folder.calls, "describe", meanwhile)
    with pytest.raises(QueueChanged):
        folder.stage(PART, b'{"ours": 1}', unless_changed=read[1]).commit()
    assert content(drive, queue) == b'{"theirs": 1}'


def test_two_agents_race_to_add_jobs_and_none_is_lost(here: Machine, there: Machine, drive: StandIn) -> None:
    queue = put_queue(drive)
    promised: list[str] = []
    both_looked = threading.Barrier(2)

    def meeting(put: Callable[..., DriveFile]) -> Callable[..., DriveFile]:
        """The first write of each begins when the other has looked, too: so at least one of them is refused."""
        begun = threading.Event()

        def write(*args: Any) -> DriveFile:
            if not begun.is_set():
                begun.set()
                both_looked.wait(120)
            return put(*args)

        return write

    def agent(machine: Machine, name: str) -> Callable[[threading.Barrier], None]:
        def run(together: threading.Barrier) -> None:
            with machine.bridge(queue) as bridge:
                calls = folder_of(bridge.opened).calls
                calls.put = meeting(calls.put)  # type: ignore[method-assign]
                for number in range(WHOLE):
                    together.wait()
                    promised.append(bridge.add(f"{name} {number}"))

        return run

    race(agent(here, "one"), agent(there, "two"))
    assert len(set(promised)) == 2 * WHOLE
    for machine in (here, there):
        machine.later(700)
        with machine.bridge(queue) as bridge:
            bridge.store.publish()
            assert {line.id for line in bridge.jobs()} == set(promised)
    parts = [file.id for file in drive.files.listed(lambda f: f.title.startswith("qwen_bridge"))]
    assert sorted(job for part in parts for job in ids_in(on_drive(drive, part))) == sorted(promised)
    assert [r for r in drive.log if r.status == 412]


def test_without_compare_and_swap_the_last_writer_wins_and_still_no_job_is_lost(tmp_path: Path) -> None:
    cloud, chance = Drive(), random.Random(4)
    start = make_queue(tmp_path / "start").read_bytes()
    sides: list[tuple[Bridge, SyncClient]] = []
    restored: list[str] = []
    for name in ("one", "two"):
        folder = tmp_path / name / "queue"
        folder.mkdir(parents=True)
        (folder / PART).write_bytes(start)
        opened = wiring.open_queue(
            str(folder / PART), state=tmp_path / name / "state",
            listener=lambda event: restored.append(event.message) if event.kind is EventKind.RESTORED else None,
        )  # fmt: skip
        sides.append((Bridge(_opened=opened), SyncClient(drive=cloud, folder=folder, chance=chance)))
    promised = []
    for number in range(FOLDERS):
        for bridge, client in chance.sample(sides, 2):
            promised.append(bridge.add(f"{client.folder} {number}"))
            if chance.random() < 0.6:
                client.sync()
    for _ in range(30):  # rest: until a round of both changes nothing
        before = dict(cloud.files)
        for bridge, client in sides:
            client.sync()
            bridge.store.publish()
            client.sync()
        if cloud.files == before:
            break
    else:
        raise AssertionError("it never came to rest")
    for bridge, client in sides:
        assert jobs_on_disk(client.folder) == dict.fromkeys(promised, 1)
        bridge.close()
    assert cloud.overwritten > 0  # versions were lost
    assert restored  # and what was in them was put back
