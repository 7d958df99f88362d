from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from bridge.core.errors import JournalError, StorageFull
from bridge.core.events import EventKind
from bridge.store.journal import Journal
from tests.support.queues import Queue, ids_in, jobs_on_disk, load

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_numbers = count(1)


def open_journal(path: Path, fingerprint: str = "this machine") -> Journal:
    return Journal(path, queue_id="q", fingerprint=fingerprint, new_writer=lambda: f"w{next(_numbers):08}")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = open_journal(tmp_path / "journal.sqlite3")
    yield journal
    journal.close()


def copy_of(queue: Queue, target: Path) -> Path:
    """A backup of the journal's folder, taken while nothing runs."""
    bridge = queue.open()
    source = bridge.store.journal.path.parent
    bridge.store.journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    queue.close()
    shutil.copytree(source, target)
    return source


def test_a_journal_keeps_its_writer_and_counts_on_when_it_is_opened_again(tmp_path: Path, journal: Journal) -> None:
    with journal.transaction():
        assert journal.take_dots(3) == 1
    again = open_journal(tmp_path / "journal.sqlite3")
    with again.transaction():
        assert again.take_dots(1) == 4
    assert again.writer == journal.writer
    again.close()


def test_a_journal_that_was_copied_elsewhere_takes_a_new_writer_before_it_writes(
    tmp_path: Path, journal: Journal
) -> None:
    with journal.transaction():
        journal.take_dots(3)
    journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "journal.sqlite3", tmp_path / "copy.sqlite3")
    copy = open_journal(tmp_path / "copy.sqlite3", fingerprint="that machine")
    assert copy.writer != journal.writer
    assert copy.counter == 0
    writer = copy.writer
    copy.close()
    copy = open_journal(tmp_path / "copy.sqlite3", fingerprint="that machine")
    assert copy.writer == writer  # once is enough
    copy.close()


def test_a_journal_restored_from_a_backup_takes_a_new_writer_because_the_notebook_is_ahead(
    queue: Queue, tmp_path: Path
) -> None:
    first = queue.open().add("before the backup")
    folder = copy_of(queue, tmp_path / "backup")
    bridge = queue.open()
    second = bridge.add("after the backup")
    old = bridge.store.journal.writer
    queue.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)

    bridge = queue.open()
    third = bridge.add("after the restoration")
    assert bridge.store.journal.writer != old
    assert len(queue.told(EventKind.WRITER)) == 1
    assert sorted(ids_in(queue.load())) == sorted([first, second, third])
    dots = [tuple(cell["metadata"]["bridge"]["dots"].items()) for cell in queue.load()["cells"]]
    assert all(n == 1 for n in Counter(dots).values())


def test_no_dot_is_given_out_twice_when_only_a_later_part_is_ahead_of_a_restored_journal(
    queue: Queue, tmp_path: Path
) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 2\n")
    bridge = queue.open()
    bridge.add("one")
    bridge.add("two")
    folder = copy_of(queue, tmp_path / "backup")
    third = queue.open().add("three, in a part of its own")
    queue.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    notebook = queue.load()
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": ["%%qwen\n", "typed by a person"],
                              "execution_count": None, "outputs": [], "id": "typed"})  # fmt: skip
    queue.save(notebook)

    bridge = queue.open()
    bridge.store.publish()  # adopts the typed cell, which needs a dot
    files = [queue.load(), *map(load, queue.path.parent.glob("*.part-*.ipynb"))]
    dots = Counter(
        tuple(cell["metadata"]["bridge"]["dots"].items())
        for notebook in files
        for cell in notebook["cells"]
        if cell["metadata"]["bridge"]["dots"]
    )
    assert [dot for dot, n in dots.items() if n > 1] == []
    assert third in jobs_on_disk(queue.path.parent)
    assert sum(jobs_on_disk(queue.path.parent).values()) == 4


def test_what_fails_inside_a_transaction_changes_nothing(journal: Journal) -> None:
    def fail() -> None:
        with journal.transaction():
            journal.take_dots(5)
            raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        fail()
    assert journal.counter == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"this is no database at all, though it is long enough to look like one" * 20),
        lambda path: path.write_bytes(path.read_bytes()[:100] + b"\xff" * 8000),
        lambda path: _sql(path, "DELETE FROM meta"),
        lambda path: _sql(path, "DROP TABLE meta"),
        lambda path: _sql(path, "PRAGMA user_version = 99"),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["no database", "overwritten pages", "empty meta", "no meta", "of a later version", "a folder"],
)
def test_a_journal_that_cannot_be_used_names_the_way_out(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "journal.sqlite3"
    journal = open_journal(path)
    journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
    damage(path)
    with pytest.raises(JournalError, match="bridge rebuild --journal") as caught:
        open_journal(path)
    assert str(path) in str(caught.value)


def _sql(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


def test_damage_that_shows_only_later_names_the_way_out_too(journal: Journal) -> None:
    with pytest.raises(JournalError, match="bridge rebuild --journal"), journal.transaction():
        raise sqlite3.DatabaseError("database disk image is malformed")


def test_a_full_disk_is_named_and_what_was_committed_stays(journal: Journal) -> None:
    with journal.transaction():
        journal.take_dots(1)
    pages = journal.db.execute("PRAGMA page_count").fetchone()[0]
    journal.db.execute(f"PRAGMA max_page_count = {pages + 1}")

    def fill() -> None:
        with journal.transaction():
            journal.take_dots(1)
            for n in range(1000):
                journal.add_alias(f"{n}" * 100, "cell")

    with pytest.raises(StorageFull, match="no space left"):
        fill()
    assert journal.counter == 1
    journal.db.execute("PRAGMA max_page_count = 1000000")
    with journal.transaction():
        assert journal.take_dots(1) == 2


def _take_many(path: Path, start: object, given: object) -> None:
    for n in range(20):  # making one is where they collide
        start.wait(120)  # type: ignore[attr-defined]
        Journal(path.with_name(f"{n}.sqlite3"), queue_id="q", fingerprint="m", new_writer=lambda: "w1").close()
    start.wait(120)  # type: ignore[attr-defined]
    journal = Journal(path, queue_id="q", fingerprint="m", new_writer=lambda: "w1")
    for _ in range(25):
        with journal.transaction():
            given.put(journal.take_dots(2))  # type: ignore[attr-defined]
    journal.close()


def test_several_processes_that_make_and_use_one_journal_never_get_the_same_dot(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, given = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_take_many, args=(tmp_path / "j.sqlite3", start, given)) for _ in range(4)]
    for process in processes:
        process.start()
    dots = [given.get(timeout=60) for _ in range(100)]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    given.close()
    given.join_thread()
    assert sorted(dots) == list(range(1, 201, 2))
