"""A sandbox that stays: made once (8 ms), then it runs program after program, and keeps nothing of any of them.

Only bubblewrap can do this: everything that a program could leave behind is gone, or is seen. Its files lie in the one
writable folder, which its owner empties; every other folder is read-only, /tmp and /dev too. Its processes are killed
(`launcher`). Shared memory and message queues are looked for, and make the sandbox be thrown away.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.sandbox import launcher
from bridge.sandbox.confinement import Confinement, ConfinementKind
from bridge.sandbox.process import ProcessResult, ResourceLimits, bounds, close, failure, start

#: Of the launcher itself and, as the most that may be asked for, of what it starts.
_ITS_LIMITS = ResourceLimits(cpu_s=36_000, memory_mb=1 << 20, file_mb=1 << 12, open_files=1024)
#: No folder but the writable one can be written to, and nobody in it may change that.
_SEALED = (
    "--cap-drop", "ALL", "--mqueue", "/dev/mqueue",
    "--remount-ro", "/", "--remount-ro", "/tmp", "--remount-ro", "/dev",  # noqa: S108  # its own
)  # fmt: skip
#: Seconds that its own answer may come later than the limit of the program.
_GRACE_S = 5.0


class WarmSandbox:
    """Runs programs in one sandbox, one at a time. A context manager.

    Args:
        within: must be bubblewrap.
        writable: the one folder that programs may write to; whoever owns this empties it.
        readable: files and folders beside the system that they may read.
    """

    def __init__(self, *, within: Confinement, writable: Path, readable: Sequence[Path]) -> None:
        argv = [sys.executable, "-I", "-S", launcher.__file__]
        shown = [Path(launcher.__file__), *readable]
        confined = within.wrap(argv, writable=writable, readable=shown, lasting=True)
        cut = confined.index("--")
        confined[cut:cut] = _SEALED
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = start(confined, _ITS_LIMITS, env, Path("/"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._finalizer = weakref.finalize(self, close, self._process)
        self._usable = True

    @staticmethod
    def possible(within: Confinement) -> bool:
        """Whether there is such a thing here."""
        return within.kind is ConfinementKind.BUBBLEWRAP and hasattr(os, "pidfd_open")

    @property
    def usable(self) -> bool:
        """False once anything went wrong in it, or was left behind in it."""
        return self._usable and self._process.poll() is None

    def run(self, argv: Sequence[str], limits: ResourceLimits, env: Mapping[str, str], cwd: Path) -> ProcessResult:
        """Run a program to its end or its limits. Never raises for what the program does."""
        request = launcher.RunRequest(
            argv=list(argv), env=dict(env), cwd=str(cwd), wall_s=limits.wall_s, output_bytes=limits.output_bytes,
            limits={name: bound for name, (_, bound) in bounds(limits).items()},
        )  # fmt: skip
        try:
            return self._asked(json.dumps(request).encode() + b"\n", limits)
        except (OSError, ValueError, KeyError) as error:
            self.close()
            return ProcessResult(
                code=None,
                stdout="",
                stderr="",
                failure=f"ended with its sandbox ({type(error).__name__})",
                crashed=True,
            )

    def _asked(self, request: bytes, limits: ResourceLimits) -> ProcessResult:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018  # both are pipes
        self._process.stdin.write(request)
        self._process.stdin.flush()
        reply = _Reply(self._process.stdout.fileno(), time.monotonic() + limits.wall_s + _GRACE_S)
        ran: launcher.Ran = json.loads(reply.line())
        out, err = reply.take(ran["out"]).decode("utf-8", "replace"), reply.take(ran["err"]).decode("utf-8", "replace")
        if ran["left"]:
            self.close()
        code, late, over = ran["code"], ran["late"], ran["over"]
        if code is None:
            return ProcessResult(code=None, stdout="", stderr=err, failure=err)
        return ProcessResult(
            code=code, stdout=out, stderr=err, failure=failure(code, late, over, limits),
            crashed=code < 0 and not late and not over, late=late and not over, cpu_s=ran["cpu_s"],
        )  # fmt: skip

    def close(self) -> None:
        """End it and all that runs in it."""
        self._usable = False
        self._finalizer()


class _Reply:
    """Reads what the launcher says, up to a moment. Raises OSError if it says nothing."""

    def __init__(self, stream: int, until_s: float) -> None:
        self._stream, self._until_s = stream, until_s
        self._text = bytearray()

    def line(self) -> bytes:
        while b"\n" not in self._text:
            self._more()
        return self.take(self._text.index(b"\n") + 1)

    def take(self, size: int) -> bytes:
        while len(self._text) < size:
            self._more()
        taken = bytes(self._text[:size])
        del self._text[:size]
        return taken

    def _more(self) -> None:
        poll = select.poll()
        poll.register(self._stream, select.POLLIN)
        ready = poll.poll(max(0.0, 1000 * (self._until_s - time.monotonic())))
        part = os.read(self._stream, 65536) if ready else b""
        if not part:
            raise OSError("no answer")
        self._text.extend(part)
