"""`bridge --version`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import __version__
from bridge.cli.version import PACKAGES
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def test_it_tells_the_versions_that_matter_a_line_each(bridge: Run):
    told = dict(line.split(" ", 1) for line in bridge("--version").out.splitlines())

    assert told["bridge"] == __version__
    assert told["python"] == platform.python_version()
    assert platform.system() in told["platform"] or platform.system() == "Darwin"
    assert {"nbformat", "ruff"} <= told.keys() <= {"bridge", "python", "platform", *PACKAGES}
    assert bridge("--version", "--json").json == told


def test_what_is_not_installed_is_left_out(bridge: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bridge.cli.version.PACKAGES", ("nbformat", "no-such-package"))
    assert bridge("--version", "--json").json.keys() == {"bridge", "python", "platform", "nbformat"}


def test_it_imports_none_of_them():
    names = {name.replace("-", "_").lower() for name in PACKAGES}
    code = (
        "import sys\nfrom bridge.cli import main\n"
        "try:\n main(['--version'])\nexcept SystemExit as end:\n assert not end.code\n"
        f"print(sorted({names!r} & {{name.lower() for name in sys.modules}}))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_a_command_the_help_is_shown_and_json_alone_is_wrong_use(bridge: Run):
    bare = bridge()
    assert (bare.code, bare.out) == (2, "")
    assert "bridge demo" in bare.err
    assert bridge("--json", "status").code == 2
