"""Two machines on one queue over a drive where the last writer wins: every job ends with one result, doubles are rare.

Deterministic: one thread, one clock that the test moves second by second, and machines whose lanes take a time drawn from a
seed. What is real: stores, journals, ledgers, leases, heartbeats, notebooks on disk.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bridge import Bridge, State, wiring
from bridge.core.chat import FinishReason
from bridge.core.job import NewJob
from bridge.engines.base import Answer
from bridge.store import query
from bridge.worker.claims import ClaimedJob, Claims
from bridge.worker.heartbeat import WorkerHeartbeat, read_heartbeats
from bridge.worker.leases import Leases
from tests.support.harness import SteppedClock, shown_in
from tests.support.queues import jobs_on_disk, make_queue
from tests.support.sync import Drive, SyncClient

LANES, PUBLISH_S, BEAT_S, LEASE_S = 3, 3, 15, 900.0


@dataclass
class Machine:
    """A worker's claims on a machine of its own, with lanes that are counted in seconds."""

    name: str
    folder: Path
    clock: SteppedClock
    chance: random.Random
    client: SyncClient
    opened: wiring.Opened
    asleep: bool = False
    woke: bool = False
    held: dict[str, ClaimedJob] = field(default_factory=dict)
    line: list[ClaimedJob] = field(default_factory=list)
    lanes: dict[str, float] = field(default_factory=dict)  # {job: when it ends}
    answered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = self.opened.store
        self.heartbeat = WorkerHeartbeat(self.name, locks=self.folder.parent / "locks", transport=store.transport)
        self.heartbeat.begin()
        self.claims = Claims(
            store=store, leases=Leases(length_s=LEASE_S, is_dead=self.heartbeat.is_dead), worker=self.name,
            about=lambda: {"engine": "seconds"}, model_of=lambda wanted: wanted or "m", max_attempts=3, patience=timedelta(minutes=30),
        )  # fmt: skip

    def second(self) -> None:
        """What the loop does, in one second."""
        now = self.clock.seconds
        if self.asleep:
            return
        for job in [job for job, end in self.lanes.items() if end <= now]:
            del self.lanes[job]
            self.claims.finish(
                self.held.pop(job), Answer(text=f"by {self.name}", finish_reason=FinishReason.STOP, model="m")
            )
            self.answered.append(job)
        if now % PUBLISH_S == 0 or self.woke:
            self.opened.store.publish()
            self.woke = False
            mine = self.claims.still_mine()
            lost = [task for task in self.line if task.job.id not in mine]
            self.line = [task for task in self.line if task.job.id in mine]
            for task in lost:
                del self.held[task.job.id]
        room = 2 * LANES - len(self.held)
        for task in self.claims.claim(room, loaded="m", held=frozenset(self.held), now_s=now):
            self.held[task.job.id] = task
            self.line.append(task)
        while self.line and len(self.lanes) < LANES:
            self.lanes[self.line.pop(0).job.id] = now + self.chance.uniform(20, 60)
        if now % BEAT_S == 1:  # at once, and then every 15 s
            self.heartbeat.beat({}, self.clock.clock().now())
            for beat in read_heartbeats(self.opened.store.transport):
                self.claims.leases.beat(beat.worker, beat.beat, now)

    @property
    def waiting(self) -> int:
        return query.count_waiting(self.opened.store.journal)

    def view(self) -> Bridge:
        return Bridge(_opened=self.opened)


@dataclass
class World:
    """Machines, a drive and a clock."""

    clock: SteppedClock
    drive: Drive
    machines: list[Machine]
    every_s: int  #: how often each machine syncs; they take turns

    def run(self, until: Callable[[], bool], at_most_s: int = 20_000) -> None:
        end = self.clock.seconds + at_most_s
        while not until():
            assert self.clock.seconds < end, "it does not come to an end"
            self.clock.seconds += 1
            for number, machine in enumerate(self.machines):
                machine.second()
                if (self.clock.seconds + number * self.every_s // 2) % self.every_s == 0:
                    machine.client.sync()

    def settle(self) -> None:
        for _ in range(4):
            for machine in self.machines:
                machine.opened.store.publish()
                machine.client.sync()

    def all_done(self) -> bool:
        return all(machine.waiting == 0 and not machine.held for machine in self.machines)


@pytest.fixture
def worlds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[World, list[str]]]]:
    opened: list[wiring.Opened] = []

    def make(jobs: int, *, every_s: int, seed: str) -> tuple[World, list[str]]:
        clock, drive, machines = SteppedClock(), Drive(), []
        source = make_queue(tmp_path / "a/queue")
        monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "a/state"))
        with Bridge(str(source), clock=clock.clock()) as bridge:
            ids = [added.id for added in bridge.add_many([NewJob(body=f"prompt {n}") for n in range(jobs)])]
        (tmp_path / "b").mkdir()
        shutil.copytree(tmp_path / "a/queue", tmp_path / "b/queue")
        for name in "ab":
            folder = tmp_path / name / "queue"
            monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / name / "state"))
            monkeypatch.chdir(tmp_path / name)
            found = wiring.open_queue(str(folder / "qwen_bridge.ipynb"), clock=clock.clock())
            opened.append(found)
            chance = random.Random(f"{seed} {name}")
            machines.append(
                Machine(f"worker-{name}", folder, clock, chance, SyncClient(drive, folder, chance), found)
            )  # fmt: skip
        return World(clock, drive, machines, every_s), ids

    yield make
    for each in opened:
        each.store.journal.close()


def doubles(world: World, ids: list[str]) -> int:
    """How many answers were one too many. Fails unless every job has one result, the same on both machines."""
    a, b = world.machines
    asked = len(a.answered) + len(b.answered)
    shown = [shown_in(machine.folder) for machine in (a, b)]
    assert shown[0] == shown[1]
    assert all(text.count("bridge-result") == 1 for text in shown[0].values())
    for machine in (a, b):
        assert jobs_on_disk(machine.folder) == dict.fromkeys(ids, 1)
        views = machine.view().views(ids)
        assert {view.state for view in views} == {State.SUCCEEDED}
        kept = 0
        for view in views:
            assert view.result is not None
            shown_one = (view.result.attempt, view.result.worker_id)
            kept += len({shown_one, *((x.attempt, x.worker) for x in view.job.attempts)})
        assert kept == asked  # those that lost are in the attempts
    return asked - len(ids)


@pytest.mark.parametrize(("every_s", "most"), [(5, 0.08), (20, 0.12), (60, 0.3)])  # answers take 20 to 60 s
def test_two_machines_share_a_queue_and_every_job_ends_with_one_result(
    worlds: Callable[..., tuple[World, list[str]]],
    every_s: int,
    most: float,
    record_property: Callable[[str, object], None],
) -> None:
    world, ids = worlds(150, every_s=every_s, seed="share")
    world.run(world.all_done)
    world.settle()
    twice = doubles(world, ids)
    parts = [len(machine.answered) for machine in world.machines]
    figures = (
        f"sync every {every_s} s: {len(ids)} jobs, {twice} done twice, {parts} answered, {world.clock.seconds:.0f} s, "
        f"{world.drive.overwritten} versions lost to the other side's"
    )
    record_property("figures", figures)
    assert twice <= len(ids) * most
    assert min(parts) > len(ids) / 4  # both had their share


def test_a_machine_that_dies_loses_its_jobs_to_the_other_after_their_lease(
    worlds: Callable[..., tuple[World, list[str]]],
) -> None:
    world, ids = worlds(40, every_s=5, seed="death")
    a, b = world.machines
    world.run(lambda: len(b.answered) >= 12)
    b.asleep = True
    died = world.clock.seconds
    world.run(lambda: a.waiting == 0 and not a.held)
    assert LEASE_S * 0.9 <= world.clock.seconds - died < LEASE_S + 300
    for gone in (b.held, b.line, b.lanes):
        gone.clear()
    world.settle()
    assert doubles(world, ids) <= 12


def test_a_machine_that_wakes_up_late_adds_doubles_that_are_kept_and_change_nothing(
    worlds: Callable[..., tuple[World, list[str]]],
) -> None:
    world, ids = worlds(40, every_s=5, seed="sleep")
    a, b = world.machines
    world.run(lambda: len(b.answered) >= 12 and len(b.lanes) == LANES)
    b.asleep = True
    slept_on = set(b.lanes)
    world.run(lambda: a.waiting == 0 and not a.held)
    a.opened.store.publish()
    before = shown_in(a.folder)
    b.asleep, b.woke = False, True
    world.run(world.all_done)
    world.settle()
    doubles(world, ids)
    assert shown_in(a.folder) == before  # what was handed over stays as it was
    kept = {job for job in ids for x in a.view().get(job).job.attempts if x.worker == b.name}
    assert slept_on <= kept
