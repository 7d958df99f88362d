"""Commands in processes of their own, started fast and killed at a given moment.

`python -m tests.support.commands` is a fork server: it imports everything once, has one thread, and for each request on
its standard input forks a child that runs one command as a fresh process would (it opens the queue itself, and prints to
a pipe), kills it with SIGKILL after the delay asked for, and answers with what the child had printed. A child costs a few
milliseconds instead of the 300 that an interpreter needs. POSIX only.

What is run is `bridge` itself, `bridge.cli.main`, in a process that has not opened anything yet.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bridge.cli import main

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """The environment of a process that can import this checkout, wherever it runs."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a command."""

    killed: bool
    code: int | None  #: exit code; None if it was killed
    output: str
    errors: str
    seconds: float


class Commands:
    """The fork server, from the tests' side."""

    def __init__(self, cwd: Path) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.commands", str(cwd)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment(), cwd=ROOT,
        )  # fmt: skip

    def __enter__(self) -> Commands:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._server.communicate()

    def run(self, *argv: str, kill_after_s: float | None = None) -> Outcome:
        """Run a command to its end, or until it is killed."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps({"argv": argv, "kill_after_s": kill_after_s}) + "\n")
        self._server.stdin.flush()
        outcome = Outcome(**json.loads(self._server.stdout.readline()))
        assert outcome.killed or outcome.code == 0, outcome
        return outcome


def _serve(cwd: str) -> None:
    warm = ("api", "cli.add", "cli.answer", "cli.archive", "cli.rebuild", "cli.work", "cli.progress", "engines.ollama")
    for name in warm:
        importlib.import_module(f"bridge.{name}")
    os.chdir(cwd)
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(json.dumps(_one(request["argv"], request["kill_after_s"])) + "\n")
        sys.stdout.flush()


def _one(argv: list[str], kill_after_s: float | None) -> dict[str, Any]:
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(out_end, 1)
            os.dup2(err_end, 2)
            main(argv, prog_name="bridge", standalone_mode=False)
            sys.stdout.flush()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:  # noqa: BLE001  # the tests see it in the outcome
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    os.close(out_end)
    os.close(err_end)
    killed = False
    if kill_after_s is not None and not _ended(out, kill_after_s):
        os.kill(child, signal.SIGKILL)
    texts = []
    for end in (out, err):
        with os.fdopen(end, "rb") as pipe:
            texts.append(pipe.read().decode())
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    return {
        "killed": killed, "code": None if killed else os.waitstatus_to_exitcode(status),
        "output": texts[0], "errors": texts[1], "seconds": time.perf_counter() - began,
    }  # fmt: skip


def _ended(pipe: int, within_s: float) -> bool:
    """Whether the other end was closed, which is when the child ended; leaves what it printed in the pipe."""
    deadline = time.perf_counter() + within_s
    poll = select.poll()
    poll.register(pipe, 0)  # POLLHUP is always told; POLLIN is not asked for
    return bool(poll.poll(max(0.0, deadline - time.perf_counter()) * 1000))


if __name__ == "__main__":
    _serve(sys.argv[1])
