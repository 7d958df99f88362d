"""Where Ollama cannot be built it is said why, and nothing fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ollama_real import build

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the build is made for Linux")


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({}, "Go is not installed"),
        ({"go": "echo go version go1.21.3 linux/amd64"}, r"Go 1\.24 or newer is needed \(go version go1\.21\.3"),
        ({"go": "echo go version go1.26.0 linux/amd64"}, r"g\+\+ is not installed"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str], reason: str
) -> None:
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert re.match(reason, build.why_not())


def test_the_command_ends_with_3_then_and_says_so(tmp_path: Path) -> None:
    if build.PROGRAM.exists():
        pytest.skip("it is built already")
    environ = {**os.environ, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "tests.ollama_real"]
    done = subprocess.run(command, cwd=build.ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "cannot be built: Go is not installed" in done.stderr) == (3, True)
