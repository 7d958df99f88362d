"""The package's copy of itself."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from bridge.core.version import __version__
from bridge.setup import wheel

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_pip_installs_it_without_an_index_and_it_makes_itself_again(tmp_path: Path) -> None:
    file = tmp_path / wheel.NAME
    file.write_bytes(wheel.build())
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--target",
        str(tmp_path / "at"),
        str(file),
    ]
    subprocess.run(command, check=True, capture_output=True)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = "import sys; sys.path.insert(0, sys.argv[1]); import bridge.setup.wheel as w; sys.stdout.buffer.write(w.build())"
    for where in (tmp_path / "at", file):  # installed, and imported from the file as it is
        made = subprocess.run(
            [sys.executable, "-P", "-c", program, str(where)], check=True, capture_output=True, env=env, cwd=tmp_path
        )
        assert made.stdout == file.read_bytes()


def test_it_holds_the_package_and_nothing_of_this_machine() -> None:
    with zipfile.ZipFile(io.BytesIO(wheel.build())) as archive:
        names = set(archive.namelist())
        texts = {name: archive.read(name).decode() for name in names}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bridge").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert "bridge/queue_schema.json" in names
    assert not [name for name, text in texts.items() if str(ROOT) in text or str(Path.home()) + "/" in text]
    assert len(wheel.build()) < 1_400_000


def test_its_metadata_says_what_pyproject_says() -> None:
    with zipfile.ZipFile(io.BytesIO(wheel.build())) as archive:
        [info] = [name for name in archive.namelist() if name.endswith("METADATA")]
        told = archive.read(info).decode()
        entries = archive.read(info.replace("METADATA", "entry_points.txt")).decode()
    project = PYPROJECT["project"]
    assert f"Version: {__version__}" in told
    bare = {re.split(r"[ <>=;]", line)[0] for line in re.findall(r"Requires-Dist: (.*)", told)}
    assert bare == {re.split(r"[ <>=;]", line)[0] for line in project["dependencies"]}
    for entry, target in {**project["scripts"], **project["entry-points"]["papermill.engine"]}.items():
        assert f"{entry} = {target}\n" in entries
