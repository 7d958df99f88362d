"""A program that stays in a sandbox and answers request after request, a line each way.

It is started when it is first needed, ended when it is late, started again after a crash and after so many requests. It
may write to no folder. Whoever asks it vouches that nothing of one request reaches the next (docs/decisions.md).
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.core.closing import Closing
from bridge.sandbox.confinement import Confinement, confinement
from bridge.sandbox.process import ResourceLimits, close, start

_ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


class ResidentError(Exception):
    """The program crashed or hit a limit on this request; `late`: it took longer than it may."""

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


@dataclass(frozen=True, kw_only=True)
class ResidentProgram:
    """What is started."""

    argv: tuple[str, ...]
    limits: ResourceLimits  #: of the whole process, but for `wall_s`, which is that of one request
    readable: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    requests: int = 500  #: a fresh one after so many, so that nothing that they left behind adds up


class Resident(Closing):
    """Asks the program, one request at a time; may be shared by threads. A context manager.

    Args:
        program: what is started.
        within: what it is confined by; default: the strongest that works here.
    """

    def __init__(self, program: ResidentProgram, *, within: Confinement | None = None) -> None:
        self._program, self._within = program, within
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._asked = 0
        self._finalizer: weakref.finalize[..., object] | None = None

    def ask(self, request: bytes, *, patience: float = 1.0) -> bytes:
        """The reply to a request, both without their line ends.

        Args:
            request: one line.
            patience: so many times the time limit may pass.

        Raises:
            ResidentError: no reply came; the next request has a fresh program.
        """
        with self._lock:
            return self._line(request, self._program.limits.wall_s * patience)

    def _line(self, request: bytes, wall_s: float) -> bytes:
        process = self._started()
        assert process.stdin is not None  # started with a pipe
        try:
            process.stdin.write(request + b"\n")
            process.stdin.flush()
            line = self._replies.get(timeout=wall_s)
        except queue.Empty:
            self._stop()
            raise ResidentError(f"took longer than {wall_s:g} s", late=True) from None
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            self._stop()
            raise ResidentError("ended without an answer")
        self._asked += 1
        if self._asked >= self._program.requests:
            self._stop()
        return line.rstrip(b"\n")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        wrapped = (self._within or confinement()).wrap(
            self._program.argv, readable=self._program.readable, lasting=True
        )
        env = {**_ENV, **self._program.env}
        self._process = start(
            wrapped,
            self._program.limits,
            env,
            Path(Path.cwd().anchor),
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._replies = queue.Queue()
        self._asked = 0
        threading.Thread(target=_pump, args=(self._process, self._replies), daemon=True).start()
        self._finalizer = weakref.finalize(self, close, self._process)
        return self._process

    def close(self) -> None:
        """End the program."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = self._finalizer = None


def _pump(process: subprocess.Popen[bytes], replies: queue.Queue[bytes]) -> None:
    assert process.stdout is not None  # started with a pipe
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            replies.put(line)
    replies.put(b"")
