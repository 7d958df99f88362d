"""What stays inside a sandbox and starts program after program there, so that the sandbox itself is made once.

Run as a program, as process 2 of its own namespace, below bubblewrap: one JSON request a line on stdin,
`{"argv": […], "env": {…}, "cwd": "…", "limits": {"cpu": 10}, "wall_s": 10.0, "output_bytes": 1000000}`; on stdout one
JSON line (`Ran`) and as many bytes of standard output and error as it says. After each program everything else in the
namespace is killed. It imports the standard library alone; `warm` is the other side.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

_SET_DUMPABLE = 4
_CHUNK = 65536


class RunRequest(TypedDict):
    """What to run."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    limits: dict[str, int]  #: names of `resource.RLIMIT_*`, in lower case
    wall_s: float
    output_bytes: int


class Ran(TypedDict):
    """How it ended; the two texts follow this line."""

    code: int | None  #: below 0: the signal that ended it; None: it could not be started
    out: int  #: bytes of standard output
    err: int
    late: bool
    over: bool  #: it printed too much
    cpu_s: float
    left: bool  #: it left something behind that outlives processes


def main() -> None:
    """Answer requests until stdin ends."""
    if os.getpid() != 2 or os.getppid() != 1:
        raise SystemExit("only for a namespace of processes of its own")
    # Whatever runs in here has the same user: it must not look into this process, nor reach its pipes.
    if ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0):
        raise SystemExit("cannot be hidden")
    replies = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin:
        ran, out, err = run(json.loads(line))
        sent = memoryview(json.dumps(ran).encode() + b"\n" + out + err)
        while sent:
            sent = sent[os.write(replies, sent) :]


def run(request: RunRequest) -> tuple[Ran, bytes, bytes]:
    """Run one program to its end or its limits."""
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        _become(request, out_end, err_end)
    for end in (out_end, err_end):
        os.close(end)
    texts: dict[int, bytearray] = {out: bytearray(), err: bytearray()}
    try:
        late, over = _follow(pid, texts, time.monotonic() + request["wall_s"], request["output_bytes"])
        _end_all()
        _, status, used = os.wait4(pid, 0)
        over = _drain(texts, request["output_bytes"]) or over
    finally:
        for stream in texts:
            os.close(stream)
    code = os.waitstatus_to_exitcode(status)
    ran = Ran(
        code=None if code == 127 and texts[err].startswith(b"cannot be started:") else code,
        out=len(texts[out]), err=len(texts[err]), late=late, over=over,
        cpu_s=used.ru_utime + used.ru_stime, left=_left(),
    )  # fmt: skip
    return ran, bytes(texts[out]), bytes(texts[err])


def _become(request: RunRequest, out: int, err: int) -> None:
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, 1024)
        os.chdir(request["cwd"])
        for name, bound in request["limits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (bound, bound))
        os.execve(request["argv"][0], request["argv"], request["env"])  # noqa: S606  # an argv that our own code built
    except BaseException as error:  # noqa: BLE001  # nothing of this copy may go on
        os.write(2, f"cannot be started: {error}".encode())
    os._exit(127)


def _follow(pid: int, texts: Mapping[int, bytearray], until_s: float, cap: int) -> tuple[bool, bool]:
    """Read until the program has ended; whether it was too late, and whether it printed more than `cap` bytes."""
    ended = os.pidfd_open(pid)
    try:
        waiting = {ended, *texts}
        while True:
            ready, _, _ = select.select(list(waiting), [], [], max(0.0, until_s - time.monotonic()))
            if not ready:
                return True, False
            for stream in set(ready) & set(texts):
                part = os.read(stream, _CHUNK)
                texts[stream].extend(part)
                if len(texts[stream]) > cap:
                    return False, True
                if not part:
                    waiting.discard(stream)
            if ended in ready:
                return False, False
    finally:
        os.close(ended)


def _drain(texts: Mapping[int, bytearray], cap: int) -> bool:
    """Read what is still in the pipes, whose other ends are all gone; whether that is more than `cap` bytes."""
    for stream, text in texts.items():
        while len(text) <= cap and (part := os.read(stream, _CHUNK)):
            text.extend(part)
    over = any(len(text) > cap for text in texts.values())
    for text in texts.values():
        del text[cap:]
    return over


def _end_all() -> None:
    """Kill every process of the namespace but its first one and this one."""
    for _ in range(1000):
        if not _others():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        time.sleep(0.0005)
    raise SystemExit("a process cannot be ended")


def _others() -> bool:
    """Whether a process is alive beside the first one and this one; what is dead and not yet waited for does not count."""
    return any(int(name) > 2 and _alive(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208  # this is faster


def _alive(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def _left() -> bool:
    """Whether shared memory, semaphores or message queues are there: those outlive processes."""
    tables = (Path("/proc/sysvipc", kind) for kind in ("shm", "sem", "msg"))
    return any(len(table.read_text().splitlines()) > 1 for table in tables) or any(os.scandir("/dev/mqueue"))


if __name__ == "__main__":
    main()
