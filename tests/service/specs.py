"""Services for tests, and those of real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.setup.service.base import ManagerKind, ServiceRole, ServiceSpec
from tests.support.commands import environment


def spec(home: Path, manager: ManagerKind, **said: Any) -> ServiceSpec:
    """A gateway before the scripted engine."""
    fixed: dict[str, Any] = {"role": ServiceRole.SERVE, "folder": home, "python": sys.executable}
    return ServiceSpec(home=home, manager=manager, **{**fixed, "options": ("--engine", "scripted"), **said})


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Services:
    """`bridge service …` in processes of its own, in one folder and with one state folder."""

    folder: Path
    state: Path
    port: int

    def environ(self) -> dict[str, str]:
        """Of every command."""
        own = {"BRIDGE_STATE_DIR": str(self.state), "QWENCODER_PORT": str(self.port)}
        return {**environment(), **own, "OPENAI_API_KEY": "sk-not-to-be-written"}

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """A command that runs."""
        argv = [sys.executable, "-m", "bridge", "service", *words]
        return subprocess.Popen(
            argv, cwd=self.folder, env=self.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __call__(self, *words: str) -> Done:
        """A command to its end."""
        with self.begin(*words) as process:
            out, err = process.communicate()
        return Done(process.returncode, out, err)

    def install(self, role: str, *options: str, log_bytes: int = 5_000_000) -> Done:
        """As a process of our own, whatever this machine has."""
        done = self("install", role, "--manager", "detached", "--log-bytes", str(log_bytes), "--", *options)
        assert done.code == 0, done.err
        return done

    def status(self, role: str = "serve") -> dict[str, Any]:
        """As JSON."""
        return dict(self("status", role, "--json").json)

    def file(self, name: str) -> Path:
        """One of its files."""
        return self.state / "services" / name


def lives(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
