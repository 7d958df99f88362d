"""What `bridge doctor` and `bridge init` say of the folder that a queue lies in, and of cells of another version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bridge import __version__
from bridge.setup import doctor
from bridge.transports import sync_clients
from bridge.transports.mount import Mount
from bridge.transports.sync_clients import SyncClient
from tests.cli.conftest import Run


def test_doctor_and_init_say_which_client_holds_the_folder(bridge: Run, tmp_path: Path):
    (tmp_path / ".stfolder").mkdir()
    made = bridge("init")
    assert "who holds this folder: Syncthing (.stfolder in" in made.err
    assert "sync-conflict" in made.err

    folder = tmp_path / "notebooks"
    shutil.copy(folder / "qwen_bridge.ipynb", folder / "qwen_bridge.sync-conflict-20260102-030405-ABCDEFG.ipynb")
    (folder / ".syncthing.qwen_bridge.ipynb.tmp").write_bytes(b"half")
    found = {f["check"]: f for f in bridge("doctor", "--json").json["findings"]}
    assert found["folder"]["found"].startswith("Syncthing")
    assert found["folder"]["grade"] == "ok"
    copy = found["qwen_bridge.sync-conflict-20260102-030405-ABCDEFG.ipynb"]
    assert copy["found"] == "a second copy of this queue (made by Syncthing)"
    assert ".syncthing.qwen_bridge.ipynb.tmp" in found["pending"]["found"]
    assert "state" not in found
    assert "write_mode" not in found


def test_on_a_plain_disk_init_says_nothing_of_clients(bridge: Run):
    assert "who holds" not in bridge("init").err
    assert {f["found"] for f in bridge("doctor", "--json").json["findings"] if f["check"] == "folder"} == {
        "a plain disk"
    }


@pytest.mark.parametrize(
    ("mode", "mount", "says"),
    [
        ("replace", sync_clients.RCLONE, "may get a new id"),
        ("inplace", sync_clients.SYNCTHING, "half a file"),
        ("inplace", sync_clients.RCLONE, None),
        ("replace", sync_clients.SYNCTHING, None),
        ("auto", sync_clients.RCLONE, None),
    ],
)
def test_doctor_warns_of_a_write_mode_against_the_advice(
    queue: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, mount: SyncClient, says: str | None
):
    (tmp_path / "bridge.toml").write_text(f'queue = "notebooks/qwen_bridge.ipynb"\nwrite_mode = "{mode}"\n')
    seen = Mount(client=mount, evidence="a mark", sure=False)
    plain = Mount(client=sync_clients.DISK)
    monkeypatch.setattr(doctor, "mount_of", lambda folder: seen if folder.name == "notebooks" else plain)

    findings = {f["check"]: f for f in queue("doctor", "--json").json["findings"]}

    assert findings["folder"]["found"].startswith(f"probably {mount.name} (a mark)")
    assert findings["folder"]["remedy"] == mount.advice
    assert ("write_mode" in findings) == (says is not None)
    if says:
        assert findings["write_mode"]["grade"] == "warning"
        assert says in findings["write_mode"]["found"]


def test_doctor_warns_of_a_journal_inside_a_synced_folder(queue: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".stfolder").mkdir()
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))

    [state] = [f for f in queue("doctor", "--json").json["findings"] if f["check"] == "state"]

    assert state["grade"] == "warning"
    assert "Syncthing" in state["found"]
    assert "BRIDGE_STATE_DIR" in state["remedy"]


@pytest.mark.parametrize(
    ("version", "says", "remedy"),
    [
        ("9.9.9", "of the newer version 9.9.9", "update qwen-bridge here"),
        ("0.0.1", "of the older version 0.0.1", "`bridge refresh` brings them up"),
        (__version__, "that differ from those of this version", "`bridge refresh`"),
    ],
)
def test_doctor_says_which_side_is_newer_when_the_runtime_cell_tells(
    queue: Run, tmp_path: Path, version: str, says: str, remedy: str
):
    path = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    text = path.read_text(encoding="utf-8")
    assert text.count(f"of Qwen Bridge {__version__}:") == 1
    changed = text.replace(f"of Qwen Bridge {__version__}:", f"of Qwen Bridge {version}: changed,")
    path.write_text(changed, encoding="utf-8")

    [found] = [f for f in queue("doctor", "--json").json["findings"] if f["check"] == "qwen_bridge.ipynb"]

    assert says in found["found"]
    assert remedy in found["remedy"]


def test_code_in_the_notebook_that_is_not_ours_is_named_by_status_and_doctor(queue: Run, tmp_path: Path):
    path = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    assert queue("status", "--json").json["strange_cells"] == []
    book = json.loads(path.read_bytes())
    theirs = {"cell_type": "code", "execution_count": None, "id": "evil", "metadata": {}, "outputs": [],
              "source": "import os\nos.system('x')"}  # fmt: skip
    setup = next(cell for cell in book["cells"] if cell["id"] == "bridge-setup")
    setup["source"] = [line.replace("lanes = 0 #", "lanes = print(1) #") for line in setup["source"]]
    path.write_text(json.dumps({**book, "cells": [*book["cells"], theirs]}))

    named = ["bridge-setup (differs from this version's): #@title Setup", "evil: import os"]
    for told in (
        queue("status", "--json").json["strange_cells"],
        [f["found"] for f in queue("doctor", "--json").json["findings"] if f["check"] == "code"],
    ):
        assert len(told) == 2
        assert all(any(name in one for one in told) for name in named)
    assert "code that is not ours" in queue("status").out

    queue("refresh")
    assert "print(1)" not in path.read_text(), "a choice that is code is not kept"
    assert [cell.partition(", ")[2] for cell in queue("status", "--json").json["strange_cells"]] == ["evil: import os"]


def test_a_choice_in_a_form_does_not_make_the_cell_strange(queue: Run, tmp_path: Path):
    path = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    path.write_text(path.read_text().replace("lanes = 0 #", "lanes = 3 #"))
    assert queue("status", "--json").json["strange_cells"] == []
