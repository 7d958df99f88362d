"""The table of edges against the code: whatever is done to jobs, in any order, each observed move is an edge of the table.

BRIDGE_TEST_PROFILE=long runs many more and longer histories.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
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
from bridge.api.views import FINAL, READY
from bridge.core.chat import FinishReason
from bridge.core.clock import Clock
from bridge.core.errors import Refused, WrongState
from bridge.core.events import ignore
from bridge.core.states import EDGES, Move, State, require, sources
from bridge.engines.base import Answer
from bridge.format import json_bytes, template
from bridge.format.file_names import FileNames
from bridge.store import review_state
from bridge.store.journal import Journal
from bridge.store.lock import QueueLock
from bridge.store.store import Store
from bridge.transports.memory import MemoryFolder
from bridge.wiring.settings import Settings
from bridge.worker.claims import ClaimedJob, Claims
from bridge.worker.leases import Leases

LONG = os.environ.get("BRIDGE_TEST_PROFILE") == "long"
QUEUE = "qwen_bridge.ipynb"
LEASE_S = 900.0
MOVES = {(edge.source, edge.target) for edge in EDGES}
pick = st.integers(0, 20)


@pytest.fixture(scope="module", autouse=True)
def a_small_runtime() -> Iterator[None]:
    """The hundred kilobytes of the real runtime cell are the same in each of thousands of notebooks."""
    with mock.patch.object(template, "runtime_source", return_value="# The runtime.\n"):
        yield


class Jobs(RuleBasedStateMachine):
    """One queue; after each step, every job's state and what moved."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="edges"))
        self.seconds = 0.0
        self.folder = MemoryFolder(location="here", check_changes=False)
        self.folder.put(QUEUE, template.notebook_bytes(template.queue_notebook("q-edges")))
        journal = Journal(
            self.home / "journal.sqlite3", queue_id="q-edges", fingerprint="this machine", new_writer=lambda: "w1"
        )
        journal.db.execute("PRAGMA synchronous = OFF")
        self.store = Store(
            transport=self.folder,
            journal=journal,
            lock=QueueLock(self.home / "lock", notify=ignore, now=lambda: 0.0),
            names=FileNames(stem="qwen_bridge"),
            clock=Clock(now=self.now, sleep=lambda _: None),
            notify=ignore,
        )
        opened = wiring.Opened(
            store=self.store, shown=QUEUE, path=Path(QUEUE), source="test", settings=Settings(caller="ann"), home=self.home
        )  # fmt: skip
        self.bridge = Bridge(_opened=opened)
        self.workers = {name: self.worker(name) for name in ("wil", "xen")}
        self.tasks: list[tuple[str, ClaimedJob]] = []  #: claims that may still get an answer, also after they ran out
        self.edits = 0

    def teardown(self) -> None:
        self.bridge.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def worker(self, name: str) -> Claims:
        return Claims(
            store=self.store, leases=Leases(length_s=LEASE_S, is_dead=lambda _: False), worker=name, about=dict,
            model_of=lambda asked: asked or "m", max_attempts=2, patience=timedelta(hours=1),
        )  # fmt: skip

    # ---- looking

    def states(self) -> dict[str, State]:
        return {line.id: line.state for line in self.bridge.jobs()}

    def facts(self) -> list[Any]:
        views = self.bridge.views(sorted(self.states()))
        return [(view.to_json(), view.delivered_at) for view in views]

    def everything(self) -> tuple[Any, ...]:
        return (self.facts(), dict(self.folder.files))

    def step(self, act: Callable[[], object]) -> None:
        """Do it: each job moves along one edge or stays; what is refused changes nothing."""
        self.seconds += 1
        before, all_before = self.states(), self.everything()
        try:
            act()
        except WrongState:
            assert self.everything() == all_before
            return
        after = self.states()
        assert set(before) <= set(after), "a job is gone"
        for job, state in after.items():
            was = before.get(job)
            if was is None:
                assert state is State.QUEUED
            elif was is not state:
                assert (was, state) in MOVES, f"{was.value} → {state.value} is no edge"

    def chosen(self, n: int) -> str:
        jobs = sorted(self.states())
        return jobs[n % len(jobs)]

    def command(self, move: Move, job: str, act: Callable[[], object]) -> None:
        """A command is refused exactly where the table has no such edge."""
        state = self.states()[job]
        allowed = state in sources(move)

        def checked() -> None:
            try:
                act()
            except WrongState:
                assert not allowed, f"{move.name} of a {state.value} job was refused"
                raise
            assert allowed or self.states()[job] is state, f"{move.name} of a {state.value} job was not refused"

        self.step(checked)

    # ---- what happens

    @initialize()
    def begin(self) -> None:
        self.add()

    @rule()
    def add(self) -> None:
        self.step(lambda: self.bridge.add(f"prompt {len(self.states())}"))

    @rule(name=st.sampled_from(["wil", "xen"]), room=st.integers(1, 2))
    def claim(self, name: str, room: int) -> None:
        def act() -> None:
            held = frozenset(task.job.id for worker, task in self.tasks if worker == name)
            taken = self.workers[name].claim(room, loaded=None, held=held, now_s=self.seconds)
            self.tasks += [(name, task) for task in taken]

        self.step(act)

    @precondition(lambda self: self.tasks)
    @rule(n=pick, reason=st.sampled_from(["stop", "length"]))
    def answer_comes(self, n: int, reason: str) -> None:
        name, task = self.tasks.pop(n % len(self.tasks))
        answer = Answer(
            text=f"answer {self.seconds}", finish_reason=FinishReason(reason), model="m", usage={}, timing_s={}
        )
        self.step(lambda: self.workers[name].finish(task, answer))

    @precondition(lambda self: self.tasks)
    @rule(n=pick)
    def failure_comes(self, n: int) -> None:
        name, task = self.tasks.pop(n % len(self.tasks))
        self.step(lambda: self.workers[name].fail(task, Refused("no"), waited_s=1.0))

    @precondition(lambda self: self.tasks)
    @rule(n=pick)
    def claim_is_given_back(self, n: int) -> None:
        name, task = self.tasks.pop(n % len(self.tasks))
        self.step(lambda: self.workers[name].give_back([task]))

    @rule()
    def leases_run_out(self) -> None:
        def act() -> None:
            self.seconds += LEASE_S + 1

        self.step(act)

    @rule(n=pick)
    def cancel(self, n: int) -> None:
        job = self.chosen(n)
        if self.states()[job] is State.CANCELLED:
            before = self.facts()
            self.bridge.cancel(job)
            assert self.facts() == before
        else:
            self.command(Move.CANCEL, job, lambda: self.bridge.cancel(job))

    @rule(n=pick)
    def retry(self, n: int) -> None:
        job = self.chosen(n)
        self.command(Move.RETRY, job, lambda: self.bridge.retry(job))

    @rule(n=pick)
    def answer_by_hand(self, n: int) -> None:
        job = self.chosen(n)
        self.command(Move.ANSWER, job, lambda: self.bridge.answer(job, f"by hand {self.seconds}"))

    @rule(n=pick)
    def archive(self, n: int) -> None:
        job = self.chosen(n)
        if self.states()[job] is State.ARCHIVED:
            before = self.facts()
            self.bridge.archive(job)
            assert self.facts() == before
        else:
            self.command(Move.ARCHIVE, job, lambda: self.bridge.archive(job))

    @rule()
    def check_what_is_due(self) -> None:
        def act() -> None:
            for due in self.store.look(review_state.due):
                failed = self.states()[due.job] is State.FAILED
                verdict = None if failed else "clean"
                review_state.record(self.store.journal, due, verdict=verdict, level=None, payload={}, now=self.now())

        self.step(lambda: self.store.journal_only(act, "checking"))

    @rule(n=pick)
    def hand_over(self, n: int) -> None:
        job = self.chosen(n)

        def act() -> None:
            before = self.bridge.get(job)
            self.store.journal_only(
                lambda: review_state.deliver(self.store.journal, job, to="wait", now=self.now()), "handing over"
            )
            after = self.bridge.get(job)
            if before.delivered_at is not None:
                assert after.delivered_at == before.delivered_at  # once
            if before.state is State.FAILED:
                assert after.state is State.FAILED

        self.step(act)

    # ---- what a person does to the notebook

    def edit(self, job: str, change: Callable[[str], str]) -> None:
        def act() -> None:
            notebook = json_bytes.loads(self.folder.files[QUEUE])
            for cell in notebook["cells"]:
                source = "".join(cell["source"])
                if cell["id"] == job:
                    cell["source"] = change(source).splitlines(keepends=True)
            self.folder.put(QUEUE, json_bytes.dumps(notebook))
            self.store.publish()

        self.store.publish()  # what the workers did is in the file that the person sees
        self.step(act)

    @rule(n=pick)
    def header_is_broken(self, n: int) -> None:
        job = self.chosen(n)

        def change(source: str) -> str:
            if " --no-such-flag" in source:
                return source
            first, _, rest = source.partition("\n")
            return f"{first} --no-such-flag\n{rest}"

        self.edit(job, change)

    @rule(n=pick)
    def header_is_mended(self, n: int) -> None:
        self.edit(self.chosen(n), lambda source: source.replace(" --no-such-flag", ""))

    @rule(n=pick)
    def prompt_is_edited(self, n: int) -> None:
        self.edits += 1
        self.edit(self.chosen(n), lambda source: f"{source}\nand more {self.edits}")


TestJobs = pytest.mark.timeout(7200 if LONG else 300)(Jobs.TestCase)
TestJobs.settings = settings(
    max_examples=500 if LONG else 40,
    stateful_step_count=60 if LONG else 30,
    deadline=None,
    derandomize=not LONG,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def test_which_states_are_final_and_ready_follows_from_the_table():
    assert frozenset(State) - FINAL == {State.QUEUED, State.RUNNING}
    assert {State.SUCCEEDED, State.TRUNCATED} == FINAL - READY


def test_only_a_checked_result_becomes_delivered():
    assert sources(Move.DELIVER) == {State.CHECKED}
    assert {
        edge.source for edge in EDGES if edge.target is State.DELIVERED and edge.move not in (Move.MEND, Move.EDIT)
    } == {State.CHECKED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", [Move.CANCEL, Move.RETRY, Move.ANSWER, Move.ARCHIVE, Move.CLAIM])
def test_a_move_is_refused_exactly_where_no_edge_of_it_begins(move: Move, state: State):
    if any(edge.move is move and edge.source is state for edge in EDGES):
        require(move, "01JOB", state)
        return
    with pytest.raises(WrongState, match=f"01JOB is {state.value}"):
        require(move, "01JOB", state)
