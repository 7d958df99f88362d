"""What becomes of a queue when its files are overwritten, deleted, copied, cut and edited behind its back."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, NewJob, State, wiring
from bridge.core.errors import (
    NotAQueue,
    QueueChanged,
    QueueError,
    QueueNotFound,
    QueueUnreadable,
    StorageFull,
    WaitTimedOut,
)
from bridge.core.events import EventKind
from bridge.store.rebuild import rebuild_notebooks, take_in_everything
from bridge.transports.memory import MemoryFolder
from tests.support.queues import (
    Queue,
    body_of,
    ids_in,
    jobs_on_disk,
    load,
    make_queue,
    note,
    save,
)  # fmt: skip
from tests.support.unprivileged import as_nobody


def states(bridge: Bridge) -> dict[str, State]:
    return {line.id: line.state for line in bridge.jobs()}


def without(notebook: dict[str, Any], *jobs: str) -> dict[str, Any]:
    cells = [cell for cell in notebook["cells"] if not any(job in "".join(cell["source"]) for job in jobs)]
    return {**notebook, "cells": cells}


# ---- versions that others leave


def test_a_stale_tab_save_does_not_lose_new_jobs(queue: Queue) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    stale = queue.load()
    second = bridge.add("two")
    queue.save(stale)
    assert states(bridge) == {first: State.QUEUED, second: State.QUEUED}
    assert ids_in(queue.load()) == [first]  # looking writes nothing, and does not say that it does
    assert [
        told.endswith("the next command that writes the notebook puts them back")
        for told in queue.told(EventKind.RESTORED)
    ] == [True]
    third = bridge.add("three")
    assert sorted(ids_in(queue.load())) == sorted([first, second, third])
    queue.save(stale)
    bridge.add("four")
    assert queue.told(EventKind.RESTORED)[-1].endswith("; put back")


def test_an_older_revision_from_drives_history_keeps_everything_newer(queue: Queue) -> None:
    bridge = queue.open()
    jobs = [bridge.add(f"job {n}") for n in range(3)]
    old = queue.path.read_bytes()
    jobs += [bridge.add(f"job {n}") for n in range(3, 8)]
    bridge.answer(jobs[0], "the answer")
    bridge.cancel(jobs[1])
    queue.path.write_bytes(old)
    bridge.store.publish()
    assert sorted(ids_in(queue.load())) == sorted(jobs)
    found = states(bridge)
    assert (found[jobs[0]], found[jobs[1]], found[jobs[7]]) == (State.SUCCEEDED, State.CANCELLED, State.QUEUED)
    assert bridge.get(jobs[0]).answer == "the answer"


def test_deleting_a_cell_cancels_its_job_and_moves_it_to_the_archive(queue: Queue) -> None:
    bridge = queue.open()
    keep, drop = bridge.add("keep"), bridge.add("drop")
    queue.save(without(queue.load(), drop))
    bridge.store.publish()
    assert states(bridge) == {keep: State.QUEUED, drop: State.ARCHIVED}
    assert bridge.get(drop).job.cancelled
    assert ids_in(queue.load()) == [keep]
    [archive] = (queue.path.parent / "archive").glob("*.ipynb")
    assert ids_in(load(archive)) == [drop]


@pytest.mark.parametrize(
    ("jobs", "deleted", "believed"),
    [
        (10, 5, True),  # half is not more than half
        (10, 6, False),
        (5, 5, False),
        (4, 4, True),  # fewer than five
    ],
)
def test_a_version_that_would_cancel_most_open_jobs_at_once_is_not_believed(
    queue: Queue, jobs: int, deleted: int, believed: bool
) -> None:
    bridge = queue.open()
    ids = [job.id for job in bridge.add_many([NewJob(body=f"job {n}") for n in range(jobs)])]
    queue.save(without(queue.load(), *ids[:deleted]))
    bridge.store.publish()
    assert len(ids_in(queue.load())) == (jobs - deleted if believed else jobs)
    assert len(bridge.status().doubted) == (0 if believed else deleted)
    assert bool(queue.told(EventKind.SUSPECT_DELETION)) is not believed
    if not believed:
        assert sorted(bridge.confirm_doubted(cancel=True)) == sorted(ids[:deleted])
        assert bridge.status().doubted == ()
        assert {states(bridge)[job] for job in ids[:deleted]} == {State.CANCELLED}


def test_a_fork_is_folded_in_and_moved_aside_under_a_name_of_its_own(queue: Queue) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    for n in range(2):
        fork = queue.load()
        fork["cells"].append({"cell_type": "code", "metadata": {}, "source": [f"%%qwen\nfrom the fork {n}"],
                              "outputs": [], "execution_count": None, "id": f"x{n}"})  # fmt: skip
        save(queue.path.with_name("qwen_bridge (1).ipynb"), fork)
        bridge.store.publish()
    found = bridge.jobs()
    assert len(found) == 3
    assert first in [line.id for line in found]
    assert sorted(p.name for p in queue.path.parent.glob("*.ipynb")) == ["qwen_bridge.ipynb"]
    assert sorted(p.name for p in (queue.path.parent / "forks").iterdir()) == [
        "2-qwen_bridge (1).ipynb", "qwen_bridge (1).ipynb",
    ]  # fmt: skip


def test_a_fork_that_was_folded_in_by_a_killed_command_is_moved_by_the_next(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = queue.open()
    bridge.add("one")
    shutil.copy(queue.path, queue.path.with_name("qwen_bridge (1).ipynb"))
    with monkeypatch.context() as patch:

        def killed(*_: object) -> str:
            raise KeyboardInterrupt

        patch.setattr(type(bridge.store.transport), "set_aside", killed)
        with pytest.raises(KeyboardInterrupt):
            bridge.store.publish()
    queue.close()
    bridge = queue.open()
    bridge.store.publish()
    assert [p.name for p in queue.path.parent.glob("*.ipynb")] == ["qwen_bridge.ipynb"]


def test_a_fork_that_cannot_be_moved_does_not_fail_the_command_that_is_done(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = queue.open()
    shutil.copy(queue.path, queue.path.with_name("qwen_bridge (1).ipynb"))

    def refused(*_: object) -> str:
        raise QueueError("no permission")

    monkeypatch.setattr(type(bridge.store.transport), "set_aside", refused)
    job = bridge.add("one")
    assert ids_in(queue.load()) == [job]
    assert "no permission" in queue.told(EventKind.CONFLICT_COPY)[0]


def test_other_notebooks_in_the_folder_are_left_alone(queue: Queue) -> None:
    folder = queue.path.parent
    make_queue(folder, queue_id="another-queue", name="other.ipynb")
    save(folder / "mine.ipynb", {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (folder / "half.ipynb").write_bytes(b'{"cells": [')
    (folder / "a.ipynb").mkdir()
    before = {p.name: p.read_bytes() for p in folder.glob("*.ipynb") if p.is_file() and p != queue.path}
    queue.open().add("one")
    assert {p.name: p.read_bytes() for p in folder.glob("*.ipynb") if p.is_file() and p != queue.path} == before
    assert not (folder / "forks").exists()


def test_an_archive_notebook_that_was_copied_beside_the_queue_is_no_part_of_it(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    bridge.answer(job, "done")
    bridge.archive(job)
    [archive] = (queue.path.parent / "archive").glob("*.ipynb")
    shutil.copy(archive, queue.path.parent / "copied.ipynb")
    other = bridge.add("two")
    assert states(bridge) == {job: State.ARCHIVED, other: State.QUEUED}
    assert sorted(p.name for p in queue.path.parent.glob("*.ipynb")) == ["copied.ipynb", "qwen_bridge.ipynb"]


# ---- files that are gone, cut or foreign


def test_a_part_that_vanished_is_written_again(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 2\n")
    bridge = queue.open()
    ids = [job.id for job in bridge.add_many([NewJob(body=f"job {n}") for n in range(3)])]
    (queue.path.with_name("qwen_bridge.part-0002.ipynb")).unlink()
    bridge.store.publish()
    assert ids_in(load(queue.path.with_name("qwen_bridge.part-0002.ipynb"))) == ids[2:]


def test_a_half_written_notebook_is_waited_for(queue: Queue) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    whole = queue.path.read_bytes()
    queue.path.write_bytes(whole[: len(whole) // 2])
    queue.hand.while_asleep = lambda: queue.path.write_bytes(whole) and None
    second = bridge.add("two")
    assert sorted(ids_in(queue.load())) == sorted([first, second])
    assert len(queue.told(EventKind.WAITING)) == 1
    assert queue.hand.slept_s < 1


def test_a_notebook_that_stays_half_written_is_refused_and_not_touched(queue: Queue) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    half = queue.path.read_bytes()[:-200]
    queue.path.write_bytes(half)
    for act in (lambda: bridge.add("two"), bridge.jobs, bridge.store.publish):
        with pytest.raises(QueueUnreadable, match="not whole JSON"):
            act()
    assert queue.path.read_bytes() == half
    assert 5 <= queue.hand.slept_s / 3 < 6
    assert len(queue.told(EventKind.WAITING)) == 3
    assert rebuild_notebooks(bridge.store) == ["qwen_bridge.ipynb"]
    assert ids_in(queue.load()) == [first]
    assert [p.read_bytes() for p in (queue.path.parent / "damaged").iterdir()] == [half]


def test_a_notebook_that_changes_while_it_is_read_is_waited_for(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    whole, read_bytes = queue.path.read_bytes(), Path.read_bytes
    syncing = [True]

    def read_while_it_comes(path: Path) -> bytes:
        data = read_bytes(path)
        if syncing[0] and path == queue.path:
            with path.open("ab") as file:
                file.write(b" ")
        return data

    def arrive() -> None:
        syncing[0] = False
        queue.path.write_bytes(whole)

    queue.path.write_bytes(whole[:100])
    queue.hand.while_asleep = arrive
    monkeypatch.setattr(Path, "read_bytes", read_while_it_comes)
    second = bridge.add("two")
    assert sorted(ids_in(queue.load())) == sorted([first, second])


def test_another_queues_file_in_our_place_is_refused_and_not_touched(queue: Queue) -> None:
    bridge = queue.open()
    bridge.add("one")
    make_queue(queue.path.parent, queue_id="another-queue")
    theirs = queue.path.read_bytes()
    with pytest.raises(NotAQueue, match="another queue"):
        bridge.add("two")
    assert queue.path.read_bytes() == theirs


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "not a notebook"),
        ('{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', "nbformat 3"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "without `bridge` metadata"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {"bridge": {"schema": 2, "queue_id": "11111111-2222-4333-8444-'
         '555555555555", "part": 1}}, "cells": []}', "schema 2"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_queue_we_can_read_changes_nothing(queue: Queue, content: str, reason: str) -> None:
    bridge = queue.open()
    first = bridge.add("one")
    good = queue.path.read_bytes()
    queue.path.write_text(content)
    with pytest.raises(NotAQueue, match=reason):
        bridge.add("two")
    assert queue.path.read_text() == content
    queue.path.write_bytes(good)
    assert list(states(bridge)) == [first]


def test_a_missing_notebook_is_not_taken_for_an_empty_queue(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    queue.path.unlink()
    with pytest.raises(QueueNotFound, match="bridge rebuild"):
        queue.open()
    assert list(states(bridge)) == [job]


# ---- size


def test_a_batch_that_does_not_fit_opens_further_parts(queue: Queue) -> None:
    bridge = queue.open()
    ids = [job.id for job in bridge.add_many([NewJob(body=f"job {n}") for n in range(900)])]
    parts = [queue.load(), load(queue.path.with_name("qwen_bridge.part-0002.ipynb")),
             load(queue.path.with_name("qwen_bridge.part-0003.ipynb"))]  # fmt: skip
    assert [len(ids_in(part)) for part in parts] == [400, 400, 100]
    assert [job for part in parts for job in ids_in(part)] == ids
    assert {part["metadata"]["bridge"]["queue_id"] for part in parts} == {bridge.store.journal.queue_id}
    assert [part["metadata"]["bridge"]["part"] for part in parts] == [1, 2, 3]


def test_a_part_stays_below_4_mb_with_its_answers(queue: Queue) -> None:
    bridge = queue.open()
    bridge.add_many([NewJob(body="x" * 300_000) for _ in range(30)])
    sizes = [path.stat().st_size for path in sorted(queue.path.parent.glob("*.ipynb"))]
    assert len(sizes) == 3
    assert all(size + 12 * 8_000 < 4_100_000 for size in sizes)


def test_only_parts_that_changed_are_written(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 2\n")
    bridge = queue.open()
    bridge.add_many([NewJob(body=f"job {n}") for n in range(5)])
    before = {path: path.stat().st_mtime_ns for path in queue.path.parent.glob("*.ipynb")}
    bridge.add("one more")
    changed = [path.name for path, then in before.items() if path.stat().st_mtime_ns != then]
    assert changed == ["qwen_bridge.part-0003.ipynb"]


def test_a_finished_job_whose_cell_is_deleted_is_put_away_and_not_cancelled(queue: Queue) -> None:
    bridge = queue.open()
    done, open_ = bridge.add("Write a function."), bridge.add("Write another one.")
    bridge.answer(done, "It is written.")
    queue.save(without(queue.load(), done, open_))
    bridge.store.publish()
    assert states(bridge) == {done: State.ARCHIVED, open_: State.ARCHIVED}
    assert (bridge.get(done).job.cancelled is None, bridge.get(open_).job.cancelled is None) == (True, False)
    assert bridge.get(done).answer == "It is written."


# ---- journal and notebooks stand in for each other


def test_a_deleted_journal_is_filled_again_from_the_notebooks_and_archives(queue: Queue, tmp_path: Path) -> None:
    bridge = queue.open()
    ids = [bridge.add(f"job {n}") for n in range(4)]
    bridge.answer(ids[0], "kept in the archive")
    bridge.answer(ids[1], "kept")
    bridge.cancel(ids[2])
    bridge.archive(ids[0])
    before, writer = states(bridge), bridge.store.journal.writer
    queue.close()
    shutil.rmtree(tmp_path / "state" / "queues")

    bridge = queue.open()
    assert states(bridge) == before
    assert bridge.store.journal.writer != writer
    assert [bridge.get(job).answer for job in ids] == ["kept in the archive", "kept", None, None]
    fifth = bridge.add("job 4")
    assert sorted(jobs_on_disk(queue.path.parent).elements()) == sorted([*ids, fifth])
    assert take_in_everything(bridge.store)[0] == 5


def test_deleted_notebooks_are_written_again_from_the_journal(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 2\n")
    bridge = queue.open()
    ids = [bridge.add(f"job {n}") for n in range(5)]
    bridge.answer(ids[0], "kept")
    bridge.archive(ids[0])
    before = states(bridge)
    queue.close()
    texts = {p.relative_to(queue.path.parent): p.read_bytes() for p in queue.path.parent.rglob("*.ipynb")}
    shutil.rmtree(queue.path.parent)
    queue.path.parent.mkdir()

    opened = wiring.open_queue(str(queue.path), missing_ok=True)
    assert len(rebuild_notebooks(opened.store)) == 4
    opened.store.journal.close()
    assert states(queue.open()) == before
    written = {p.relative_to(queue.path.parent): p.read_bytes() for p in queue.path.parent.rglob("*.ipynb")}
    assert written.keys() == texts.keys()
    for name, data in written.items():
        assert json.loads(data)["cells"] == json.loads(texts[name])["cells"]


# ---- clocks


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(days=365)], ids=["back a day", "forward a year"])
def test_a_clock_that_jumps_loses_nothing_and_answers_what_is_there(queue: Queue, jump: timedelta) -> None:
    bridge = queue.open()
    first = bridge.add("before the jump")
    bridge.add("also before")
    queue.hand.moment += jump
    third = bridge.add("after the jump")
    bridge.answer(first, "answered after the jump")
    bridge.archive(first)
    bridge.cancel(third)
    queue.hand.moment -= jump
    fourth = bridge.add("and back again")
    assert len(states(bridge)) == 4
    assert states(bridge)[fourth] is State.QUEUED
    assert sum(jobs_on_disk(queue.path.parent).values()) == 4
    assert all(n == 1 for n in jobs_on_disk(queue.path.parent).values())


def test_waiting_ends_when_the_time_is_over_although_nobody_answers(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    with pytest.raises(WaitTimedOut, match=r"not ready after 0\.2 s"):
        bridge.wait([job], timeout_s=0.2)
    assert bridge.get(job).state is State.QUEUED


def test_a_rewrite_that_puts_size_and_time_back_is_noticed_before_it_is_written_over(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    before = queue.path.stat()
    edited = queue.path.read_bytes().replace(b'"one"', b'"two"')
    with queue.path.open("r+b") as file:
        file.write(edited)
    os.utime(queue.path, ns=(before.st_atime_ns, before.st_mtime_ns))

    bridge.add("another")

    assert queue.path.stat().st_mtime_ns != before.st_mtime_ns
    assert bridge.get(job).prompt == "two"


# ---- a person's notes


def test_a_persons_note_keeps_its_text_its_place_and_its_own_metadata(queue: Queue) -> None:
    bridge = queue.open()
    first, second = bridge.add("one"), _later(queue, bridge, "two")
    notebook = queue.load()
    at = next(n for n, cell in enumerate(notebook["cells"]) if second in "".join(cell["source"]))
    written = {**note("Ask Ann about this.\nTomorrow."), "metadata": {"mine": {"deep": [1, 2]}},
               "attachments": {"a.png": {"image/png": "aGk="}}}  # fmt: skip
    notebook["cells"].insert(at, written)
    queue.save(notebook)
    third = _later(queue, bridge, "three")
    bridge.answer(first, "an answer")
    cells = queue.load()["cells"]
    names = [cell["id"] for cell in cells]
    assert names[-4:] == [first, "a-persons-note", second, third]
    [kept] = [cell for cell in cells if cell["id"] == "a-persons-note"]
    kept["metadata"].pop("bridge", None)
    assert kept == written


def test_a_persons_edit_of_a_note_stands_and_a_stale_copy_does_not_undo_it(queue: Queue) -> None:
    bridge = queue.open()
    bridge.add("one")
    notebook = queue.load()
    notebook["cells"].append(note("first thought"))
    queue.save(notebook)
    bridge.add("two")  # takes the note in
    stale = queue.load()
    notebook = queue.load()
    [mine] = [cell for cell in notebook["cells"] if cell["id"] == "a-persons-note"]
    mine["source"] = ["second thought"]
    queue.save(notebook)
    bridge.add("three")
    queue.save(stale)
    bridge.add("four")
    texts = ["".join(cell["source"]) for cell in queue.load()["cells"]]
    assert "second thought" in texts
    assert "first thought" not in texts


def test_a_note_that_was_deleted_stays_deleted(queue: Queue) -> None:
    bridge = queue.open()
    notebook = queue.load()
    notebook["cells"].append(note("gone soon"))
    queue.save(notebook)
    bridge.add("one")
    assert "gone soon" in queue.path.read_text()
    notebook = queue.load()
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] != "a-persons-note"]
    queue.save(notebook)
    bridge.add("two")
    assert "gone soon" not in queue.path.read_text()


def _later(queue: Queue, bridge: Bridge, prompt: str) -> str:
    queue.hand.moment += timedelta(seconds=1)
    return bridge.add(prompt)


# ---- folders and disks that refuse


def test_a_queue_in_a_read_only_folder_can_be_looked_at_and_says_why_nothing_can_be_added(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(open_folder / "state"))
    path = make_queue(open_folder / "queue")
    with Bridge(str(path)) as bridge:
        job = bridge.add("one")
    before = path.read_bytes()
    for each in (open_folder / "state").rglob("*"):
        each.chmod(0o777)
    (open_folder / "state").chmod(0o777)
    path.parent.chmod(0o555)
    path.chmod(0o444)

    def attempt() -> tuple[list[str], str, int]:
        monkeypatch.chdir(open_folder)
        with Bridge(str(path)) as bridge:
            listed = [line.id for line in bridge.jobs()]
            try:
                bridge.add("two")
            except QueueError as error:
                return listed, f"{type(error).__name__}: {error}", len(bridge.jobs())
        return listed, "was written", 0

    listed, refusal, jobs = as_nobody(attempt)
    assert listed == [job]
    assert refusal.startswith("QueueNotWritable")
    assert jobs == 1  # nothing was added, in the journal neither
    assert path.read_bytes() == before


def test_a_full_disk_changes_nothing(queue: Queue) -> None:
    bridge = queue.open()
    memory = MemoryFolder(files={"qwen_bridge.ipynb": queue.path.read_bytes()}, versions={"qwen_bridge.ipynb": 1})
    bridge.store.transport = memory
    bridge.store.__post_init__()
    first = bridge.add("one")
    memory.room = 0
    with pytest.raises(StorageFull):
        bridge.add("two")
    memory.room = None
    assert list(states(bridge)) == [first]
    second = bridge.add("three")
    assert sorted(ids_in(json.loads(memory.files["qwen_bridge.ipynb"]))) == sorted([first, second])


def test_who_is_overwritten_all_the_time_is_told_that_the_change_is_safe(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = queue.open()
    memory = MemoryFolder(files={"qwen_bridge.ipynb": queue.path.read_bytes()}, versions={"qwen_bridge.ipynb": 1})
    bridge.store.transport = memory
    bridge.store.__post_init__()
    stage = MemoryFolder.stage

    def while_somebody_writes(self: MemoryFolder, name: str, data: bytes, **rest: Any) -> Any:
        staged = stage(self, name, data, **rest)
        self.put(name, self.files[name] + b" ")
        return staged

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFolder, "stage", while_somebody_writes)
        with pytest.raises(QueueChanged, match="safe in the journal"):
            bridge.add("one")
    [line] = bridge.jobs()
    bridge.store.publish()
    assert ids_in(json.loads(memory.files["qwen_bridge.ipynb"])) == [line.id]


def test_a_prompt_reads_back_byte_for_byte_after_an_editor_saved_the_notebook(queue: Queue) -> None:
    bridge = queue.open()
    prompt = 'braces {x} {{y}}\n%%qwen not a header\n```py\n"""quotes"""\n```\n\ttab, trailing space \n\nünïcödé 🦆\n'
    job = bridge.add(prompt)
    queue.save(queue.load())
    bridge.add("another")
    assert bridge.get(job).prompt == prompt
    assert body_of(queue.load(), job) == prompt


def test_the_moment_of_an_event_comes_from_the_injected_clock(queue: Queue) -> None:
    bridge = queue.open()
    job = bridge.add("one")
    [line] = bridge.jobs()
    assert line.id == job
    assert line.created_at == queue.hand.moment
    assert isinstance(line.created_at, datetime)
