"""A folder and its copy on Drive, kept one: by the real command, signed in by a service account's key."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge import Bridge, State
from bridge.cli import main
from bridge.core.errors import DriveUnreachable, TooLarge
from bridge.store.store import Store
from bridge.sync.loop import Sync
from bridge.transports.file_events import FileEvents
from tests.support.commands import environment
from tests.support.drive import SERVICE_ACCOUNT, How, StandIn
from tests.support.drive_queues import content, notebook, on_drive
from tests.support.queues import QUEUE_ID, ids_in, load, make_queue


@pytest.fixture
def drive() -> Iterator[StandIn]:
    with StandIn(service_storage=True) as stand_in:
        yield stand_in


@pytest.fixture
def folder(drive: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a queue, on a machine that is signed in."""
    key = tmp_path / "key.json"
    key.write_text(json.dumps(drive.service_account()))
    monkeypatch.setenv("BRIDGE_GOOGLE_SERVICE_ACCOUNT", str(key))
    monkeypatch.setenv("BRIDGE_DRIVE_URL", drive.url)
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("BRIDGE_QUEUE", raising=False)
    made = make_queue(tmp_path / "queue").parent
    monkeypatch.chdir(made)
    (made / "bridge.toml").write_text('queue = "qwen_bridge.ipynb"\n')
    return made


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(args))
    assert result.exit_code == code, result.output
    return result


def sync(*args: str) -> dict[str, Any]:
    """`bridge sync --json`: its summary."""
    return dict(json.loads(run("sync", "--json", *args).stdout.splitlines()[-1]))


def add(text: str, *args: str) -> str:
    return run("add", text, *args).stdout.strip()


def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str = "elsewhere") -> None:
    """From here on, another machine."""
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / name))


# ---- the copy is made, and found again


def test_the_first_sync_puts_the_queue_on_drive_and_says_where(drive: StandIn, folder: Path) -> None:
    job = add("a")
    told = sync()
    file_id = told["drive"].removeprefix("drive:")
    assert told["colab"] == f"https://colab.research.google.com/drive/{file_id}"
    assert ids_in(on_drive(drive, file_id)) == [job]
    [home] = drive.files.titled("Qwen Bridge")
    assert drive.files.get(file_id).parents == [home.id]
    assert "are one: 1 queued" in run("sync").stdout


def test_a_second_sync_finds_the_copy_wherever_it_was_moved_and_whatever_it_is_called(
    drive: StandIn, folder: Path
) -> None:
    file_id = sync()["drive"].removeprefix("drive:")
    drive.files.move(file_id, drive.files.folder("Elsewhere"))
    drive.files.rename(file_id, "Untitled7.ipynb")
    job = add("a")
    assert sync()["drive"] == f"drive:{file_id}"
    assert ids_in(on_drive(drive, file_id)) == [job]


def test_another_machine_finds_the_same_copy_by_the_queue_id(
    drive: StandIn, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sync()["drive"]
    elsewhere(monkeypatch, tmp_path)
    other = make_queue(tmp_path / "other", name="my_queue.ipynb")
    assert sync("--queue", str(other))["drive"] == first
    assert len(drive.files.titled("my_queue.ipynb")) == 0


@pytest.mark.parametrize("how", [How.RESET_AFTER_COMMIT, How.AFTER_COMMIT])
def test_a_copy_whose_making_was_never_answered_is_made_once(drive: StandIn, folder: Path, how: How) -> None:
    run("sync")
    [made] = drive.files.titled("qwen_bridge.ipynb")
    drive.files.delete(made.id)
    drive.fault("uploadType=multipart", how=how)
    result = CliRunner().invoke(main, ["sync"])
    if result.exit_code:
        run("sync")
    assert len(drive.files.titled("qwen_bridge.ipynb")) == 1


def test_the_copy_is_made_in_the_folder_that_is_named_under_the_name_that_is_given(
    drive: StandIn, folder: Path
) -> None:
    home = drive.files.folder("Projects", client=SERVICE_ACCOUNT)
    file_id = sync("--to", f"drive:{home}/tasks.ipynb")["drive"].removeprefix("drive:")
    assert (drive.files.get(file_id).title, drive.files.get(file_id).parents) == ("tasks.ipynb", [home])
    job = add("a")
    sync("--to", f"drive:{home}")
    assert ids_in(on_drive(drive, file_id)) == [job]


def test_another_queue_at_the_place_that_is_named_is_refused_and_left_alone(drive: StandIn, folder: Path) -> None:
    other = notebook().replace(QUEUE_ID.encode(), b"99999999-2222-4333-8444-555555555555")
    stranger = drive.files.put("qwen_bridge.ipynb", other)
    result = run("sync", "--to", f"drive:{stranger}", code=3)
    assert "another queue" in result.output
    assert content(drive, stranger) == other


def test_two_copies_that_two_machines_made_become_one(
    drive: StandIn, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = add("here")
    drive.files.listing.seconds = 1800.0  # lists show nothing new for now
    first = sync()["drive"]
    elsewhere(monkeypatch, tmp_path)
    other = make_queue(tmp_path / "other")
    there = add("there", "--queue", str(other))
    second = sync("--queue", str(other))["drive"]
    assert first != second
    drive.files.listing.seconds = 0.0
    drive.clock.advance(1800)
    for memo in (tmp_path / "elsewhere").rglob("drive/*.json"):
        if memo.name != "copy.json":
            memo.unlink()
    assert sync("--queue", str(other))["drive"] == first
    sync("--queue", str(other))
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    assert sync()["drive"] == first
    assert sorted(ids_in(on_drive(drive, first.removeprefix("drive:")))) == sorted([here, there])
    assert sorted(ids_in(load(folder / "qwen_bridge.ipynb"))) == sorted([here, there])


# ---- both sides


def test_jobs_and_answers_go_both_ways(
    drive: StandIn, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = add("here")
    address = sync()["drive"]
    elsewhere(monkeypatch, tmp_path)
    there = add("there", "--queue", address)
    with Bridge(address) as bridge:
        bridge.answer(here, "text")
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    sync()
    with Bridge() as bridge:
        assert {line.id: line.state for line in bridge.jobs()} == {here: State.SUCCEEDED, there: State.QUEUED}
    assert sorted(ids_in(load(folder / "qwen_bridge.ipynb"))) == sorted([here, there])


def test_an_answer_that_a_colab_tab_saves_over_newer_jobs_loses_none_of_them(drive: StandIn, folder: Path) -> None:
    first = add("a")
    file_id = sync()["drive"].removeprefix("drive:")
    stale = content(drive, file_id)
    second = add("b")
    sync()
    drive.files.put(file_id=file_id, content=stale)  # no If-Match: a tab overwrites
    sync()
    assert sorted(ids_in(on_drive(drive, file_id))) == sorted([first, second])


def test_a_cell_that_a_person_deletes_on_drive_is_cancelled_here(drive: StandIn, folder: Path) -> None:
    jobs = [add(str(n)) for n in range(3)]
    file_id = sync()["drive"].removeprefix("drive:")
    seen = on_drive(drive, file_id)
    seen["cells"] = [cell for cell in seen["cells"] if jobs[1] not in "".join(cell["source"])]
    drive.files.put(file_id=file_id, content=json.dumps(seen).encode())
    sync()
    with Bridge() as bridge:
        view = bridge.get(jobs[1])
        assert view.state in (State.CANCELLED, State.ARCHIVED)
        assert view.to_json()["cancelled_by"]


def test_a_queue_in_parts_is_on_drive_in_parts(drive: StandIn, folder: Path) -> None:
    (folder / "bridge.toml").write_text('queue = "qwen_bridge.ipynb"\npart_jobs = 2\n')
    jobs = [add(str(n)) for n in range(5)]
    sync()
    held = [f for n in ("", ".part-0002", ".part-0003") for f in drive.files.titled(f"qwen_bridge{n}.ipynb")]
    assert sorted(job for f in held for job in ids_in(on_drive(drive, f.id))) == sorted(jobs)


def test_nothing_is_written_where_nothing_changed(drive: StandIn, folder: Path) -> None:
    add("a")
    sync()
    before = drive.files.commits
    local = (folder / "qwen_bridge.ipynb").read_bytes()
    sync()
    assert drive.files.commits == before
    assert (folder / "qwen_bridge.ipynb").read_bytes() == local


def test_a_part_that_is_too_large_for_drive_is_archived_smaller_first(
    drive: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = sync()["drive"].removeprefix("drive:")
    monkeypatch.setattr("bridge.transports.drive.folder.MOST_BYTES", len(content(drive, file_id)) + 20_000)
    done = add("a")
    with Bridge() as bridge:
        bridge.answer(done, "long " * 2_500)
        bridge.wait([done])
    with Bridge() as bridge:
        assert bridge.get(done).state is State.DELIVERED
    left = add("b")
    result = CliRunner().invoke(main, ["sync"])
    assert "archived" in result.output
    assert ids_in(on_drive(drive, file_id)) == [left]


def test_a_part_that_is_too_large_with_nothing_done_is_an_error_that_says_what_to_do(
    drive: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    monkeypatch.setattr("bridge.transports.drive.folder.MOST_BYTES", 1_000)
    add("a")
    assert "bridge archive" in run("sync", code=3).output


# ---- without Drive


def test_offline_all_that_is_local_goes_on_and_a_later_sync_catches_up(drive: StandIn, folder: Path) -> None:
    first = add("a")
    file_id = sync()["drive"].removeprefix("drive:")
    drive.stop()
    assert "reach" in run("sync", code=3).output
    second = add("b")
    assert "2" in run("status").stdout
    drive.start()
    sync()
    assert sorted(ids_in(on_drive(drive, file_id))) == sorted([first, second])


def test_every_command_takes_an_address_on_drive(
    drive: StandIn, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = sync()["drive"].removeprefix("drive:")
    home = drive.files.get(file_id).parents[0]
    elsewhere(monkeypatch, tmp_path)
    for address in (f"drive:{file_id}", f"drive:{home}/qwen_bridge.ipynb", f"drive:{home}",
                    f"https://colab.research.google.com/drive/{file_id}#scrollTo=x"):  # fmt: skip
        job = add("a", "--queue", address)
        assert json.loads(run("show", job, "--json", "--queue", address).stdout)["state"] == "queued"
    assert run("work", "--engine", "scripted", "--queue", f"drive:{file_id}").exit_code == 0
    assert "succeeded" in run("list", "--queue", f"drive:{file_id}").stdout
    assert run("watch", "--once", "--queue", f"drive:{file_id}").exit_code == 0
    assert "drive:" in run("status", "--queue", f"drive:{file_id}").stdout
    for command in (["refresh"], ["sync"]):
        assert "folder" in run(*command, "--queue", f"drive:{file_id}", code=2).output


@pytest.mark.parametrize("address", ["drive:", "drive:a/b/c", "https://example.com/x"])
def test_an_address_that_names_nothing_is_wrong_use(folder: Path, address: str) -> None:
    assert "names nothing on Drive" in run("status", "--queue", address, code=2).output


def test_without_a_sign_in_the_command_says_how_to_sign_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRIDGE_GOOGLE_SERVICE_ACCOUNT")
    assert "bridge auth login" in run("sync", code=3).output


# ---- going on


class _Clock:
    """Counts up; a wait passes the time that it is given."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class _Woken(FileEvents):
    """A fake: waits by moving the clock."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__(None, poll=False)
        self._clock = clock

    def wait(self, timeout_s: float) -> bool:
        self._clock.now += timeout_s
        return False


def test_a_watching_sync_waits_longer_while_drive_is_away_and_says_so_once() -> None:
    clock, at, told = _Clock(), [], []
    failures = 6

    class _Folder:
        def publish(self) -> None: ...
        def lagging(self) -> list[Any]:
            return []

    class _Away(_Folder):
        def publish(self) -> None:
            at.append(clock.now)
            if len(at) > failures + 2:
                looped.ask_to_stop()
            if len(at) <= failures:
                raise DriveUnreachable

    fake: Any = _Folder()
    away: Any = _Away()
    looped = Sync(
        local=fake, remote=away, fetch_ahead=lambda: None, shrink=lambda _: [], file_events=_Woken(clock),
        notify=lambda event: told.append(event.message), now_s=clock, poll_s=10.0,
    )  # fmt: skip
    looped.run()
    gaps = [round(b - a) for a, b in itertools.pairwise(at)]
    assert gaps == [20, 40, 80, 160, 300, 300, 10, 10]
    assert len(told) == 2
    assert "one again" in told[1]


def test_a_part_is_archived_smaller_twice_at_most() -> None:
    class _Side:
        def publish(self) -> None:
            raise TooLarge("q.ipynb", 6_000_000, 5_000_000)

        def lagging(self) -> list[Any]:
            return []

    class _Fine(_Side):
        def publish(self) -> None: ...

    asked: list[str] = []

    def shrink(name: str) -> list[str]:
        asked.append(name)
        return ["job"]

    local: Store = _Fine()  # type: ignore[assignment]
    remote: Store = _Side()  # type: ignore[assignment]
    looped = Sync(
        local=local, remote=remote, fetch_ahead=lambda: None, shrink=shrink, file_events=FileEvents(None, poll=False),
        notify=lambda _: None, now_s=lambda: 0.0,
    )  # fmt: skip
    with pytest.raises(TooLarge):
        looped.once()
    assert asked == ["q.ipynb"] * 2


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="ends the process by a signal")
def test_a_watching_sync_brings_a_new_job_to_drive_and_ends_cleanly(drive: StandIn, folder: Path) -> None:
    file_id = sync()["drive"].removeprefix("drive:")
    watching = subprocess.Popen(
        [sys.executable, "-m", "bridge", "sync", "--watch", "--poll", "1s", "--json"],
        cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        job = add("a")
        with drive.changed:
            assert drive.changed.wait_for(lambda: job in content(drive, file_id).decode(), timeout=60)
        watching.send_signal(signal.SIGTERM)
        told, _ = watching.communicate(timeout=120)
    finally:
        watching.kill()
        watching.wait()
    assert watching.returncode == 0
    assert json.loads(told.splitlines()[-1])["event"] == "summary"


def test_the_doctor_says_where_on_drive_a_queue_is_and_who_looks(drive: StandIn, folder: Path) -> None:
    address = sync()["drive"]
    told = CliRunner().invoke(main, ["doctor", "--queue", address]).output
    assert "on Google Drive" in told
    assert "https://colab.research.google.com/drive/" in told
    assert "read-only" not in told


def test_report_and_top_name_a_queue_on_drive_by_its_address(drive: StandIn, folder: Path) -> None:
    job = add("a")
    address = sync()["drive"]
    assert json.loads(run("report", "--json", "--queue", address).stdout)["queue"] == address
    top = run("top", "--once", "--json", "--queue", address).stdout
    assert address in top
    assert job in run("list", "--queue", address).stdout
