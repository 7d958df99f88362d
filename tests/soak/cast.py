"""The processes: each with its own machine's state, started again after a kill, its output in a file.

Only processes started here are ever signalled, each by its own id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.commands import ROOT


@dataclass(kw_only=True)
class Role:
    """One part in the play."""

    name: str
    argv: tuple[str, ...]  #: after `python -m`
    cwd: Path
    env: Mapping[str, str]
    ends: bool = False  #: it may end by itself, with 0
    process: subprocess.Popen[bytes] | None = None
    #: Times that it was started, killed by us, and ended in another way than it should.
    starts: int = 0
    kills: int = 0
    ended_badly: list[int] = field(default_factory=list)
    stopped: bool = False  #: by SIGSTOP
    over: bool = False
    shot: bool = False  #: by SIGKILL, and not started since

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(kw_only=True)
class Cast:
    """All roles. A context manager: nobody outlives it."""

    logs: Path
    roles: dict[str, Role] = field(default_factory=dict)

    def __enter__(self) -> Cast:
        return self

    def __exit__(self, *_: object) -> None:
        for role in self.roles.values():
            if role.process is not None and role.alive:
                role.process.kill()
                role.process.wait()

    def add(self, name: str, *argv: str, cwd: Path, env: Mapping[str, str], ends: bool = False) -> Role:
        """A role that begins now."""
        role = self.roles[name] = Role(name=name, argv=argv, cwd=cwd, env={**os.environ, **env}, ends=ends)
        self.start(role)
        return role

    def start(self, role: Role) -> None:
        with self.out(role.name).open("ab") as out, self.err(role.name).open("ab") as err:
            role.process = subprocess.Popen(
                [sys.executable, "-m", *role.argv], cwd=role.cwd, env={**role.env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip
        role.starts += 1
        role.shot = role.stopped = False

    def run(self, name: str, *argv: str, cwd: Path, env: Mapping[str, str], timeout_s: float = 300.0) -> str:
        """Run something to its end; gives what it printed. Raises CalledProcessError."""
        with self.err(name).open("ab") as err:
            done = subprocess.run(
                [sys.executable, "-m", *argv], cwd=cwd, env={**os.environ, **env, "PYTHONPATH": str(ROOT)}, stderr=err,
                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=timeout_s, check=True,
            )  # fmt: skip
        return done.stdout.decode()

    def tend(self) -> None:
        """Start again whoever is gone and should not be."""
        for role in self.roles.values():
            if role.over or role.alive or role.process is None:
                continue
            code = role.process.returncode
            if code == 0 and role.ends:
                role.over = True
                continue
            if not role.shot:
                role.ended_badly.append(code)
            self.start(role)

    def kill(self, role: Role) -> bool:
        """SIGKILL; False if it had ended by itself."""
        if role.process is None or not role.alive:
            return False
        role.process.send_signal(signal.SIGKILL)
        role.process.wait()
        role.kills += 1
        role.shot = True
        return True

    def pause(self, role: Role) -> None:
        """It stands still, as a laptop with its lid closed."""
        if role.process is not None and role.alive:
            role.process.send_signal(signal.SIGSTOP)
            role.stopped = True

    def go_on(self, role: Role) -> None:
        if role.process is not None and role.alive and role.stopped:
            role.process.send_signal(signal.SIGCONT)
        role.stopped = False

    def end(self, *names: str, within_s: float = 120.0) -> None:
        """SIGTERM, and wait; whoever does not end has ended badly."""
        chosen = [self.roles[name] for name in names or self.roles]
        for role in chosen:
            role.over = True
            self.go_on(role)
            if role.process is not None and role.alive:
                role.process.terminate()
        until = time.monotonic() + within_s
        for role in chosen:
            if role.process is None:
                continue
            try:
                code = role.process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                role.process.kill()
                code = role.process.wait()
            if code not in (0, -signal.SIGTERM) and not role.shot:  # -SIGTERM: it had not begun to listen yet
                role.ended_badly.append(code)

    def out(self, name: str) -> Path:
        """What it printed, of all its lives."""
        return self.logs / f"{name}.out"

    def err(self, name: str) -> Path:
        """What it complained about."""
        return self.logs / f"{name}.err"

    def counts(self) -> Counter[str]:
        """Kills by role."""
        return Counter({role.name: role.kills for role in self.roles.values()})
