"""colab/setup_ollama.ipynb: its cells, run with a stand-in for Drive; and its steps, one by one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge
from bridge.core.job import State
from bridge.setup import colab, create, wheel
from tests.support.ollama import LoopbackOllama

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "colab" / "setup_ollama.ipynb"


def cells(notebook: Path = NOTEBOOK) -> dict[str, str]:
    book = json.loads(notebook.read_text(encoding="utf-8"))
    return {c["id"]: "".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code"}


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """My Drive, which Colab mounts; `mounted` counts how often."""
    module = types.ModuleType("google.colab.drive")
    module.mounted = []  # type: ignore[attr-defined]
    module.mount = lambda at, force_remount: module.mounted.append((at, force_remount))  # type: ignore[attr-defined]
    package = types.ModuleType("google.colab")
    package.drive = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setitem(sys.modules, "google.colab.drive", module)
    monkeypatch.setattr(colab, "MOUNT", str(tmp_path))
    (tmp_path / "MyDrive").mkdir()
    return tmp_path / "MyDrive"


def make(folder: Path) -> Path:
    return create.create_queue(folder, "notebooks/qwen_bridge.ipynb", examples=True, config=False).queue


def test_run_all_of_the_set_up_notebook_answers_the_queue_on_drive(
    drive: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    queue = make(drive)
    pip: list[list[str]] = []

    def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        if "pip" in command:
            pip.append(command)
            return subprocess.CompletedProcess(command, 0, stdout="")
        return subprocess.run(command, **more)

    fake = types.SimpleNamespace(**{**vars(subprocess), "run": run})
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    names: dict[str, Any] = {}
    barrier = threading.Barrier(3)  # opens only when three requests are inside at once

    def answer(_prompt: str) -> str:
        barrier.wait(120)
        return "Done.\n"

    with LoopbackOllama(answer=answer) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        for name, source in cells(queue.with_name(create.SETUP_NAME)).items():
            exec(compile(source, name, "exec"), names)
            if name == "setup-steps":
                names |= {"subprocess": fake, "MOUNT": str(drive.parent)}
    assert sys.modules["google.colab"].drive.mounted == [(str(drive.parent), False)]
    assert [Path(command[-1]).name for command in pip] == [wheel.NAME]
    told = capfd.readouterr().out
    assert "Ollama" in told
    assert colab.AFTER[0] in told
    assert server.most_at_once == 3
    with Bridge(str(queue)) as opened:
        assert opened.status().counts[State.SUCCEEDED] == 3


def test_the_page_says_the_policy_before_anything_runs() -> None:
    first = "".join(json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"][0]["source"])
    assert "running\ndistributed computing workers" in first
    assert "Run all" in first
    assert "paid" in first
    assert next(iter(cells())) == "setup-form"


def test_a_queue_is_found_on_drive_and_several_are_told_apart(drive: Path) -> None:
    (drive / "Colab Notebooks").mkdir()
    (drive / "Colab Notebooks" / "qwen_bridge.ipynb").write_text("{}")  # of that name, but no queue
    with pytest.raises(FileNotFoundError, match="bridge init"):
        colab.find_queue(drive, "")
    queue = make(drive / "project")
    assert colab.find_queue(drive, "") == queue
    other = make(drive / "other")
    with pytest.raises(FileNotFoundError, match=r"other/notebooks/qwen_bridge.ipynb\n  project/notebooks"):
        colab.find_queue(drive, "")
    assert colab.find_queue(drive, " other/notebooks/qwen_bridge.ipynb ") == other
    with pytest.raises(FileNotFoundError, match="queue_file"):
        colab.find_queue(drive, "nowhere.ipynb")


def test_only_the_very_package_that_the_notebook_names_is_installed_and_no_index_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"the package"
    (tmp_path / wheel.NAME).write_bytes(data)
    asked: list[tuple[str, bytes]] = []

    def run(command: list[str], **_more: Any) -> subprocess.CompletedProcess[str]:
        asked.append((Path(command[-1]).name, Path(command[-1]).read_bytes()))
        return subprocess.CompletedProcess(command, len(asked) - 1, stdout="ERROR: no such thing\n")

    monkeypatch.setattr(colab.subprocess, "run", run)
    pin = hashlib.sha256(data).hexdigest()
    colab.install_package(tmp_path, wheel=wheel.NAME, sha256=pin)
    assert asked == [(wheel.NAME, data)]
    with pytest.raises(RuntimeError, match="no such thing"):
        colab.install_package(tmp_path, wheel=wheel.NAME, sha256=pin)
    (tmp_path / wheel.NAME).write_bytes(b"another")
    with pytest.raises(RuntimeError, match="somebody changed"):
        colab.install_package(tmp_path, wheel=wheel.NAME, sha256=pin)
    (tmp_path / wheel.NAME).unlink()
    with pytest.raises(RuntimeError, match="cannot be read"):
        colab.install_package(tmp_path, wheel=wheel.NAME, sha256=pin)
    with pytest.raises(RuntimeError, match="belongs to no queue"):
        colab.install_package(tmp_path, wheel="", sha256="")
    assert len(asked) == 2


def settings() -> types.SimpleNamespace:
    return types.SimpleNamespace(model="m", lanes=2, num_ctx=8192, max_tokens=10, host="")


def test_drive_that_vanishes_is_mounted_again_and_what_is_left_is_published(
    drive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = drive / "q" / "qwen_bridge.ipynb"
    drive_module = sys.modules["google.colab"].drive

    def mount(at: str, *, force_remount: bool) -> None:
        drive_module.mounted.append((at, force_remount))
        if len(drive_module.mounted) == 1:
            raise ValueError("mount failed")
        queue.parent.mkdir()
        queue.touch()

    monkeypatch.setattr(drive_module, "mount", mount)
    codes = iter([3, 0])
    revived: list[bool] = []

    def watched(_command: list[str], _environ: dict[str, str], look: Any, _look_s: float) -> int:
        if not queue.exists():
            assert not look()  # the first try fails
        return next(codes)

    monkeypatch.setattr(colab, "watched", watched)
    assert colab.work(queue, settings(), lambda: revived.append(True), max_time="1h") == 0
    assert drive_module.mounted == [(colab.MOUNT, True)] * 2
    assert revived
    told = capsys.readouterr().out
    assert "mount failed" in told
    assert told.strip().endswith(colab.AFTER[0])


def test_a_failure_that_is_not_drives_is_not_tried_for_ever(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (drive / "qwen_bridge.ipynb").touch()
    monkeypatch.setattr(colab, "watched", lambda *_: 3)
    assert colab.work(drive / "qwen_bridge.ipynb", settings(), lambda: None, max_time="1h") == 3
    assert sys.modules["google.colab"].drive.mounted == []


@pytest.mark.skipif(sys.platform == "win32", reason="a FIFO")
def test_while_the_worker_works_drive_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def look() -> bool:
        if not looked:
            fifo.write_text("seen\n")  # lets the process go on
        looked.append(True)
        return False

    looked: list[bool] = []
    command = [
        sys.executable,
        "-c",
        f"print('begun', flush=True); print(open({str(fifo)!r}).read()); raise SystemExit(7)",
    ]
    assert colab.watched(command, dict(os.environ), look, 0.05) == 7
    assert capsys.readouterr().out == "begun\nseen\n\n"


def test_without_a_gpu_it_is_said_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(colab.shutil, "which", lambda _name: None)
    for here in ("", "127.0.0.1:11434", "http://localhost", ":11434", "[::1]:11434", "0.0.0.0"):
        monkeypatch.setenv("OLLAMA_HOST", here)
        assert not colab.look_for_gpu()
        assert "Change runtime type" in capsys.readouterr().out
    for elsewhere in ("gpu-box", "https://ollama.example.com", "10.0.0.7:11434"):
        monkeypatch.setenv("OLLAMA_HOST", elsewhere)
        assert colab.look_for_gpu()
        assert "no GPU is needed here" in capsys.readouterr().out
