"""papermill's own test suite, of the source of the release that is installed, with our engine as the default."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.shipped import ROOT

pytest.importorskip("papermill")

ALLOWED = tomllib.loads((ROOT / "tests/fixtures/papermill-allowed-failures.toml").read_text(encoding="utf-8"))
#: Those about running notebooks; the others are about storage, translators and files, which no engine changes.
ABOUT_RUNNING = ("autosave", "cli", "clientwrap", "engines", "execute", "parameterize")


@pytest.fixture(scope="module")
def source() -> Path:
    """papermill's source distribution, unpacked; it is fetched once, by pip, into a folder that git ignores."""
    release = f"papermill-{version('papermill')}"
    cache = ROOT / ".papermill-tests"
    if not (cache / release).is_dir():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "papermill"]
        wanted = ["--dest", str(cache), release.replace("-", "==")]
        done = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"the source of {release} could not be fetched: {done.stderr.strip()[-300:]}")
        with tarfile.open(cache / f"{release}.tar.gz") as archive:
            archive.extractall(cache, filter="data")
    return cache / release


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_papermills_tests_fail_only_where_the_list_says_why(source: Path, tmp_path: Path) -> None:
    files = [f"papermill/tests/test_{name}.py" for name in ABOUT_RUNNING]
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "BRIDGE", "COV"))},
        "PYTHONPATH": str(ROOT), "BRIDGE_STATE_DIR": str(tmp_path / "state"), "TMPDIR": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.support.papermill_as_default", "--tb=short", *files],
        cwd=source, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = set(re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE))
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout[-3000:] + done.stderr[-2000:]
    assert int(passed[1]) > 100
    assert failed <= ALLOWED.keys(), done.stdout[-6000:]
