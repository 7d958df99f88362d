"""The queue's folder vanishes, is full or may not be written; the journal is full or locked: no answer is lost."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import QueueError, StorageFull
from bridge.core.events import EventKind
from bridge.engines.base import Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.store.lock import QueueLock
from bridge.store.store import Store
from bridge.transports.folder import Folder
from bridge.worker.loop import End
from tests.support.harness import Harness, shown_in
from tests.support.mounts import Mount, watched
from tests.support.queues import Queue, make_queue
from tests.support.unprivileged import NOBODY, as_nobody

#: What a dead mount of Drive says (facts on Colab, 3.7).
ERRNOS = [errno.ENOTCONN, errno.EIO]


def taking(harness: Harness, seconds: float) -> ScriptedEngine:
    """An engine whose answers take so long by the stepped clock."""

    def answer(request: Request) -> str:
        harness.clock.spend(seconds)
        return f"Answer to: {request.text}"

    return ScriptedEngine(answer)


@pytest.mark.parametrize("number", ERRNOS, ids=lambda n: errno.errorcode[n])
def test_a_mount_that_dies_stops_the_publishing_and_not_the_work(
    harness: Harness, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.add(*(f"{n}" for n in range(30)))
    engine = taking(harness, 10)
    worker = harness.worker(engine)
    mount = Mount(harness.path.parent, number)
    answered_while_dead: list[int] = []

    def back() -> None:
        answered_while_dead.append(worker.summary.answered)
        mount.back()

    harness.clock.at(50, lambda: setattr(mount, "dead", True))
    harness.clock.at(250, back)
    with watched(mount, monkeypatch):
        done = worker.run()
    assert (done.answered, done.unpublished) == (30, None)
    assert answered_while_dead[0] > 10  # what was claimed already went on
    assert len(harness.told(EventKind.BLOCKED)) == 1
    assert "tried again" in harness.told(EventKind.BLOCKED)[0]
    assert len(harness.told(EventKind.PUBLISHED)) == 1
    assert all("Answer to" in text for text in harness.shown().values())


@pytest.mark.parametrize("mode", ["replace", "inplace"])
@pytest.mark.parametrize("number", ERRNOS, ids=lambda n: errno.errorcode[n])
def test_a_mount_may_die_in_the_middle_of_anything(
    harness: Harness, number: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (harness.path.parents[1] / "bridge.toml").write_text(f'write_mode = "{mode}"\n')
    moment, died = 1, 1
    while died:  # at each call that the worker makes of the operating system, one after the other
        moment += 2
        harness.clock.waits = 0
        harness.add(f"prompt {moment}")
        worker = harness.worker(taking(harness, 2))
        mount = Mount(harness.path.parent, number, dies_at_call=moment)
        with watched(mount, monkeypatch):
            mount.on_death.append(lambda m=mount: harness.clock.at(harness.clock.seconds + 20, m.back))
            try:
                done = worker.run()
            except QueueError:  # at the start: said, and nothing is lost
                done = None
            mount.back()
        died = mount.refused
        harness.clock.agenda.clear()
        if done is None:
            harness.work(ScriptedEngine())
        else:
            assert done.unpublished is None
    assert harness.states() == {"succeeded": moment // 2}
    assert len(harness.shown()) == moment // 2
    assert all("Answer to" in text for text in harness.shown().values())
    assert moment > 40


def test_a_folder_that_is_gone_is_not_made_anew_and_gets_its_results_when_it_is_back(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(20)))
    folder, away = harness.path.parent, harness.path.parent.with_name("away")
    in_its_place: list[bool] = []
    harness.clock.at(40, lambda: folder.rename(away))
    for second in (60, 90, 119):
        harness.clock.at(second, lambda: in_its_place.append(folder.exists()))
    harness.clock.at(120, lambda: away.rename(folder))
    done = harness.work(taking(harness, 9))
    assert (done.answered, done.unpublished) == (20, None)
    assert in_its_place == [False] * 3
    assert all("Answer to" in text for text in harness.shown().values())


def test_a_folder_that_does_not_come_back_ends_the_worker_and_the_next_command_publishes(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(4)))
    folder, away = harness.path.parent, harness.path.parent.with_name("away")
    engine = taking(harness, 9)
    worker = harness.worker(engine)
    harness.clock.at(5, lambda: folder.rename(away))
    done = worker.run()
    assert "is gone" in (done.unpublished or "")
    assert done.answered >= 2
    assert not folder.exists()
    assert harness.clock.seconds < 200
    away.rename(folder)
    asked = len(engine.requests)
    harness.work(engine)
    assert len(engine.requests) - asked == 4 - done.answered  # none is asked for twice
    assert all("Answer to" in text for text in harness.shown().values())


def test_a_folder_that_may_not_be_written_keeps_the_answers_in_the_journal_and_says_why(tmp_path: Path) -> None:
    import shutil
    import tempfile

    home = Path(tempfile.mkdtemp())  # those of pytest are their owner's only
    try:
        queue = make_queue(home / "queue")
        (home / "state").mkdir()
        for path in (home, *home.rglob("*")):
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)

        def work() -> tuple[Any, ...]:
            os.environ["BRIDGE_STATE_DIR"] = str(home / "state")
            os.chdir(home)
            harness = Harness(Queue(queue))
            harness.add("a", "b", "c")
            queue.chmod(0o444)
            queue.parent.chmod(0o555)
            engine = ScriptedEngine()
            done = harness.work(engine, last_tries_s=10.0)
            blocked = harness.told(EventKind.BLOCKED)
            queue.parent.chmod(0o755)
            queue.chmod(0o644)
            again = harness.work(engine)
            return done.answered, done.unpublished, blocked, len(engine.requests), again.unpublished, harness.states()

        answered, unpublished, blocked, requests, again, states = as_nobody(work)
        assert (answered, requests, again, states) == (3, 3, None, {"succeeded": 3})
        assert "permission" in unpublished.lower()
        assert len(blocked) == 1
    finally:
        shutil.rmtree(home)


def test_a_full_disk_under_the_notebook_is_waited_for(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.add(*(f"{n}" for n in range(20)))
    fsync = os.fsync
    full: list[bool] = []

    def sync(handle: int) -> None:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", sync)
    harness.clock.at(20, lambda: full.append(True))
    harness.clock.at(100, full.clear)
    done = harness.work(taking(harness, 9))
    assert (done.answered, done.unpublished) == (20, None)
    assert "no space left" in harness.told(EventKind.BLOCKED)[0]
    assert all("Answer to" in text for text in harness.shown().values())


def fill(store: Store, *, full: bool) -> None:
    """Let the journal's database grow no more, as on a full disk; or let it again."""
    pages = store.journal.db.execute("PRAGMA page_count").fetchone()[0] if full else 1_000_000
    store.journal.db.execute(f"PRAGMA max_page_count = {pages}")


def test_answers_that_the_journal_has_no_room_for_are_kept_until_it_has(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(6)))
    gates = [threading.Event() for _ in range(6)]
    engine = ScriptedEngine()
    engine.enqueue(*[Scripted(text=f"answer {n} " + "long " * 3000, gate=gate) for n, gate in enumerate(gates)])
    worker = harness.worker(engine, lanes=2)
    harness.clock.at(10, lambda: (fill(worker.store, full=True), [gate.set() for gate in gates]))
    asked_while_full: list[int] = []
    harness.clock.at(59, lambda: asked_while_full.append(len(engine.requests)))
    harness.clock.at(60, lambda: fill(worker.store, full=False))
    done = worker.run()
    assert (done.answered, done.unpublished, done.unwritten) == (6, None, 0)
    assert len(engine.requests) == 6  # no answer had to be asked for twice
    assert asked_while_full[0] <= 4  # two answers for each lane wait to be written: nothing more is begun
    assert harness.clock.seconds >= 60
    assert harness.states() == {"succeeded": 6}


def test_a_worker_that_is_stopped_while_the_journal_is_full_says_that_answers_are_lost(harness: Harness) -> None:
    harness.add("a", "b")
    gate = threading.Event()
    engine = ScriptedEngine()
    engine.enqueue(*[Scripted(text="long " * 40_000, gate=gate)] * 2)
    worker = harness.worker(engine, lanes=2)
    harness.clock.at(10, lambda: (fill(worker.store, full=True), gate.set()))
    harness.clock.at(60, worker.ask_to_stop)
    done = worker.run()
    assert done.end is End.STOPPED
    assert done.unwritten == 2
    assert "no space left" in (done.unpublished or "")
    fill(worker.store, full=False)
    assert harness.work(ScriptedEngine()).answered == 2  # the jobs themselves are not lost


def test_a_journal_that_is_full_at_the_first_claim_ends_the_worker_with_that_message(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(4)))
    before = set(threading.enumerate())
    worker = harness.worker(ScriptedEngine())

    def claim_on_a_full_disk(*args: Any, **kwargs: Any) -> Any:
        raise StorageFull("no space left for the journal")

    object.__setattr__(worker.claims, "claim", claim_on_a_full_disk)
    with pytest.raises(StorageFull, match="no space left"):
        worker.run()
    assert harness.states() == {"queued": 4}
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("lane-")]


def test_a_lock_that_another_program_holds_for_long_delays_the_writing_and_loses_nothing(harness: Harness) -> None:
    (harness.path.parents[1] / "bridge.toml").write_text("lock_patience_s = 0.05\n")
    harness.add(*(f"{n}" for n in range(4)))
    gate = threading.Event()
    engine = ScriptedEngine()
    engine.enqueue(*[Scripted(gate=gate)] * 4)
    worker = harness.worker(engine, lanes=2)
    [home] = (harness.path.parents[1] / "state/queues").iterdir()
    other = QueueLock(home / "lock", notify=lambda _: None, now=harness.clock.now_s)
    held = other.held("doing something else for a long time")
    harness.clock.at(10, lambda: (held.__enter__(), gate.set()))
    harness.clock.at(30, lambda: held.__exit__(None, None, None))
    done = worker.run()
    assert (done.answered, done.unpublished) == (4, None)
    assert len(engine.requests) == 4
    assert "held by" in harness.told(EventKind.BLOCKED)[0]


class Counted:
    """Counts the writes of notebooks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.notebooks = 0
        self.size = 0
        real: Callable[..., Any] = Folder.stage

        def stage(folder: Folder, name: str, data: bytes, **kwargs: Any) -> Any:
            self.notebooks += name.endswith(".ipynb")
            self.size += len(data) * name.endswith(".ipynb")
            return real(folder, name, data, **kwargs)

        monkeypatch.setattr(Folder, "stage", stage)


@pytest.mark.parametrize("every_s", [3.0, 30.0])
def test_the_notebook_is_written_at_most_once_in_its_time_however_many_jobs_end(
    harness: Harness, every_s: float, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    harness.add(*(f"{n}" for n in range(100)))
    writes = Counted(monkeypatch)
    done = harness.work(taking(harness, 1), publish_s=every_s)
    assert done.answered == 100
    assert writes.notebooks <= harness.clock.seconds / every_s + 4
    assert writes.notebooks < 45
    record_property("figures", f"{writes.notebooks} writes for 100 jobs, at most one in {every_s} s")


def test_an_answer_is_on_disk_before_it_is_told(harness: Harness) -> None:
    import sqlite3

    harness.add("a", "b", "c")
    worker = harness.worker(ScriptedEngine())
    on_disk: list[bool] = []

    def listen(event: Any) -> None:
        if event.kind is EventKind.ANSWERED:
            with sqlite3.connect(worker.store.journal.path) as other:
                found = other.execute("SELECT state FROM cell WHERE id = ?", (event.facts["job"],)).fetchone()
            other.close()
            on_disk.append(found == ("succeeded",))

    worker.notify = listen
    worker.run()
    assert on_disk == [True] * 3


def test_jobs_in_parts_are_published_part_by_part_and_none_is_written_that_did_not_change(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (harness.path.parents[1] / "bridge.toml").write_text("part_jobs = 10\n")
    harness.add(*(f"{n}" for n in range(40)))
    first = harness.worker(taking(harness, 1), max_time_s=8.0)
    first.run()
    untouched = {file.name: file.stat().st_mtime_ns for file in harness.path.parent.glob("*part-000[34]*")}
    assert len(untouched) == 2
    second = harness.worker(taking(harness, 1), max_time_s=6.0)
    second.run()
    assert {file.name: file.stat().st_mtime_ns for file in harness.path.parent.glob("*part-000[34]*")} == untouched
    harness.work(ScriptedEngine())
    assert all("Answer to" in text for text in shown_in(harness.path.parent).values())
