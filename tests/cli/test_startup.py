"""What a command must not import, so that it starts fast."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "nbformat",
    "papermill",
    "nbclient",
    "jsonschema",
    "IPython",
    "mcp",
    "sqlglot",
    "watchdog",
    "requests",
    "http.client",
    "pydrive2",
    "googleapiclient",
    "oauth2client",
    "google.auth",
)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("args", [["--help"], ["add", "Write a function", "--lang", "python"]])
def test_help_and_add_import_nothing_heavy(args: list[str], tmp_path: Path):
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom bridge.cli import main\n"
        f"done = CliRunner().invoke(main, {args!r})\nassert done.exit_code == 0, done.output\n"
        f"print(sorted(set({HEAVY!r}) & sys.modules.keys()))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "bridge", "init"], cwd=tmp_path, env=env, check=True, capture_output=True)

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == "[]"
