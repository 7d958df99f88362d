"""report, top and status, as commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.core.job import to_iso
from tests.cli.conftest import Run
from tests.support.answers import BROKEN, GOOD


def beat(folder: Path, name: str, *, ago_s: float = 5.0, **facts: object) -> None:
    """A heartbeat of a worker on another machine."""
    (folder / "workers").mkdir(exist_ok=True)
    at = to_iso(datetime.now(UTC) - timedelta(seconds=ago_s))
    value: dict[str, object] = {
        "worker": name,
        "beat": 1,
        "at": at,
        "engine": "ollama",
        "model": "m",
        "lanes": 2,
        "running": [],
        **facts,
    }
    (folder / "workers" / f"{name}.json").write_text(json.dumps(value))


@pytest.fixture
def batch(queue: Run) -> tuple[Run, list[str]]:
    """A checked job of `me`, a broken one of `you`, and one that waits."""
    jobs = queue(
        "add", "--jsonl", "-",
        input='{"prompt":"a","caller":"me"}\n{"prompt":"b","caller":"you"}\n{"prompt":"c","caller":"me"}\n',
    ).ids  # fmt: skip
    for job, answer in zip(jobs, (GOOD, BROKEN), strict=False):
        queue("answer", job, input=answer)
        queue("wait", job, "--no-repair", "--timeout", "30s")
    return queue, jobs


def test_report_writes_one_whole_file_here(batch: tuple[Run, list[str]], tmp_path: Path):
    queue, jobs = batch
    done = queue("report")

    assert (done.code, done.out) == (0, "bridge-report.html\n")
    page = (tmp_path / "bridge-report.html").read_text(encoding="utf-8")
    assert all(job in page for job in jobs)
    assert "Undefined name" in page
    assert not list(tmp_path.glob(".*.tmp"))


def test_report_on_standard_output_is_the_same_page(batch: tuple[Run, list[str]]):
    queue, _ = batch

    assert queue("report", "-o", "-").out.startswith("<!doctype html>")
    assert not Path("bridge-report.html").exists()


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        (["--caller", "me"], [0, 2]),
        (["--state", "queued"], [2]),
        (["--state", "queued", "--state", "delivered", "--caller", "me"], [0, 2]),
        (["1"], [1]),  # an id
        (["1", "0"], [0, 1]),
        (["--caller", "nobody"], []),
    ],
)
def test_report_is_about_the_jobs_that_were_chosen(batch: tuple[Run, list[str]], args: list[str], wanted: list[int]):
    queue, jobs = batch
    told = queue("report", "--json", *[jobs[int(arg)] if arg.isdigit() else arg for arg in args]).json

    assert [job["id"] for job in told["jobs"]] == [jobs[n] for n in wanted]
    assert sum(told["states"].values()) == len(wanted)


def test_report_says_what_keeps_it_from_writing_and_leaves_nothing(queue: Run, tmp_path: Path):
    failed = queue("report", "-o", "nowhere/page.html")

    assert failed.code == 2
    assert "cannot write nowhere" in failed.err
    (tmp_path / "folder").mkdir()
    assert queue("report", "-o", "folder").code == 2
    assert not list(tmp_path.glob(".*.tmp"))


def test_report_looks_and_changes_no_notebook(batch: tuple[Run, list[str]], tmp_path: Path):
    queue, _ = batch
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (tmp_path / "notebooks").glob("*.ipynb")}

    for args in (["report"], ["top", "--once"], ["top", "--json"], ["status"]):
        assert queue(*args).code == 0
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (tmp_path / "notebooks").glob("*.ipynb")} == before


def test_top_once_is_one_frame_of_plain_text(batch: tuple[Run, list[str]], tmp_path: Path):
    queue, jobs = batch
    beat(tmp_path / "notebooks", "colab-1", running=[jobs[2]], running_s={jobs[2]: 7.0})

    for args in (["top", "--once"], ["top"]):  # standard output is no terminal here
        told = queue(*args)
        assert told.code == 0
        assert "\x1b" not in told.out
        for fact in ("3 jobs", "colab-1 1/2", jobs[2], "1 worker, 2 lanes", "HANDED OVER", "errors"):
            assert fact in told.out, fact


def test_top_as_json_is_one_object_with_what_was_chosen(batch: tuple[Run, list[str]], tmp_path: Path):
    queue, jobs = batch
    told = queue("top", "--json", "--caller", "me", "--state", "queued").json

    assert [job["id"] for job in told["jobs"]] == told["queued"] == [jobs[2]]
    assert told["counts"] == {**dict.fromkeys(told["counts"], 0), "queued": 1, "delivered": 1}
    assert told["callers"] == ["me", "you"]
    assert told["status"] == {**queue("status", "--json").json, "oldest_queued_s": told["status"]["oldest_queued_s"]}


def test_status_counts_workers_that_are_alive_and_idle_and_divides_by_their_lanes(
    batch: tuple[Run, list[str]], tmp_path: Path
):
    queue, jobs = batch
    folder = tmp_path / "notebooks"
    assert (queue("status", "--json").json["workers"], queue("status", "--json").json["lanes"]) == (0, 0)

    beat(folder, "busy", lanes=3, running=[jobs[2]])
    beat(folder, "bored")
    beat(folder, "gone", ago_s=400.0)
    (folder / "workers" / "damaged.json").write_text('{"worker": "damaged"')
    beat(folder, "timeless")
    (folder / "workers" / "timeless.json").write_text(
        (folder / "workers" / "timeless.json").read_text().replace('"at": "', '"at": "x')
    )

    told = queue("status", "--json").json
    assert (told["workers"], told["idle"], told["lanes"]) == (2, 1, 5)
    assert "workers alive: 2 (1 idle)" in queue("status").out


def test_a_worker_of_this_machine_that_died_is_not_alive(
    batch: tuple[Run, list[str]], tmp_path: Path, own_surroundings: Path
):
    queue, _ = batch
    beat(tmp_path / "notebooks", "desk-1")
    [home] = (own_surroundings / "queues").iterdir()
    (home / "workers").mkdir(exist_ok=True)
    (home / "workers" / "desk-1.lock").touch()  # nobody holds it

    assert queue("status", "--json").json["workers"] == 0


def test_a_heartbeat_cannot_name_a_file_elsewhere(batch: tuple[Run, list[str]], tmp_path: Path):
    queue, _ = batch
    (tmp_path / "x.lock").touch()
    beat(tmp_path / "notebooks", "n", worker=f"../../../../../../..{tmp_path}/x")

    assert queue("status", "--json").json["workers"] == 1  # believed, and nothing outside was looked at
