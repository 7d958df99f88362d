"""Start a program under limits, wait for it, and leave nothing of it behind.

On systems without `resource` (Windows) only wall time and output are limited.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class ResourceLimits:
    """What one run may use. Memory figures per tool are those measured in the facts, section 2.3."""

    wall_s: float = 10.0
    cpu_s: int = 10
    memory_mb: int = 1024
    file_mb: int = 16
    open_files: int = 256
    output_bytes: int = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ProcessResult:
    """What a run left."""

    code: int | None
    stdout: str
    stderr: str
    failure: str | None = None  #: why its output must not be believed; None if it may be
    crashed: bool = False  #: it ended itself by a signal, within its limits
    late: bool = False  #: it was ended because it took longer than its limit of wall-clock time
    #: seconds of processor that it and what it waited for used; wall-clock seconds where nobody tells
    cpu_s: float = 0.0


def start(
    argv: Sequence[str],
    limits: ResourceLimits,
    env: Mapping[str, str],
    cwd: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, under limits. Raises OSError if it cannot be started."""
    launcher = _launcher(limits)
    late = not launcher and hasattr(resource, "prlimit")
    process = subprocess.Popen(  # noqa: S603  # an argv that our own code built, of an absolute path
        [*launcher, *argv],
        cwd=cwd,
        env=dict(env),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
        close_fds=True,
        # Not safe with threads: only for a system that knows no other way, as macOS.
        preexec_fn=None if launcher or late or resource is None else lambda: _limit(0, limits),  # noqa: PLW1509
    )
    if late:
        with contextlib.suppress(ProcessLookupError):
            _limit(process.pid, limits)
    return process


def _launcher(limits: ResourceLimits) -> list[str]:
    """A `prlimit` that sets the limits and becomes the program; empty where there is none.

    A limit that comes down while a program starts can end it: an allocator that has just seen the memory counts on it
    (oxlint 1.89 aborted so in one run of 200).
    """
    program = _prlimit()
    if program is None:
        return []
    return [program, *(f"--{name}={bound}:{bound}" for name, (_, bound) in bounds(limits).items()), "--"]


@lru_cache(maxsize=1)
def _prlimit() -> str | None:
    return shutil.which("prlimit", path="/usr/bin:/bin") if resource is not None else None


def bounds(limits: ResourceLimits) -> dict[str, tuple[int, int]]:
    """What this system can limit: name → its number and the bound, which is never above the limit we are under."""
    table = {
        "cpu": limits.cpu_s,
        "as": limits.memory_mb << 20,
        "fsize": limits.file_mb << 20,
        "nofile": limits.open_files,
        "core": 0,
    }
    found = {}
    for name, amount in table.items():
        what = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if what is not None:
            hard = resource.getrlimit(what)[1]
            found[name] = (what, amount if hard == resource.RLIM_INFINITY else min(amount, hard))
    return found


def _limit(pid: int, limits: ResourceLimits) -> None:
    for what, bound in bounds(limits).values():
        if pid:
            with contextlib.suppress(ValueError, PermissionError):
                resource.prlimit(pid, what, (bound, bound))
        else:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(what, (bound, bound))


class _OutputReader(threading.Thread):
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


def wait(process: subprocess.Popen[bytes], limits: ResourceLimits, *, relayed: bool = False) -> ProcessResult:
    """Wait for a program to end or reach its limits; nothing of its session is left then.

    `relayed`: what was started tells of a signal that ended the program as a shell does, by 128 and its number.
    """
    assert process.stdout is not None and process.stderr is not None  # noqa: PT018  # both are pipes
    readers = [_OutputReader(stream, limits.output_bytes, process) for stream in (process.stdout, process.stderr)]
    for reader in readers:
        reader.start()
    began_s = time.monotonic()
    late = not _has_ended(process, limits.wall_s)
    running_s = _running_s(process.pid) if late else None
    end(process)  # also what it left behind
    used_s = _reap(process)
    if running_s is not None:  # on a busy machine far less than the time that went by
        used_s = running_s
    elif late or relayed or used_s is None:  # of what is killed with it, or waited for by bubblewrap, nobody tells
        used_s = max(used_s or 0.0, time.monotonic() - began_s)
    for reader in readers:
        reader.join(2.0)
    for stream in (process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            stream.close()
    over = any(reader.over for reader in readers)
    code = process.returncode
    if relayed and 128 < code < 128 + 65:
        code = 128 - code
    return ProcessResult(
        code=code,
        stdout=readers[0].text(),
        stderr=readers[1].text(),
        failure=failure(code, late, over, limits),
        crashed=code < 0 and not late and not over,
        late=late and not over,
        cpu_s=used_s,
    )


def _has_ended(process: subprocess.Popen[bytes], wall_s: float) -> bool:
    """Wait for a program to end, at most so long; it is not reaped. Where the system wakes us, nothing is polled."""
    if not hasattr(os, "pidfd_open") or not hasattr(os, "wait4"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wall_s)
        return process.returncode is not None
    try:
        fd = os.pidfd_open(process.pid)
        try:
            return bool(select.select([fd], [], [], wall_s)[0])
        finally:
            os.close(fd)
    except (OSError, ValueError):  # no such call in this kernel, or too many open files for select
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wall_s)
        return process.returncode is not None


def _running_s(session: int) -> float | None:
    """Seconds of processor that the processes of a session, and those that they waited for, have used; None where /proc does not tell."""
    total, found = 0, False
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            told = file.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if (
                int(told[3]) == session
            ):  # man 5 proc: after the name come state, ppid, pgrp, session; later utime, stime, cutime, cstime
                total += sum(map(int, told[11:15]))
                found = True
    return total / os.sysconf("SC_CLK_TCK") if found else None


def _reap(process: subprocess.Popen[bytes]) -> float | None:
    """Take a program's end; gives the seconds of processor that it used, None if nobody tells."""
    if process.returncode is None and hasattr(os, "wait4"):
        with contextlib.suppress(ChildProcessError):
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            return used.ru_utime + used.ru_stime
    process.wait()
    return None


def failure(code: int, late: bool, over: bool, limits: ResourceLimits) -> str | None:
    """Why the output of a program that ended so must not be believed; None if it may be."""
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


def close(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all of its session, wait for its end, and close the pipes to it."""
    end(process)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
