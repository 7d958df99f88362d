from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import Bridge, wiring
from bridge.core.errors import QueueNotWritable
from bridge.core.events import ignore
from bridge.delivery.channels import Outbox
from bridge.delivery.outbox import write_outbox
from bridge.delivery.payload import HandOver
from bridge.delivery.review import Reviewer
from tests.support.answers import give
from tests.support.commands import environment
from tests.support.reports import file


def result(job: str = "01JOB", answer: str = "hello", **files: str) -> HandOver:
    """A payload with these files; `__` in a name stands for `/`."""
    blocks = [file(code, path=path.replace("__", "/"), block=n) for n, (path, code) in enumerate(files.items())]
    return HandOver(job=job, answer=answer, files=tuple(blocks))


def visible(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def tree(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_is_complete_when_it_is_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[list[str]] = []
    monkeypatch.setattr(os, "fsync", lambda _handle: seen.append(visible(tmp_path)))
    what = result(src__a="x = 1\n")

    folder = write_outbox(tmp_path, what, {"runs": []})

    assert seen == [[]] * 4
    assert visible(tmp_path) == ["01JOB"]
    assert tree(folder).keys() == {"answer.md", "result.json", "report.sarif", "files/src/a"}
    assert json.loads((folder / "result.json").read_text()) == what.to_json()


def test_text_is_kept_byte_for_byte(tmp_path: Path):
    folder = write_outbox(tmp_path, result(answer="a\r\nb\r", f="x\r\n\ty\u2028"), None)

    assert (folder / "answer.md").read_bytes() == b"a\r\nb\r"
    assert (folder / "files" / "f").read_bytes() == "x\r\n\ty\u2028".encode()


def test_two_answers_of_one_job_stand_side_by_side_and_the_same_twice_does_not(tmp_path: Path):
    for answer in ("first", "first", "second", "third"):
        write_outbox(tmp_path, result(answer=answer), None)

    assert visible(tmp_path) == ["01JOB", "01JOB.1", "01JOB.2"]
    assert [(tmp_path / name / "answer.md").read_text() for name in visible(tmp_path)] == ["third", "first", "second"]


@pytest.mark.parametrize(
    "path",
    [
        "../canary",  # up and out
        "/tmp/canary",  # absolute
        "a/../../../canary",  # up and out, later
        "C:\\canary",  # a drive
        "~/canary",  # a home
        "a\0b",  # no name at all
        "x" * 300,  # longer than a name may be
        ".git/hooks/pre-commit",  # runs by itself
    ],
)
def test_a_hostile_path_stays_inside_under_a_name_of_ours(tmp_path: Path, path: str):
    inner = tmp_path / "inner"
    folder = write_outbox(inner, result(**{path: "code"}), None)

    assert tree(folder)["files/block-1.py"] == "code"
    assert [p.name for p in tmp_path.iterdir()] == ["inner"]


def test_a_file_that_is_also_a_folder_gets_a_name_of_ours(tmp_path: Path):
    folder = write_outbox(tmp_path, result(a="1", a__b="2", **{"block-3.py": "3"}), None)

    assert sorted(tree(folder / "files").values()) == ["1", "2", "3"]


def test_the_file_that_a_job_asked_for_stands_under_the_name_that_it_asked_for(tmp_path: Path):
    what = result().evolve(files=(file("y"), file("x = 1", block=1)), out="src/slug.py")
    folder = write_outbox(tmp_path, what, None)

    assert tree(folder / "files") == {"src/slug.py": "x = 1", "block-1.py": "y"}


def test_a_hostile_out_stays_inside_too(tmp_path: Path):
    folder = write_outbox(tmp_path / "inner", result().evolve(files=(file("x = 1"),), out="../../canary"), None)

    assert tree(folder)["files/block-1.py"] == "x = 1"
    assert [p.name for p in tmp_path.iterdir()] == ["inner"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_disk_leaves_nothing_behind_and_the_next_try_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    synced: list[int] = []

    def full(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:  # result.json had room
            raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(QueueNotWritable, match="01JOB"):
            write_outbox(tmp_path, result(), None)
    assert len(synced) == 2
    assert list(tmp_path.iterdir()) == []

    write_outbox(tmp_path, result(), None)
    assert visible(tmp_path) == ["01JOB"]


KILLED = """
import os, signal, sys
from pathlib import Path
from bridge.delivery import outbox
from bridge.delivery.payload import HandOver
synced = []
def dying(handle):
    synced.append(handle)
    if len(synced) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = dying
outbox.write_outbox(Path(sys.argv[1]), HandOver(job="01JOB", answer="a"), {})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("files", [1, 2, 3])  # that had come
def test_killed_midway_no_half_folder_is_visible_and_the_next_try_cleans_up(tmp_path: Path, files: int):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(files)], env=environment(), check=False)

    assert done.returncode == -signal.SIGKILL
    assert visible(tmp_path) == []
    write_outbox(tmp_path, result(), None)
    assert [p.name for p in tmp_path.iterdir()] == ["01JOB"]


def test_every_path_of_a_report_is_one_of_the_folder(bridge: Bridge, reviewer: Reviewer, tmp_path: Path):
    text = "src/a.py\n```python\ndef f(x):\n    return z\n```\n\n```js\nconst a = 1;\na = 2;\n```\n"
    job = give(bridge, bridge.add("Write both."), text)
    reviewer.max_rounds = 0
    reviewer.settle()

    wiring.open_dispatch(bridge.opened, [Outbox(folder=tmp_path / "box")], ignore).send_due({job})

    folder = tmp_path / "box" / job
    places = [
        place["physicalLocation"]["artifactLocation"]
        for run in json.loads((folder / "report.sarif").read_text())["runs"]
        for result in run["results"]
        for place in (*result["locations"], *result["relatedLocations"])
    ]
    assert {place["uri"] for place in places} == {"src/a.py", "files/block-2.js", "answer.md"}
    for place in places:
        assert ((folder / "files" if "uriBaseId" in place else folder) / place["uri"]).is_file()
