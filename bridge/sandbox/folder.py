"""Run a checker over text that nobody vouches for.

Promises: only an argv that our own code built, never a shell; a fresh folder with nothing but our own files; confined to it
where the system can (see `confinement`); an environment from scratch; a session of its own with a closed stdin; limits on
wall time, processor, memory, file size, open files and output, and on the time of all runs together; the whole process
group is gone afterwards. What crashes, hangs or hits a limit says so in `ProcessResult.failure`: it is never read as
"nothing found".
"""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from bridge.core.closing import Closing
from bridge.sandbox.confinement import Confinement, confinement
from bridge.sandbox.pool import Lane
from bridge.sandbox.process import ProcessResult, ResourceLimits, start, wait
from bridge.sandbox.resident import ResidentError

ReplyT = TypeVar("ReplyT")

#: Names that some tool would read as its configuration if they lay beside the text; compared in lower case.
CONFIG_NAMES = re.compile(
    r"(?i)^(?:package(?:-lock)?\.json|[tj]sconfig.*\.json|pyproject\.toml|setup\.(?:cfg|py)|tox\.ini"
    r"|\.?ruff\.toml|ty\.toml|"
    r"\.?flake8|\.?pylintrc|mypy\.ini|\.eslintrc.*|eslint\.config\..*|\.eslintignore|\.?oxlintrc.*"
    r"|oxlint\.config\..*|\.?biome\.jsonc?|"
    r"\.prettierrc.*|prettier\.config\..*|babel\.config\..*|\.babelrc.*|\.sqlfluff|cargo\.(?:toml|lock)"
    r"|build\.rs|rust-toolchain.*|"
    r"\.?rustfmt\.toml|\.?clippy\.toml|go\.(?:mod|sum|work|env)|\.shellcheckrc|shellcheckrc|\.clang-(?:tidy"
    r"|format)|conftest\.py|"
    r"sitecustomize\.py|usercustomize\.py|\.npmrc|\.yarnrc.*|\.git.*|\.editorconfig|\.env.*|makefile|gnumakefile"
    r"|\.?luacheckrc|"
    r"php\.ini|\.user\.ini|\.rubocop.*|gemfile.*|.*\.pth|node_modules|__pycache__)$"
)
_SAFE_PART = re.compile(r"^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}$")


#: Programs that are taken from a project's `node_modules`. No configuration of the project is read with them.
_OF_PROJECT = frozenset({"tsc", "tsgo"})


@dataclass(frozen=True)
class Toolbox:
    """Where programs are looked for; relative folders are never searched."""

    path: tuple[str, ...] = field(default_factory=lambda: default_path())  # noqa: PLW0108  # it is defined below
    project: Path | None = None  #: whose own TypeScript comes first: its version decides what is right

    def find(self, name: str) -> str | None:
        """The absolute path of a program; None if it is not installed."""
        own = (str((self.project / "node_modules" / ".bin").resolve()),) if self.project and name in _OF_PROJECT else ()
        return _which(name, (*own, *self.path))


@lru_cache(maxsize=256)
def _which(name: str, path: tuple[str, ...]) -> str | None:
    folders = [p for p in path if Path(p).is_absolute()]
    return shutil.which(name, path=os.pathsep.join(folders)) if folders else None


def default_path() -> tuple[str, ...]:
    """The folders of this Python's own scripts, then those of PATH."""
    own = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent))
    return tuple(dict.fromkeys((*own, *os.environ.get("PATH", "").split(os.pathsep))))


#: Seconds that all runs over one answer may take together, and seconds of processor.
BUDGET_S = 60.0
CPU_BUDGET_S = 30.0


#: How a run ends at its limit of processor: what it used is told a little short.
_OF_LIMIT = ("ended by SIGXCPU", "ended by SIGKILL")


class Sandbox(Closing):
    """A folder for one answer's files, and runs in it. A context manager; the folder is gone after it.

    Args:
        within: what runs are confined by; default: the strongest that works here.
        budget_s: seconds that all runs may take together; what is asked for later fails.
        cpu_budget_s: seconds of processor that they may use together.
        now_s: seconds of a clock that only goes forward.
        lane: whose folder it is in, and whose sandboxes run the programs; None: each run has a sandbox of its own.
    """

    def __init__(
        self,
        *,
        within: Confinement | None = None,
        budget_s: float = BUDGET_S,
        cpu_budget_s: float = CPU_BUDGET_S,
        now_s: Callable[[], float] = time.monotonic,
        lane: Lane | None = None,
    ) -> None:
        self.within = within or confinement()
        self._left_s, self._cpu_left_s = budget_s, cpu_budget_s
        self._budget_s, self._cpu_budget_s, self._now_s = budget_s, cpu_budget_s, now_s
        self._lane = lane
        self._folder = tempfile.TemporaryDirectory(
            prefix="bridge-check-", ignore_cleanup_errors=True, dir=lane.folder if lane else None
        )
        self.folder = Path(self._folder.name).resolve()
        self.home = self.folder / "home"
        self.files = self.folder / "files"
        self.config = self.folder / "config"
        for folder in (self.home, self.files, self.config):
            folder.mkdir()
        #: What was stored below `files`, by name.
        self.texts: dict[str, str] = {}

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def put(self, name: str, text: str) -> Path:
        """Store a text below `files` and give its path.

        Raises:
            ValueError: a name that is not plain, or that a tool would read as its configuration.
        """
        if not storable(name):
            raise ValueError(f"{name!r} is not a name to store a text under")
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        self.texts[name] = text
        return path

    def settings(self, name: str, text: str) -> Path:
        """Store our own configuration of a tool, outside of `files`, and give its absolute path."""
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def environment(self, program: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a run: nothing of ours but the way to the program."""
        system = ["/usr/local/bin", "/usr/bin", "/bin"] if os.name == "posix" else []
        env = {
            "PATH": os.pathsep.join([str(Path(program).parent), *system]),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "NO_COLOR": "1",
        }
        if os.name == "nt":
            env |= {k: os.environ[k] for k in ("SYSTEMROOT", "COMSPEC") if k in os.environ} | {"TEMP": str(self.home)}
        return {**env, **(extra or {})}

    def run(
        self,
        argv: Sequence[str],
        *,
        limits: ResourceLimits | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        readable: Sequence[Path] = (),
    ) -> ProcessResult:
        """Run a program to its end or its limits. Never raises for what the program does.

        Args:
            argv: absolute path of the program, then its arguments.
            limits: what it may use.
            env: variables beside those of `environment`.
            cwd: where it runs; default: the folder of the stored files.
            readable: files and folders beside the system, the program's own and this one that it may read.
        """
        if spent := self._spent():
            return ProcessResult(
                code=None, stdout="", stderr="", failure=f"not started: this answer has had its {spent}"
            )
        bounds = limits or ResourceLimits()
        bounds = replace(
            bounds,
            wall_s=min(bounds.wall_s, self._left_s),
            cpu_s=min(bounds.cpu_s, math.ceil(self._cpu_left_s)),  # the system counts whole seconds
        )
        variables = self.environment(argv[0], env)
        done = self.spending(lambda: self._ran(argv, bounds, variables, cwd or self.files, readable))
        self._cpu_left_s -= max(done.cpu_s, bounds.cpu_s if done.failure in _OF_LIMIT else 0.0)
        return done

    def _ran(
        self,
        argv: Sequence[str],
        bounds: ResourceLimits,
        variables: Mapping[str, str],
        cwd: Path,
        readable: Sequence[Path],
    ) -> ProcessResult:
        try:
            if self._lane is not None:
                return self._lane.run(argv, bounds, variables, cwd, readable)
            confined = self.within.wrap(argv, writable=self.folder, readable=readable)
            process = start(confined, bounds, variables, cwd)
            return wait(process, bounds, relayed=self.within.relays_signals)
        except OSError as error:
            return ProcessResult(
                code=None, stdout="", stderr="", failure=f"cannot be started: {error.strerror or error}"
            )

    def spending(self, ask: Callable[[], ReplyT]) -> ReplyT:
        """What a program that stays answers, on this answer's time. Raises ResidentError if there is none left."""
        if self._left_s <= 0:
            raise ResidentError(f"not asked: this answer has had its {self._budget_s:g} s")
        began_s = self._now_s()
        try:
            return ask()
        finally:
            self._left_s -= self._now_s() - began_s

    def _spent(self) -> str | None:
        """What this answer has used up; None: nothing."""
        if self._left_s <= 0:
            return f"{self._budget_s:g} s"
        return f"{self._cpu_budget_s:g} s of processor" if self._cpu_left_s <= 0 else None


def storable(name: str) -> bool:
    """Whether a relative path may be stored as it is: plain parts, none of them a tool's configuration."""
    parts = name.split("/")
    return len(parts) <= 12 and all(_SAFE_PART.match(p) and p.strip(".") and not CONFIG_NAMES.match(p) for p in parts)
