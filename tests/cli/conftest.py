from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def ids(self) -> list[str]:
        return self.out.split()


Run = Callable[..., Ran]


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a fresh folder: `bridge("add", "a prompt", input=...)`."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, input: str | bytes | None = None) -> Ran:  # noqa: A002  # as in CliRunner and subprocess
        done = CliRunner().invoke(main, list(args), input=input)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(code=done.exit_code, out=done.stdout_bytes.decode(), err=done.stderr)

    return run


@pytest.fixture
def queue(bridge: Run) -> Run:
    """The same, with a queue that was just made."""
    assert bridge("init").code == 0
    return bridge
