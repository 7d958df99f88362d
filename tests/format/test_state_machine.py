"""Everybody at once over a folder where the last writer wins, and at the end nothing is lost.

Two agents, two workers and a Colab tab, each machine with its own copy of the files and its own journal. Files travel
through a cloud: where both sides changed a file, one side wins, or a fork appears. The tab saves stale copies, each
through another variant of what Colab does to a file. When everything has been synced until nothing changes any more,
every job is in exactly one place, with its best result, on every machine.

BRIDGE_TEST_PROFILE=long runs many more and longer histories.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bridge import wiring
from bridge.api.bridge import Bridge
from bridge.core.errors import WrongState
from bridge.core.events import ignore
from bridge.core.job import Job, Lease, NewJob, Options, Result, ResultStatus, State
from bridge.format import codec, json_bytes, merge, prompt_cell, result_record, template
from bridge.format.file_names import FileNames
from bridge.format.other_metadata import other_metadata
from bridge.kernel import grammar
from bridge.store.archiver import PartLimits
from bridge.store.enqueue import enqueue
from bridge.store.journal import Journal
from bridge.store.lock import QueueLock
from bridge.store.store import Clock, Store
from bridge.transports.memory import MemoryFolder
from bridge.wiring.settings import Settings
from tests.support.colab import Save, colab_save, saves

LONG = os.environ.get("BRIDGE_TEST_PROFILE") == "long"
QUEUE = "qwen_bridge.ipynb"
AGENTS, WORKERS = ("ann", "bob"), ("wil", "xen")
MACHINES = (*AGENTS, *WORKERS)
#: A version that removes five open jobs is not believed (that has its own tests), so at most four are deleted.
DELETIONS = 4


@dataclass(kw_only=True)
class Machine:
    """A computer with its copy of the folder, its journal, and what it last had in common with the cloud."""

    name: str
    folder: MemoryFolder
    bridge: Bridge
    common: dict[str, bytes] = field(default_factory=dict)

    def holds(self, job: str) -> tuple[Job, str]:
        """What its journal knows of a job, and in which notebook."""
        found = self.bridge.store.journal.cell(job)
        assert found is not None, f"{self.name} does not know {job}"
        cell, place = found
        return cell.job, self.bridge.store.journal.place(place).name if place else ""


def synced(name: str) -> bool:
    return not name.startswith("forks/")


@pytest.fixture(scope="module", autouse=True)
def a_small_runtime() -> Iterator[None]:
    """Thousands of notebooks are merged here, and the hundred kilobytes of the real cell are the same in each."""
    with mock.patch.object(template, "runtime_source", return_value="# The runtime.\n"):
        yield


class Everybody(RuleBasedStateMachine):
    """The machines, the cloud between them, the tab, and what must be true in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0
        self.home = Path(tempfile.mkdtemp(prefix="everybody"))
        start = template.notebook_bytes(template.queue_notebook("q-everybody"))
        self.cloud: dict[str, bytes] = {QUEUE: start}
        self.machines = {name: self.machine(name, start) for name in MACHINES}
        self.tab: dict[str, Any] | None = None
        self.tab_file = QUEUE
        self.deleted_in_tab: set[str] = set()
        self.deletions = 0
        self.added: dict[str, str] = {}
        self.results: dict[str, list[Result]] = {}
        #: {job: attempt floor at which it was last taken back}; a retry raises the floor.
        self.off: dict[str, int] = {}
        self.typed = 0

    def teardown(self) -> None:
        try:
            self.come_to_rest()
            self.check()
        finally:
            for machine in self.machines.values():
                machine.bridge.close()
            shutil.rmtree(self.home, ignore_errors=True)

    # ---- the world

    def now(self) -> datetime:
        self.ticks += 1
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.ticks)

    def machine(self, name: str, start: bytes) -> Machine:
        home = self.home / name
        home.mkdir()
        folder = MemoryFolder(location=name, check_changes=False)
        folder.put(QUEUE, start)
        numbers = iter(range(100))
        journal = Journal(
            home / "journal.sqlite3",
            queue_id="q-everybody",
            fingerprint=name,
            new_writer=lambda: f"{name}{next(numbers)}",
        )
        journal.db.execute("PRAGMA synchronous = OFF")
        store = Store(
            transport=folder,
            journal=journal,
            lock=QueueLock(home / "lock", notify=ignore, now=lambda: 0.0),
            names=FileNames(stem="qwen_bridge"),
            clock=Clock(now=self.now, sleep=lambda _: None),
            notify=ignore,
            limits=PartLimits(part_jobs=5),
        )
        opened = wiring.Opened(
            store=store,
            shown=QUEUE,
            path=Path(QUEUE),
            source="test",
            settings=Settings(caller=name),
            home=home,
        )
        return Machine(name=name, folder=folder, bridge=Bridge(_opened=opened), common={QUEUE: start})

    def exchange(self, machine: Machine, *, cloud_wins: bool, fork: bool) -> bool:
        """Sync one machine with the cloud, both ways; says whether anything moved."""
        moved = False
        local = machine.folder.files
        for name in sorted(filter(synced, {*local, *self.cloud})):
            here, there, before = local.get(name), self.cloud.get(name), machine.common.get(name)
            if here == there:
                machine.common[name] = here or b""
                continue
            moved = True
            if here != before and there != before and here is not None and there is not None:
                if fork:
                    copy = next(c for n in range(1, 99) if (c := f"{name[:-6]} ({n}).ipynb") not in self.cloud | local)
                    self.cloud[copy] = here
                    machine.folder.put(copy, here)
                    machine.common[copy] = here
                upwards = not cloud_wins and not fork
            else:
                upwards = here != before if here is not None or before is not None else False
                if here is None and there != before:
                    upwards = False
                if there is None and here != before:
                    upwards = True
            content = here if upwards else there
            self.copy(machine, name, content, upwards=upwards)
        return moved

    def copy(self, machine: Machine, name: str, content: bytes | None, *, upwards: bool) -> None:
        if content is None:
            (self.cloud if upwards else machine.folder.files).pop(name, None)
            machine.common.pop(name, None)
            return
        machine.common[name] = content
        if upwards:
            self.cloud[name] = content
        else:
            machine.folder.put(name, content)

    def known(self, machine: Machine, *states: State) -> list[str]:
        return [line.id for line in machine.bridge.jobs(state=states)]

    # ---- what agents do

    @initialize(count=st.integers(1, 4))
    def begin(self, count: int) -> None:
        self.add("ann", count, keyed=False)
        for machine in self.machines.values():
            self.exchange(machine, cloud_wins=True, fork=False)

    @rule(agent=st.sampled_from(AGENTS), count=st.integers(1, 3), keyed=st.booleans())
    def add(self, agent: str, count: int, keyed: bool) -> None:
        for _ in range(count):
            n = len(self.added)
            body = f"Write %%qwen for key {n % 6}\n" if keyed else f"Write %%qwen number {n}\n"
            key = f"key {n % 6}" if keyed else None
            new = NewJob(body=body, options=Options(lang="python"), key=key, caller=agent)
            store = self.machines[agent].bridge.store
            [added] = enqueue(store, [new], part_notes=template.part_notes, randomness=self.ticks)
            self.added.setdefault(added.id, body)

    @rule(agent=st.sampled_from(AGENTS), pick=st.integers(0, 20))
    def cancel(self, agent: str, pick: int) -> None:
        machine = self.machines[agent]
        if jobs := self.known(machine, State.QUEUED, State.RUNNING):
            job = jobs[pick % len(jobs)]
            machine.bridge.cancel(job)
            self.taken_back(machine, job)

    @rule(agent=st.sampled_from(AGENTS), pick=st.integers(0, 20))
    def retry(self, agent: str, pick: int) -> None:
        machine = self.machines[agent]
        done = (State.SUCCEEDED, State.TRUNCATED, State.FAILED, State.CANCELLED, State.ARCHIVED)
        if jobs := self.known(machine, *done):
            machine.bridge.retry(jobs[pick % len(jobs)])

    @rule(agent=st.sampled_from(AGENTS), pick=st.integers(0, 20))
    def archive(self, agent: str, pick: int) -> None:
        machine = self.machines[agent]
        if jobs := self.known(machine, State.SUCCEEDED, State.TRUNCATED, State.FAILED, State.CANCELLED):
            try:
                machine.bridge.archive(jobs[pick % len(jobs)])
            except WrongState:  # deleted already: it is in no part
                assert machine.holds(jobs[pick % len(jobs)])[1] == ""

    @rule(name=st.sampled_from(MACHINES))
    def look(self, name: str) -> None:
        self.machines[name].bridge.status()

    # ---- what workers do

    @rule(name=st.sampled_from(WORKERS), pick=st.integers(0, 20))
    def claim(self, name: str, pick: int) -> None:
        machine = self.machines[name]
        if jobs := self.known(machine, State.QUEUED):
            lease_s = timedelta(seconds=20)

            def change(job: Job) -> Job:
                lease = Lease(worker=name, attempt=job.next_attempt(), expires_at=self.now() + lease_s)
                return job.evolve(lease=lease)

            self.rewrite(machine, jobs[pick % len(jobs)], change)

    @rule(name=st.sampled_from(WORKERS), pick=st.integers(0, 20), status=st.sampled_from(ResultStatus))
    def finish(self, name: str, pick: int, status: ResultStatus) -> None:
        machine = self.machines[name]
        journal = machine.bridge.store.journal
        mine = []
        for line in machine.bridge.jobs():
            job, _ = machine.holds(line.id)
            if job.lease and job.lease.worker == name and all(r.attempt < job.lease.attempt for r in job.results):
                mine.append(line.id)
        if not mine:
            return
        made: list[Result] = []

        def change(job: Job) -> Job:
            assert job.lease is not None
            made.append(self.result(job, job.lease.attempt, name, status))
            return job.evolve(results=(*job.results, *made))

        job = mine[pick % len(mine)]
        if self.rewrite(machine, job, change):
            self.results.setdefault(job, []).extend(made)
        assert journal.cell(job)

    def result(self, job: Job, attempt: int, worker: str, status: ResultStatus) -> Result:
        failed = status is ResultStatus.FAILED
        return Result(
            job=job.id,
            attempt=attempt,
            status=status,
            finished_at=self.now(),
            prompt_sha256=grammar.prompt_sha256(job.spec.body),
            worker={"id": worker},
            answer="" if failed else f"```python\nprint('{worker} {self.ticks}')\n```\n",
            error={"kind": "engine", "message": "out of memory"} if failed else None,
        )

    def rewrite(self, machine: Machine, job: str, change: Any) -> bool:
        """As a worker does it: into the notebook where the job is, if it is in a part."""
        journal = machine.bridge.store.journal

        def decide() -> bool:
            found = journal.cell(job)
            assert found is not None
            cell, place = found
            if not place or journal.place(place).kind != "part":
                return False
            journal.put(place, [merge.job_cell(change(cell.job), cell.dots, other_metadata(cell.raw))], now=self.now())
            journal.touch(place)
            return True

        return machine.bridge.store.change(decide, "working")

    # ---- what the sync client does

    @rule(name=st.sampled_from(MACHINES), cloud_wins=st.booleans(), fork=st.sampled_from([False, False, True]))
    def sync(self, name: str, cloud_wins: bool, fork: bool) -> None:
        self.exchange(self.machines[name], cloud_wins=cloud_wins, fork=fork)

    # ---- what a person does in a tab

    @precondition(lambda self: self.tab is None)
    @rule(pick=st.integers(0, 5))
    def open_tab(self, pick: int) -> None:
        files = [name for name in sorted(self.cloud) if FileNames(stem="qwen_bridge").number(name)]
        self.tab_file = files[pick % len(files)]
        self.tab = json.loads(self.cloud[self.tab_file])
        self.deleted_in_tab = set()

    @precondition(lambda self: self.tab is not None)
    @rule(pick=st.integers(0, 20), status=st.sampled_from(ResultStatus))
    def run_a_cell(self, pick: int, status: ResultStatus) -> None:
        assert self.tab is not None
        pending = [c for c in self.prompt_cells() if not c["outputs"] and "--cancelled" not in c["source"][0]]
        if not pending:
            return
        cell = pending[pick % len(pending)]
        header, body, _ = prompt_cell.read_header("".join(cell["source"]))
        if header.job is None:
            return
        attempt = cell["metadata"].get("bridge", {}).get("lease", {}).get("attempt", 0)
        job = prompt_cell.read_job(cell, header.job, header.job)
        assert job.spec.body == body
        cell["outputs"] = [
            result_record.write_output(self.result(job, max(attempt, header.attempt_floor) + 1, "tab", status))
        ]

    @precondition(lambda self: self.tab is not None and self.deletions < DELETIONS)
    @rule(pick=st.integers(0, 20))
    def delete_a_cell(self, pick: int) -> None:
        assert self.tab is not None
        if cells := self.prompt_cells():
            cell = cells[pick % len(cells)]
            self.tab["cells"].remove(cell)
            self.deletions += 1
            if job := prompt_cell.read_header("".join(cell["source"]))[0].job:
                self.deleted_in_tab.add(job)

    @precondition(lambda self: self.tab is not None)
    @rule()
    def type_a_cell(self) -> None:
        assert self.tab is not None
        self.typed += 1
        source = f"%%qwen --lang go\nA person asks {self.typed}"
        cell = {"cell_type": "code", "id": f"typed{self.typed}", "metadata": {}, "outputs": [], "source": [source]}
        self.tab["cells"].append(cell)

    @precondition(lambda self: self.tab is not None)
    @rule(save=saves, close=st.booleans(), witness=st.none() | st.sampled_from(MACHINES))
    def save_tab(self, save: Save, close: bool, witness: str | None) -> None:
        """Overwrite what is in the cloud, however much newer it is."""
        assert self.tab is not None
        data = colab_save(json.dumps(self.tab).encode(), save)
        self.cloud[self.tab_file] = data
        if witness:
            self.witness(self.machines[witness], data, save)
        if close:
            self.tab = None

    def witness(self, machine: Machine, data: bytes, save: Save) -> None:
        """A machine gets the save at once: from then on, what it saw must not be lost."""
        self.exchange(machine, cloud_wins=True, fork=False)
        machine.bridge.store.publish()
        for cell in codec.read_part(json_bytes.loads(data)).cells.values():
            if cell.kind.value != "job" or machine.bridge.store.journal.cell(cell.id) is None:
                continue
            job, place = machine.holds(cell.id)
            self.added.setdefault(cell.id, cell.job.spec.body)
            for result in cell.job.results:
                if place and job.counts(result, grammar.prompt_sha256(job.spec.body)):
                    self.results.setdefault(cell.id, []).append(result)
        for job_id in self.deleted_in_tab:
            if machine.bridge.store.journal.cell(job_id) is None:
                continue
            if not machine.holds(job_id)[1].startswith(QUEUE[:-6]):
                self.taken_back(machine, job_id)

    def taken_back(self, machine: Machine, job: str) -> None:
        self.off[job] = max(self.off.get(job, 0), machine.holds(job)[0].attempt_floor)

    def prompt_cells(self) -> list[dict[str, Any]]:
        assert self.tab is not None
        return [c for c in self.tab["cells"] if grammar.is_prompt_cell("".join(c["source"]))]

    # ---- the end

    def come_to_rest(self) -> None:
        for _ in range(20):
            before = dict(self.cloud)
            moved = False
            for machine in self.machines.values():
                moved |= self.exchange(machine, cloud_wins=True, fork=False)
                machine.bridge.store.publish()
                moved |= self.exchange(machine, cloud_wins=False, fork=False)
            if not moved and self.cloud == before:
                return
        raise AssertionError("the machines rewrite each other's files for ever")

    def check(self) -> None:
        where: dict[str, set[str]] = {}
        found: dict[str, Job] = {}
        for name, data in self.cloud.items():
            part = codec.read_part(json_bytes.loads(data), name=name)
            for job in [cell.job for cell in part.cells.values() if cell.kind.value == "job"]:
                where.setdefault(job.id, set()).add("archive" if name.startswith("archive/") else name)
                found[job.id] = found[job.id].join(job) if job.id in found else job
        assert set(self.added) <= set(where), "a job is lost"
        doubles = {job: places for job, places in where.items() if len(places) != 1}
        assert not doubles, f"jobs in more than one place: {doubles}"
        for machine in self.machines.values():
            files = {name: data for name, data in machine.folder.files.items() if synced(name)}
            assert files == self.cloud, f"{machine.name} has other files"
            assert not machine.bridge.jobs(state=State.BROKEN)
        for machine in self.machines.values():  # an archive is read when it is asked for
            store = machine.bridge.store
            store.take_in_archives()
        for job in found.values():
            self.check_job(job, where[job.id])

    def check_job(self, job: Job, where: set[str]) -> None:
        sha = grammar.prompt_sha256(job.spec.body)
        if job.id in self.added:
            assert sha == grammar.prompt_sha256(self.added[job.id]), "the prompt changed"
        best = job.best(sha)
        expected = [r for r in self.results.get(job.id, ()) if job.counts(r, sha)]
        if expected:
            wanted = max(expected, key=lambda r: r.merit)
            assert best is not None, f"{job.id} lost its result"
            assert best.merit >= wanted.merit, f"{job.id} has a worse result than was seen"
        state = job.state(best, self.now())
        if self.off.get(job.id, -1) >= job.attempt_floor:
            assert where == {"archive"} or state not in (State.QUEUED, State.RUNNING), f"{job.id} runs again"
        for machine in self.machines.values():
            known, place = machine.holds(job.id)
            at = "archive" if place.startswith("archive/") else place
            assert {at} == where, f"{machine.name} has {job.id} at {at!r}, the files at {where}"
            assert known.best(sha) == best, f"{machine.name} has another result of {job.id}"
            # A stripped cell stays as it is when it says the same, so birth and edit are not compared with the file.
            assert (known.spec.body, known.spec.options) == (job.spec.body, job.spec.options), (
                f"{machine.name} {job.id}"
            )
            assert known.attempt_floor == job.attempt_floor, f"{machine.name} has another attempt floor of {job.id}"


TestEverybody = pytest.mark.timeout(7200 if LONG else 300)(Everybody.TestCase)
TestEverybody.settings = settings(
    max_examples=1000 if LONG else 200,
    stateful_step_count=60 if LONG else 30,
    deadline=None,
    derandomize=not LONG,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def test_a_job_that_was_added_again_by_its_key_and_archived_elsewhere_is_in_the_archive_for_everybody():
    """A history that the machine above drew: the archive is read in the middle of taking in the part."""
    state = Everybody()
    try:
        state.begin(count=1)
        state.sync(cloud_wins=True, fork=False, name="bob")
        state.add(agent="ann", count=1, keyed=True)
        state.cancel(agent="ann", pick=1)
        state.archive(agent="bob", pick=12)
        state.archive(agent="ann", pick=0)
        state.look(name="wil")
        state.archive(agent="ann", pick=13)
        state.cancel(agent="ann", pick=13)
        state.look(name="bob")
        state.add(agent="ann", count=1, keyed=True)
        state.cancel(agent="ann", pick=14)
        state.finish(name="wil", pick=4, status=ResultStatus.FAILED)
        state.add(agent="ann", count=2, keyed=True)
        state.cancel(agent="bob", pick=19)
        state.add(agent="ann", count=2, keyed=True)
        state.add(agent="bob", count=1, keyed=True)
        state.finish(name="xen", pick=2, status=ResultStatus.TRUNCATED)
        state.look(name="ann")
        state.sync(cloud_wins=True, fork=False, name="xen")
        state.finish(name="xen", pick=18, status=ResultStatus.SUCCEEDED)
        state.cancel(agent="ann", pick=3)
        state.finish(name="xen", pick=2, status=ResultStatus.FAILED)
        state.add(agent="ann", count=3, keyed=True)
        state.add(agent="bob", count=2, keyed=False)
        state.archive(agent="bob", pick=11)
        state.archive(agent="bob", pick=16)
        state.finish(name="wil", pick=10, status=ResultStatus.FAILED)
        state.add(agent="ann", count=1, keyed=True)
        state.cancel(agent="ann", pick=12)
    finally:
        state.teardown()
