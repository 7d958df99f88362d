"""A journal of version 0.1.0 goes on with this one; one of a later version is left alone."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge import Bridge
from bridge.cli import main
from bridge.core.errors import JournalError, JournalTooNew
from bridge.store import migrations, tables
from bridge.store.journal import Journal
from tests.fixtures.journal_0_1 import HERE, LaidOut, lay_out
from tests.support.receiver import Receiver, receiving


def open_journal(path: Path) -> Journal:
    return Journal(path, queue_id="q", fingerprint="this machine", new_writer=lambda: "w00000001")


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def rows_of(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A journal as version 0.1.0 left it."""
    path = tmp_path / "journal.sqlite3"
    shutil.copyfile(HERE / "journal.sqlite3", path)
    return path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as state:
        yield state


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> LaidOut:
    """The queue of 0.1.0, untouched by hand."""
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    laid = lay_out(tmp_path / "ada", tmp_path / "state", webhook=receiver.url)
    monkeypatch.chdir(tmp_path / "ada")
    return laid


def watch_once(laid: LaidOut) -> None:
    done = CliRunner().invoke(
        main, ["watch", "--once", "--no-archive", "--outbox", str(laid.outbox), "--webhook", laid.webhook]
    )
    assert done.exit_code == 0, done.output


def test_a_queue_of_version_0_1_opens_and_says_of_every_job_what_it_said(laid: LaidOut):
    with Bridge(str(laid.queue)) as bridge:
        lines = {line.id: line for line in bridge.jobs()}

    for job in laid.jobs.values():
        line = lines.pop(job["id"])
        handed_over = line.delivered_at is not None
        # 0.1.0 called a failure that was handed over delivered.
        state = "failed" if job["state"] == "delivered" and job["verdict"] is None else job["state"]
        if job["parent"] and state in ("succeeded", "truncated"):  # 0.1.0 left a round of repair there for ever
            state = next(other["state"] for other in laid.jobs.values() if other["id"] == job["parent"])
        assert (line.state.value, line.verdict, handed_over) == (state, job["verdict"], bool(job["delivered"]))
    assert lines == {}


def test_a_queue_of_version_0_1_delivers_nothing_again(laid: LaidOut, receiver: Receiver):
    before = {file: file.stat().st_mtime_ns for file in laid.outbox.rglob("*")}

    watch_once(laid)

    assert receiver.got == []
    assert {file: file.stat().st_mtime_ns for file in laid.outbox.rglob("*")} == before


def test_what_version_0_1_applied_may_be_applied_again(laid: LaidOut):
    with Bridge(str(laid.queue)) as bridge:
        job = laid.jobs["slug"]["id"]
        [change] = bridge.plan(job, laid.project)
        assert change.step.value == "same"
        (laid.project / change.path).write_text("somebody's own\n")
        [change] = bridge.plan(job, laid.project)
        assert change.step.value == "conflict"


def test_before_the_first_step_a_copy_for_its_owner_alone_is_kept_beside(old: Path):
    before = rows_of(old, "SELECT job, answer, verdict, delivered_at, payload FROM handling ORDER BY job")

    open_journal(old).close()

    copy = migrations.copy_of(old, 1)
    assert (version_of(old), version_of(copy)) == (tables.VERSION, 1)
    assert rows_of(copy, "SELECT job, answer, verdict, delivered_at, payload FROM handling ORDER BY job") == before
    assert rows_of(old, "SELECT job, answer, verdict, delivered_at, payload FROM handling ORDER BY job") == before
    if sys.platform != "win32":
        assert copy.stat().st_mode & 0o777 == 0o600


def test_only_so_many_copies_stay_and_the_oldest_go(old: Path):
    others = [migrations.copy_of(old, n) for n in (7, 8, 9)]
    for age, other in enumerate(reversed(others)):
        other.write_bytes(b"older")
        os.utime(other, (1_000_000_000 - age, 1_000_000_000 - age))

    open_journal(old).close()

    assert [other.exists() for other in others] == [False, True, True]
    assert migrations.copy_of(old, 1).exists()


def test_a_migrated_journal_has_the_tables_of_a_new_one(old: Path, tmp_path: Path):
    def columns(path: Path) -> set[Any]:
        named = 'SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master m, pragma_table_info(m.name) c'
        return set(rows_of(path, named))

    def indices(path: Path) -> set[Any]:
        return set(rows_of(path, "SELECT name, sql FROM sqlite_master WHERE type = 'index'"))

    open_journal(old).close()
    open_journal(tmp_path / "new.sqlite3").close()

    assert columns(old) == columns(tmp_path / "new.sqlite3")
    assert indices(old) == indices(tmp_path / "new.sqlite3")


def test_a_step_that_fails_leaves_the_journal_as_it_was_with_its_copy(old: Path):
    with closing(sqlite3.connect(old)) as db:
        db.execute("CREATE TABLE handling_1 (x)")  # in the way of the step to version 2
        db.commit()
    before = rows_of(old, "SELECT * FROM handling")

    with pytest.raises(JournalError, match="handling_1"):
        open_journal(old)

    assert version_of(old) == 1
    assert rows_of(old, "SELECT * FROM handling") == before
    assert migrations.copy_of(old, 1).exists()


def test_a_journal_of_a_later_version_is_refused_in_one_sentence_and_not_touched(laid: LaidOut):
    with closing(sqlite3.connect(laid.journal)) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = laid.journal.read_bytes()

    with pytest.raises(JournalTooNew) as caught:
        Bridge(str(laid.queue))
    refused = CliRunner().invoke(main, ["rebuild"])  # it sets aside what is damaged, and this is not

    said = str(caught.value)
    assert f"newer Qwen Bridge (journal version 99, this one knows {tables.VERSION})" in said
    assert "`pip install -U qwen-bridge`" in said
    assert ". " not in said
    assert refused.exit_code == 3
    assert laid.journal.read_bytes() == before


def _open(path: Path, start: Any) -> None:
    start.wait(30)
    open_journal(path).close()


def test_processes_that_open_an_old_journal_together_migrate_it_once(old: Path):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    processes = [context.Process(target=_open, args=(old, start)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0

    assert version_of(old) == tables.VERSION
    assert version_of(migrations.copy_of(old, 1)) == 1
    assert sorted(file.name for file in old.parent.iterdir()) == [
        "journal.opening",
        "journal.sqlite3",
        "journal.version-1.sqlite3",
    ]
