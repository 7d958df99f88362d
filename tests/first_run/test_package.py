"""What is published: wheel and source archive, and that each works where nothing of the source tree is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from bridge import __version__
from bridge.models import tiny
from tests.first_run.conftest import ROOT, clean

pytest.importorskip("hatchling")

WINDOWS = sys.platform == "win32"


def run(*command: str, cwd: Path, home: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=clean(home), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class Built:
    """The two archives, and the wheel that comes of the source archive."""

    wheel: Path
    sdist: Path
    sdist_wheel: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")

    def build(source: Path, target: Path, kind: str) -> Path:
        run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target), cwd=source, home=folder)
        [made] = target.iterdir()
        return made

    wheel = build(ROOT, folder / "wheel", "wheel")
    sdist = build(ROOT, folder / "sdist", "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    [source] = (folder / "unpacked").iterdir()
    return Built(wheel=wheel, sdist=sdist, sdist_wheel=build(source, folder / "again", "wheel"))


def installed(wheel: Path, folder: Path) -> Path:
    """The `bridge` of a new environment that has this wheel; the packages that it needs are borrowed from ours."""
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (folder / "pip").mkdir()
    command = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet", "--no-index", "--no-deps"]
    run(*command, str(wheel), cwd=folder, home=folder / "pip")
    # Behind the environment's own packages, so that an editable installation of ours there is not found first.
    ours = Path(pytest.__file__).parents[1]
    (site / "zz_borrowed.pth").write_text(f"{ours}\n", encoding="utf-8")
    return folder / ("Scripts/bridge.exe" if WINDOWS else "bin/bridge")


def files_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_package_and_all_that_it_reads(built: Built):
    names = files_of(built.wheel)
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bridge").rglob("*.py")}
    assert modules <= names
    wanted = {"bridge/py.typed", "bridge/queue_schema.json", tiny.PATH.relative_to(ROOT).as_posix()}
    assert wanted <= names
    assert {name.split("/")[0] for name in names} == {"bridge", f"qwen_bridge-{__version__}.dist-info"}
    info = f"qwen_bridge-{__version__}.dist-info"
    assert {f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= names
    assert built.wheel.stat().st_size < 10_000_000


def test_the_source_archive_has_the_notebooks_the_tests_and_the_documents_and_makes_the_same_wheel(built: Built):
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"notebooks/qwen_bridge.ipynb", "colab/setup_ollama.ipynb", "queue_schema.json", "README.md"} <= names
    assert {"tests/first_run/test_package.py", "docs/architecture.md", "benchmarks/__main__.py", "Makefile"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", "shared"))]
    assert files_of(built.sdist_wheel) == files_of(built.wheel)


def test_neither_holds_a_path_of_the_machine_that_made_it(built: Built):
    with zipfile.ZipFile(built.wheel) as archive:
        for name in archive.namelist():
            if not name.endswith(".gguf"):
                assert str(ROOT).encode() not in archive.read(name), name


@pytest.mark.parametrize("kind", ["wheel", "source archive"])
def test_installed_in_a_clean_environment_everything_works_without_the_source_tree(
    built: Built, tmp_path: Path, kind: str
):
    bridge = installed(built.wheel if kind == "wheel" else built.sdist_wheel, tmp_path / "env")
    home = tmp_path / "home"
    work = home / "work"
    work.mkdir(parents=True)

    def ask(*args: str) -> str:
        return run(str(bridge), *args, cwd=work, home=home)

    told = json.loads(ask("--version", "--json"))
    assert told["bridge"] == __version__
    ask("init")
    job = ask("add", "Write a Python function that doubles x", "--out", "src/twice.py").strip()
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", job)
    assert "queued" in ask("list")
    assert sorted(path.name for path in (work / "notebooks").iterdir()) == [
        "qwen_bridge-0.1.0-py3-none-any.whl", "qwen_bridge.ipynb", "setup_ollama.ipynb",
    ]  # fmt: skip
    python = bridge.with_name("python.exe" if WINDOWS else "python")
    where = run(str(python), "-c", "import bridge; print(bridge.__file__)", cwd=work, home=home).strip()
    assert Path(where).is_relative_to(tmp_path)
    engine = ("--gguf", "tiny") if find_spec("xllamacpp") else ("--engine", "scripted")
    shown = json.loads(ask("demo", *engine, "--json"))
    assert shown["complete"] is True
    assert {row["verdict"] for row in shown["jobs"]} == ({"clean"} if find_spec("xllamacpp") else {"no_code"})
