"""What stands in place of a queue's files, and disks without room: one clear sentence, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.commands import environment

NOTEBOOK = Path("notebooks/qwen_bridge.ipynb")
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


@posix
@pytest.mark.parametrize("link", ["symlink", "hard link"])
def test_a_linked_notebook_is_written_through_its_link(queue: Run, tmp_path: Path, link: str) -> None:
    real = tmp_path / "elsewhere.ipynb"
    NOTEBOOK.rename(real)
    if link == "symlink":
        NOTEBOOK.symlink_to(real)
    else:
        NOTEBOOK.hardlink_to(real)
    job = queue("add", "a prompt").ids[0]
    assert NOTEBOOK.is_symlink() == (link == "symlink")
    assert NOTEBOOK.samefile(real)
    assert job in real.read_text()


@posix
@pytest.mark.parametrize("what", ["a folder", "a FIFO", "a device"])
def test_what_is_no_file_is_refused_at_once(queue: Run, what: str) -> None:
    queue("add", "a prompt")
    NOTEBOOK.unlink()
    if what == "a folder":
        NOTEBOOK.mkdir()
    elif what == "a FIFO":
        os.mkfifo(NOTEBOOK)
    else:
        NOTEBOOK.symlink_to("/dev/zero")
    for command in (["status"], ["add", "another"], ["work", "--engine", "scripted"]):
        ran = queue(*command)
        assert ran.code == 3
        assert what in ran.err
        assert len(ran.err.splitlines()) == 1


@posix
def test_state_is_for_its_owner_alone_also_what_was_there_before(queue: Run, own_surroundings: Path) -> None:
    queue("add", "a prompt")
    home = next((own_surroundings / "queues").iterdir())
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    queue("add", "another")
    for path in [home, *home.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_newer_notebook_is_never_moved_to_damaged(queue: Run) -> None:
    queue("add", "a prompt")
    notebook = json.loads(NOTEBOOK.read_text())
    notebook["metadata"]["bridge"]["schema"] = 9
    NOTEBOOK.write_text(json.dumps(notebook))
    before = NOTEBOOK.read_bytes()
    ran = queue("rebuild", "--notebooks")
    assert (ran.code, NOTEBOOK.read_bytes()) == (3, before)
    assert "update qwen-bridge" in ran.err
    assert not Path("notebooks/damaged").exists()


@pytest.mark.parametrize("journal", ["lost", "there", "lost with all that this machine knew"])
@pytest.mark.parametrize("dense", [False, True])
def test_half_a_notebook_is_salvaged_as_far_as_its_cells_are_whole(
    queue: Run, own_surroundings: Path, journal: str, dense: bool
) -> None:
    ids = [queue("add", f"prompt {n}").ids[0] for n in range(6)]
    queue("work", "--engine", "scripted")
    notebook = json.loads(NOTEBOOK.read_text())
    if dense:  # as another program lays it out, with what is ours at its head
        notebook = {"metadata": notebook["metadata"], **notebook}
    text = json.dumps(notebook, indent=None if dense else 1)
    cut = text[: text.rindex(f'"id": "{ids[4]}"')]
    NOTEBOOK.write_text(cut)
    if journal == "lost":
        shutil.rmtree(own_surroundings / "queues")
    elif journal != "there":
        shutil.rmtree(own_surroundings)
    ran = queue("rebuild", "--salvage", "--json")
    if journal == "lost with all that this machine knew" and not dense:
        assert ran.code == 3
        assert "of which queue" in ran.err
        assert NOTEBOOK.read_text() == cut
        return
    assert ran.code == 0, ran.err
    assert Path("notebooks/damaged", NOTEBOOK.name).read_text() == cut
    states = {line["id"]: line["state"] for line in queue("list", "--json").json["jobs"]}
    assert states == dict.fromkeys(ids if journal == "there" else ids[:4], "succeeded")
    assert queue("add", "one more").code == 0


def test_a_notebook_of_which_no_cell_is_whole_is_left_as_it_is(queue: Run) -> None:
    cut = NOTEBOOK.read_text()[:60]
    NOTEBOOK.write_text(cut)
    ran = queue("rebuild", "--salvage")
    assert (ran.code, NOTEBOOK.read_text()) == (3, cut)
    assert "no whole cell" in ran.err


def test_doctor_names_a_second_folder_with_the_same_queue(queue: Run, tmp_path: Path) -> None:
    queue("add", "a prompt")
    twin = tmp_path / "twin"
    shutil.copytree("notebooks", twin)
    queue("status", "--queue", str(twin / NOTEBOOK.name))
    found = [line for line in queue("doctor", "--json").json["findings"] if line["check"] == "twin"]
    assert [str(twin / NOTEBOOK.name) in line["found"] for line in found] == [True]


def test_a_notebook_emptied_of_its_cells_is_not_believed(queue: Run) -> None:
    job = queue("add", "the only one").ids[0]
    before = json.loads(NOTEBOOK.read_text())
    NOTEBOOK.write_text(json.dumps({**before, "cells": []}))
    queue("add", "another")
    after = json.loads(NOTEBOOK.read_text())
    assert [cell["source"] for cell in after["cells"]][: len(before["cells"])] == [c["source"] for c in before["cells"]]
    states = {line["id"]: line["state"] for line in queue("list", "--json").json["jobs"]}
    assert states[job] == "queued"


def test_jobs_that_vanish_half_by_half_are_not_believed(queue: Run) -> None:
    ids = [queue("add", f"prompt {n}").ids[0] for n in range(16)]
    for _ in range(4):
        notebook = json.loads(NOTEBOOK.read_text())
        jobs = [cell["id"] for cell in notebook["cells"] if cell["id"] in ids]
        gone = set(jobs[: len(jobs) // 2])
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] not in gone]
        NOTEBOOK.write_text(json.dumps(notebook))
        queue("list")
    states = [line["state"] for line in queue("list", "--json").json["jobs"] if line["id"] in ids]
    assert states.count("queued") >= 8


FULL = """
set -e
mount -t tmpfs -o size=3m none "$1"
mkdir "$1/q"
cd "$1/q"
export BRIDGE_STATE_DIR="$1/state"
"$2" -m bridge init . >/dev/null 2>&1
"$2" -m bridge add "a prompt" >/dev/null
"$2" -m bridge status >/dev/null
dd if=/dev/zero of="$1/fill" bs=4k >/dev/null 2>&1 || true
set +e
for call in "add another" "status" "work --engine scripted" "watch --once"; do
  "$2" -m bridge $call >"$3/out" 2>"$3/err"; echo "$call|$?|$(wc -l <"$3/err")|$(tail -1 "$3/err")"
done
rm "$1/fill"
"$2" -m bridge work --engine scripted >/dev/null 2>&1; echo "afterwards|$?|0|"
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("unshare"), reason="a small disk of its own needs Linux"
)
def test_a_full_disk_is_one_clear_sentence(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    ran = subprocess.run(
        ["unshare", "-rm", "bash", "-c", FULL, "full", str(disk), sys.executable, str(tmp_path)],
        capture_output=True, text=True, timeout=120, env=environment(), check=False,
    )  # fmt: skip
    if "mount" in ran.stderr or "unshare" in ran.stderr:
        pytest.skip(f"no file system may be mounted here: {ran.stderr}")
    lines = [line.split("|", 3) for line in ran.stdout.splitlines()]
    assert [line[0] for line in lines] == [
        "add another",
        "status",
        "work --engine scripted",
        "watch --once",
        "afterwards",
    ]
    for call, code, _, message in lines[:-1]:
        assert code == "3" or call == "status", (call, message)
        assert code == "0" or "no space left" in message, (call, message)
    assert lines[-1][1] == "0"
