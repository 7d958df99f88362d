"""The keeper: starts a command, writes what it says to a log that rotates, and starts it again when it dies.

`python -m bridge.setup.service.keeper FILE`, with the file of a `ServiceSpec`. It ends when it is asked to (a file, SIGTERM), when
the command ends well, and when the command was used wrongly (exit code 2), which another try would not change.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from bridge.core import files
from bridge.core.retry import Backoff
from bridge.setup.service import child
from bridge.setup.service.base import ServiceSpec
from bridge.setup.service.environment import read_variables
from bridge.setup.service.kept import KeeperState, write_state
from bridge.setup.service.log_file import RotatingLog
from bridge.setup.service.spec_file import read_spec

#: Before it is started again.
_PAUSE = Backoff(first_s=0.5, longest_s=60.0)
#: Who lived so long did not die of its start, in seconds.
_STEADY_S = 60.0
_LOOK_S = 0.1
_WRONG_USE = 2


class Keeper:
    """Keeps one command alive."""

    def __init__(self, spec: ServiceSpec, log: RotatingLog, *, now_s: Callable[[], float] = time.monotonic) -> None:
        """`now_s`: seconds of a clock that only goes forward."""
        self._spec, self._log, self._now_s = spec, log, now_s
        self._stop = threading.Event()
        self._state = KeeperState(keeper=os.getpid())

    def ask_to_stop(self) -> None:
        """Only takes note."""
        self._stop.set()

    def run(self) -> None:
        """Until there is nothing to keep any more."""
        tries, restarts, last_exit = 0, 0, None
        while not self._is_asked_to_stop():
            began_s = self._now_s()
            process = self._start()
            self._note(child=process.pid, restarts=restarts, last_exit=last_exit)
            last_exit = self._watch(process)
            if last_exit in (0, _WRONG_USE) or self._is_asked_to_stop():
                break
            tries = 1 if self._now_s() - began_s > _STEADY_S else tries + 1
            pause_s = _PAUSE.pause_s(tries)
            self._say(f"it ended with code {last_exit}; started again in {pause_s:g} s")
            self._note(restarts=restarts, last_exit=last_exit)
            self._wait(pause_s)
            restarts += 1
        stopped = self._is_asked_to_stop()
        why = "stopped" if stopped else f"the command ended with code {last_exit}"
        self._say(why)
        self._note(restarts=restarts, last_exit=None if stopped else last_exit, ended=why)

    def _start(self) -> subprocess.Popen[bytes]:
        spec = self._spec
        argv = [spec.python, "-P", "-m", child.__name__, str(spec.file("child.lock")), *spec.arguments]
        process = subprocess.Popen(  # noqa: S603  # our own module
            argv,
            cwd=spec.folder,
            env={**os.environ, **spec.environment, **read_variables(spec.variables_file), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
        )
        assert process.stdout is not None  # a pipe
        threading.Thread(target=self._copy, args=(process.stdout,), daemon=True).start()
        return process

    def _copy(self, said: IO[bytes]) -> None:
        """Write what it says to the log, line by line; a line without end in pieces."""
        with said:
            while line := said.readline(65_536):
                with suppress(OSError):  # a full disk must not stop the service
                    self._log.write(line)

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        """Wait until it has ended, or end it when that is asked for; gives its exit code."""
        while True:
            try:
                return process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                if self._is_asked_to_stop():
                    break
        assert process.stdin is not None  # a pipe
        process.stdin.close()  # the sign to end
        try:
            return process.wait(child.FAREWELL_S + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _wait(self, seconds: float) -> None:
        until_s = self._now_s() + seconds
        while self._now_s() < until_s and not self._is_asked_to_stop():
            self._stop.wait(_LOOK_S)

    def _is_asked_to_stop(self) -> bool:
        return self._stop.is_set() or self._spec.file("stop").exists()

    def _note(self, *, restarts: int, last_exit: int | None, child: int | None = None, ended: str = "") -> None:
        state = KeeperState(keeper=os.getpid(), child=child, restarts=restarts, last_exit=last_exit, ended=ended)
        with suppress(OSError):
            write_state(self._spec, state)

    def _say(self, message: str) -> None:
        with suppress(OSError):
            self._log.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} keeper: {message}\n".encode())


def keep(spec: ServiceSpec) -> None:
    """Be the keeper of a service; returns at once if there is one."""
    lock = FileLock(spec.file("lock"), mode=0o600)
    try:
        lock.acquire(timeout=1.0)
    except Timeout:
        return
    log = RotatingLog(spec.file("log"), most_bytes=spec.log_bytes)
    try:
        spec.file("stop").unlink(missing_ok=True)
        files.write_atomically(spec.file("pid"), f"{os.getpid()}\n".encode(), mode=0o600)
        keeper = Keeper(spec, log)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: keeper.ask_to_stop())
        keeper.run()
    finally:
        for ending in ("pid", "stop"):
            spec.file(ending).unlink(missing_ok=True)
        log.close()
        lock.release()


if __name__ == "__main__":
    found = read_spec(Path(sys.argv[1]))
    if found is None:
        sys.exit(f"bridge: there is no service in {sys.argv[1]}")
    keep(found)
