"""The processes of the soak: each with its own machine's state, started again after a kill, its output in a file.

Only processes started here are ever signalled, each by its own id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.commands import ROOT


@dataclass(kw_only=True)
class ManagedProcess:
    """A command that is kept running."""

    name: str
    argv: tuple[str, ...]  #: after `python -m`
    cwd: Path
    env: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    kills: int = 0
    ended_badly: list[int] = field(default_factory=list)  #: exit codes of ends that were neither asked for nor a kill
    paused: bool = False  #: by SIGSTOP
    stopped: bool = False  #: it is not started again
    killed: bool = False  #: by SIGKILL, and not started since

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(kw_only=True)
class Processes:
    """All of them. A context manager: none outlives it."""

    logs: Path
    by_name: dict[str, ManagedProcess] = field(default_factory=dict)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for managed in self.by_name.values():
            if managed.process is not None and managed.alive:
                managed.process.kill()
                managed.process.wait()

    def add(self, name: str, *argv: str, cwd: Path, env: Mapping[str, str]) -> ManagedProcess:
        """Start a process that is kept running from now on."""
        managed = ManagedProcess(name=name, argv=argv, cwd=cwd, env={**os.environ, **env})
        self.by_name[name] = managed
        self.start(managed)
        return managed

    def start(self, managed: ManagedProcess) -> None:
        with self.out(managed.name).open("ab") as out, self.err(managed.name).open("ab") as err:
            managed.process = subprocess.Popen(
                [sys.executable, "-m", *managed.argv], cwd=managed.cwd, env={**managed.env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip
        managed.starts += 1
        managed.killed = managed.paused = False

    def run(self, name: str, *argv: str, cwd: Path, env: Mapping[str, str], timeout_s: float = 1_800.0) -> str:
        """Run a command to its end; gives what it printed. Raises CalledProcessError."""
        with self.err(name).open("ab") as err:
            done = subprocess.run(
                [sys.executable, "-m", *argv], cwd=cwd, env={**os.environ, **env, "PYTHONPATH": str(ROOT)}, stderr=err,
                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=timeout_s, check=True,
            )  # fmt: skip
        return done.stdout.decode()

    def restart_ended(self) -> None:
        """Start again whatever has ended and should not have."""
        for managed in self.by_name.values():
            if managed.stopped or managed.alive or managed.process is None:
                continue
            if not managed.killed:
                managed.ended_badly.append(managed.process.returncode)
            self.start(managed)

    def kill(self, managed: ManagedProcess) -> None:
        """SIGKILL; one that has just ended is started first, so that there is always something to kill."""
        self.restart_ended()
        assert managed.process is not None
        managed.process.send_signal(signal.SIGKILL)
        managed.process.wait()
        managed.kills += 1
        managed.killed = True

    def pause(self, managed: ManagedProcess) -> None:
        """It stands still, as a laptop with its lid closed."""
        if managed.process is not None and managed.alive:
            managed.process.send_signal(signal.SIGSTOP)
            managed.paused = True

    def resume(self, managed: ManagedProcess) -> None:
        if managed.process is not None and managed.alive and managed.paused:
            managed.process.send_signal(signal.SIGCONT)
        managed.paused = False

    def stop(self, *names: str, within_s: float = 120.0) -> None:
        """SIGTERM, and wait; what does not end has ended badly."""
        chosen = [self.by_name[name] for name in names]
        for managed in chosen:
            managed.stopped = True
            self.resume(managed)
            if managed.process is not None and managed.alive:
                managed.process.terminate()
        until = time.monotonic() + within_s
        for managed in chosen:
            if managed.process is None:
                continue
            try:
                code = managed.process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                managed.process.kill()
                code = managed.process.wait()
            if code not in (0, -signal.SIGTERM) and not managed.killed:  # -SIGTERM: it had not begun to listen yet
                managed.ended_badly.append(code)

    def out(self, name: str) -> Path:
        """What it printed, of all its lives."""
        return self.logs / f"{name}.out"

    def err(self, name: str) -> Path:
        """What it complained about."""
        return self.logs / f"{name}.err"
