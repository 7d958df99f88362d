"""Run a checker over text that nobody vouches for.

Promises: only an argv that our own code built, never a shell; a fresh folder with nothing but our own files; an
environment from scratch; a session of its own with a closed stdin; limits on wall time, processor, memory, file size,
open files and output; the whole process group is gone afterwards. What crashes, hangs or hits a limit says so in
`Ran.failure`: it is never read as "nothing found".

On systems without `resource` (Windows) only wall time and output are limited.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

#: Names that some tool would read as its configuration if they lay beside the text; compared in lower case.
CONFIG_NAMES = re.compile(
    r"(?i)^(?:package(?:-lock)?\.json|[tj]sconfig.*\.json|pyproject\.toml|setup\.(?:cfg|py)|tox\.ini|\.?ruff\.toml|ty\.toml|"
    r"\.?flake8|\.?pylintrc|mypy\.ini|\.eslintrc.*|eslint\.config\..*|\.eslintignore|\.?oxlintrc.*|oxlint\.config\..*|\.?biome\.jsonc?|"
    r"\.prettierrc.*|prettier\.config\..*|babel\.config\..*|\.babelrc.*|\.sqlfluff|cargo\.(?:toml|lock)|build\.rs|rust-toolchain.*|"
    r"\.?rustfmt\.toml|\.?clippy\.toml|go\.(?:mod|sum|work|env)|\.shellcheckrc|shellcheckrc|\.clang-(?:tidy|format)|conftest\.py|"
    r"sitecustomize\.py|usercustomize\.py|\.npmrc|\.yarnrc.*|\.git.*|\.editorconfig|\.env.*|makefile|gnumakefile|\.?luacheckrc|"
    r"php\.ini|\.user\.ini|\.rubocop.*|gemfile.*|.*\.pth|node_modules|__pycache__)$"
)
_SAFE_PART = re.compile(r"^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}$")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use. Memory figures per tool are those measured in the facts, section 2.3."""

    wall_s: float = 10.0
    cpu_s: int = 10
    memory_mb: int = 1024
    file_mb: int = 16
    open_files: int = 256
    output_bytes: int = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a run left."""

    code: int | None
    stdout: str
    stderr: str
    failure: str | None = None  #: why its output must not be believed; None if it may be
    crashed: bool = False  #: it ended itself by a signal, within its limits


@dataclass(frozen=True)
class Toolbox:
    """Where programs are looked for; relative folders are never searched."""

    path: tuple[str, ...] = field(default_factory=lambda: default_path())

    def find(self, name: str) -> str | None:
        """The absolute path of a program; None if it is not installed."""
        return _which(name, self.path)


@lru_cache(maxsize=256)
def _which(name: str, path: tuple[str, ...]) -> str | None:
    folders = [p for p in path if Path(p).is_absolute()]
    return shutil.which(name, path=os.pathsep.join(folders)) if folders else None


def default_path() -> tuple[str, ...]:
    """The folders of this Python's own scripts, then those of PATH."""
    own = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent))
    return tuple(dict.fromkeys((*own, *os.environ.get("PATH", "").split(os.pathsep))))


class Sandbox:
    """A folder for one answer's files, and runs in it. A context manager; the folder is gone after it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bridge-check-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name).resolve()
        self.home = self.folder / "home"
        self.files = self.folder / "files"
        self.config = self.folder / "config"
        for folder in (self.home, self.files, self.config):
            folder.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        return path

    def settings(self, name: str, text: str) -> Path:
        """Store our own configuration of a tool, outside of `files`, and give its absolute path."""
        path = self.config / name
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
            env |= {k: os.environ[k] for k in ("SYSTEMROOT", "COMSPEC") if k in os.environ} | {
                "TEMP": str(self.home)
            }
        return {**env, **(extra or {})}

    def run(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        offline: bool = False,
    ) -> Ran:
        """Run a program to its end or its limits. Never raises for what the program does.

        Args:
            argv: absolute path of the program, then its arguments.
            limits: what it may use.
            env: variables beside those of `environment`.
            cwd: where it runs; default: the folder of the stored files.
            offline: cut it off from the network too, where the system allows that.
        """
        bounds = limits or Limits()
        full = [*(_no_network() if offline else ()), *argv]
        try:
            process = start(full, bounds, self.environment(argv[0], env), cwd or self.files)
        except OSError as error:
            return Ran(
                code=None, stdout="", stderr="", failure=f"cannot be started: {error.strerror or error}"
            )
        return _wait(process, bounds)


def storable(name: str) -> bool:
    """Whether a relative path may be stored as it is: plain parts, none of them a tool's configuration."""
    parts = name.split("/")
    return len(parts) <= 12 and all(
        _SAFE_PART.match(p) and p.strip(".") and not CONFIG_NAMES.match(p) for p in parts
    )


def start(
    argv: Sequence[str],
    limits: Limits,
    env: Mapping[str, str],
    cwd: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, under limits. Raises OSError if it cannot be started."""
    linux = hasattr(resource, "prlimit")
    process = subprocess.Popen(  # noqa: S603  # an argv that our own code built, of an absolute path
        list(argv),
        cwd=cwd,
        env=dict(env),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
        close_fds=True,
        # Safe with threads only where nothing is done between fork and exec, so Linux sets the limits from outside.
        preexec_fn=None if linux or resource is None else lambda: _limit(0, limits),  # noqa: PLW1509
    )
    if linux:
        with contextlib.suppress(ProcessLookupError):
            _limit(process.pid, limits)
    return process


def _limit(pid: int, limits: Limits) -> None:
    table = {
        "RLIMIT_CPU": limits.cpu_s,
        "RLIMIT_AS": limits.memory_mb << 20,
        "RLIMIT_FSIZE": limits.file_mb << 20,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CORE": 0,
    }
    for name, amount in table.items():
        what = getattr(resource, name, None)
        if what is None:
            continue
        with (
            contextlib.suppress(ValueError, OSError)
            if pid == 0
            else contextlib.suppress(ValueError, PermissionError)
        ):
            _set(pid, what, amount)


def _set(pid: int, what: int, amount: int) -> None:
    hard = resource.getrlimit(what)[1]
    bound = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    if pid:
        resource.prlimit(pid, what, (bound, bound))
    else:
        resource.setrlimit(what, (bound, bound))


class _Reader(threading.Thread):
    """Reads a stream up to a number of bytes; more sets `over` and ends the process group."""

    def __init__(self, stream: IO[bytes], cap: int, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream, self._cap, self._process = stream, cap, process
        self._parts: list[bytes] = []
        self.over = False

    def run(self) -> None:
        size = 0
        with contextlib.suppress(OSError, ValueError):
            while part := os.read(self._stream.fileno(), 65536):
                size += len(part)
                if size > self._cap:
                    self.over = True
                    end(self._process)
                    return
                self._parts.append(part)

    def text(self) -> str:
        return b"".join(self._parts).decode("utf-8", "replace")


def _wait(process: subprocess.Popen[bytes], limits: Limits) -> Ran:
    assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018  # both are pipes
    readers = [_Reader(stream, limits.output_bytes, process) for stream in (process.stdout, process.stderr)]
    for reader in readers:
        reader.start()
    late = False
    try:
        process.wait(limits.wall_s)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        end(process)  # also what it left behind
        process.wait()
    for reader in readers:
        reader.join(2.0)
    for stream in (process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            stream.close()
    over = any(reader.over for reader in readers)
    return Ran(
        code=process.returncode,
        stdout=readers[0].text(),
        stderr=readers[1].text(),
        failure=_failure(process.returncode, late, over, limits),
        crashed=process.returncode < 0 and not late and not over,
    )


def _failure(code: int, late: bool, over: bool, limits: Limits) -> str | None:
    if over:
        return f"printed more than {limits.output_bytes} bytes"
    if late:
        return f"took longer than {limits.wall_s:g} s"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
        return f"ended by signal {-code}"
    return None


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all of its session."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        with contextlib.suppress(OSError):
            process.kill()


@lru_cache(maxsize=1)
def _no_network() -> tuple[str, ...]:
    """What to put before an argv to run it without a network; empty where the system does not allow that."""
    unshare = shutil.which("unshare", path="/usr/bin:/bin")
    if not unshare or not sys.platform.startswith("linux"):
        return ()
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([unshare, "-rn", "/bin/true"], capture_output=True, timeout=5, check=False)  # noqa: S603
        if done.returncode == 0:
            return (unshare, "-rn")
    return ()
