"""A command as somebody meets it who has just installed the package: in a process of its own, with nothing of ours around."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new user's home."""
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    return home


@pytest.fixture
def bridge(home: Path) -> Run:
    """Runs `bridge ...` there: of the environment only PATH, and no Ollama unless a test names one."""

    def run(*args: str, cwd: Path | None = None, code: int | None = 0, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "bridge", *args],
            cwd=cwd or home / "work", env={**clean(home), "PYTHONPATH": str(ROOT), **more},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert code is None or done.returncode == code, done.stderr
        return done

    return run


def clean(home: Path) -> dict[str, str]:
    """The environment of a new user; Ollama is looked for where nobody listens, whatever runs on this machine."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
    xdg = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "CACHE", "STATE")}
    return {**kept, **xdg, "HOME": str(home), "USERPROFILE": str(home), "OLLAMA_HOST": "127.0.0.1:1"}
