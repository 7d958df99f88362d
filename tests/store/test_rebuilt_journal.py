"""A journal that is made anew keeps what no notebook shows: verdicts, hand-overs, applied files, results that lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge import Bridge
from bridge.cli import main
from tests.fixtures.journal_0_1 import LaidOut, lay_out
from tests.support.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as state:
        yield state


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> LaidOut:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    laid = lay_out(tmp_path / "ada", tmp_path / "state", webhook=receiver.url)
    monkeypatch.chdir(tmp_path / "ada")
    return laid


def run(*args: str) -> Any:
    done = CliRunner().invoke(main, [*args, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1]) if args[0] == "watch" else json.loads(done.stdout)


def watch_once(laid: LaidOut) -> None:
    run("watch", "--once", "--no-archive", "--outbox", str(laid.outbox), "--webhook", laid.webhook)


def states(laid: LaidOut) -> dict[str, tuple[str, str | None, bool]]:
    """{key: state, verdict, whether it was handed over}."""
    names = {job["id"]: key for key, job in laid.jobs.items()}
    with Bridge(str(laid.queue)) as bridge:
        return {names[line.id]: (line.state.value, line.verdict, bool(line.delivered_at)) for line in bridge.jobs()}


def posted(receiver: Receiver) -> set[str]:
    return {json.loads(body)["job"] for _, body, _ in receiver.got}


def test_a_rebuilt_journal_delivers_nothing_again(laid: LaidOut, receiver: Receiver):
    before = states(laid)

    rebuilt = run("rebuild", "--journal")
    watch_once(laid)

    assert (rebuilt["journal"], rebuilt["jobs"], rebuilt["handed_over"]) == (True, 12, 6)
    assert receiver.got == []
    assert states(laid) == before


def test_a_rebuilt_journal_knows_what_was_applied(laid: LaidOut):
    run("rebuild", "--journal")

    with Bridge(str(laid.queue)) as bridge:
        [change] = bridge.plan(laid.jobs["slug"]["id"], laid.project)
        change.target.write_text("x = 1\n")
        [change] = bridge.plan(laid.jobs["slug"]["id"], laid.project)
    assert change.step.value == "conflict"
    journal = laid.journal
    with closing(sqlite3.connect(journal)) as db:
        assert db.execute("SELECT count(*) FROM applied").fetchone() == (1,)


def test_a_rebuilt_journal_keeps_results_that_no_notebook_shows(laid: LaidOut):
    with Bridge(str(laid.queue)):
        pass
    with closing(sqlite3.connect(laid.journal)) as db:
        db.execute("INSERT INTO result SELECT job, 'lost to a better one', output, seen_at FROM result LIMIT 1")
        db.commit()
        before = set(db.execute("SELECT job, digest, output FROM result"))

    run("rebuild", "--journal")

    with closing(sqlite3.connect(laid.journal)) as db:
        assert set(db.execute("SELECT job, digest, output FROM result")) >= before


def test_rebuilding_twice_keeps_all_of_it(laid: LaidOut, receiver: Receiver):
    before = states(laid)
    run("rebuild", "--journal")
    run("rebuild", "--journal")
    assert states(laid) == before


def test_a_journal_made_anew_after_a_kill_takes_over_what_was_set_aside(laid: LaidOut):
    """Killed between setting the old one aside and making the new one: whoever opens the queue next goes on."""
    before = states(laid)
    laid.journal.parent.rename(laid.journal.parent.with_name("journal.20260301T120000.1"))

    assert states(laid) == before


def test_of_a_damaged_journal_what_can_be_read_is_kept(laid: LaidOut, receiver: Receiver):
    """`meta` is gone, so it cannot be used; the rest is there."""
    with closing(sqlite3.connect(laid.journal)) as db:
        db.execute("DROP TABLE meta")
        db.execute("DROP TABLE applied")
        db.commit()

    rebuilt = run("rebuild")
    watch_once(laid)

    assert (rebuilt["journal"], rebuilt["handed_over"]) == (True, 6)
    assert receiver.got == []


def test_without_a_readable_journal_the_archive_and_the_outbox_tell_what_was_handed_over(
    laid: LaidOut, receiver: Receiver
):
    laid.journal.write_bytes(b"this is no database any more" * 400)

    rebuilt = run("rebuild", "--outbox", str(laid.outbox))
    watch_once(laid)

    assert (rebuilt["journal"], rebuilt["handed_over"]) == (True, 6)
    assert receiver.got == []
    after = states(laid)
    assert after["slug"] == ("delivered", "clean", True)
    assert after["missing-model"] == ("failed", None, True)
    assert after["median"] == ("archived", "clean", True)
    with Bridge(str(laid.queue)) as bridge:
        assert bridge.get(laid.jobs["slug"]["id"]).payload is not None


def test_an_outbox_folder_of_an_earlier_answer_proves_nothing_of_this_one(laid: LaidOut, receiver: Receiver):
    laid.journal.write_bytes(b"this is no database any more" * 400)
    manifest = laid.outbox / laid.jobs["slug"]["id"] / "result.json"
    manifest.write_text(
        json.dumps({**json.loads(manifest.read_text()), "finished_at": "2026-01-01T00:00:00.000+00:00"})
    )

    run("rebuild", "--outbox", str(laid.outbox))
    watch_once(laid)

    assert laid.jobs["slug"]["id"] in posted(receiver)


def test_without_any_of_them_a_result_is_sent_again_rather_than_never(laid: LaidOut, receiver: Receiver):
    laid.journal.write_bytes(b"this is no database any more" * 400)

    run("rebuild")
    watch_once(laid)

    sent = {laid.jobs[key]["id"] for key in ("slug", "duration", "email", "by-hand", "missing-model")}
    assert posted(receiver) >= sent
    assert laid.jobs["median"]["id"] not in posted(receiver)  # its archive says that it was handed over


def test_an_outbox_that_is_not_there_is_named_before_anything_is_done(laid: LaidOut):
    before = laid.journal.read_bytes()
    done = CliRunner().invoke(main, ["rebuild", "--journal", "--outbox", "nowhere"])
    assert done.exit_code == 2
    assert "nowhere" in done.output
    assert laid.journal.read_bytes() == before
