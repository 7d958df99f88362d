"""Talk to the worker process: start it when first needed, end it when it hangs, start it again.

One request at a time; several threads may share a client.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.checking.parsers.base import Parsed
from bridge.sandbox.confinement import Confinement, confinement
from bridge.sandbox.process import ResourceLimits, end, start

#: Finds the package by its own folder: that of its folder need not be readable, which Landlock would refuse to list.
_BOOT = (
    "import sys, importlib.util as u; f = sys.argv[1] + '/bridge'; "
    "s = u.spec_from_file_location('bridge', f + '/__init__.py', submodule_search_locations=[f]); "
    "sys.modules['bridge'] = u.module_from_spec(s); from bridge.checking.parsers.worker import main; main()"
)
#: A fresh worker after this many texts, so that nothing that one of them left behind adds up.
_TEXTS = 500


class ParserError(Exception):
    """The worker crashed, hung or hit a limit on this text."""


class Parsers:
    """The parsers that run in Python, at arm's length. A context manager.

    Args:
        wall_s: longest time that one text may take.
        memory_mb: most memory that the worker may use; the facts measured 256 for the grammars alone.
        within: what the worker is confined by; default: the strongest that works here.
    """

    def __init__(self, *, wall_s: float = 5.0, memory_mb: int = 768, within: Confinement | None = None) -> None:
        self._wall_s = wall_s
        self._within = within
        self._limits = ResourceLimits(wall_s=wall_s, cpu_s=600, memory_mb=memory_mb, open_files=64)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._texts = 0
        self._finalizer: weakref.finalize[..., object] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def parse(self, parser: str, code: str, *, grammar: str = "") -> Parsed:
        """What a parser says of a text.

        Raises:
            ParserError: the parser crashed, took longer than `wall_s`, or used too much memory.
        """
        with self._lock:
            request = json.dumps({"parser": parser, "grammar": grammar, "code": code}).encode() + b"\n"
            reply = self._ask(request)
        if "crashed" in reply:
            raise ParserError(str(reply["crashed"]))
        return reply  # type: ignore[return-value]  # the worker's other shape was handled above

    def _ask(self, request: bytes) -> dict[str, object]:
        process = self._started()
        assert process.stdin is not None  # started with a pipe
        try:
            process.stdin.write(request)
            process.stdin.flush()
            line = self._replies.get(timeout=self._wall_s)
        except queue.Empty:
            self._stop()
            raise ParserError(f"took longer than {self._wall_s:g} s") from None
        except OSError:
            line = b""
        if not line:
            self._stop()
            raise ParserError("the parser ended without an answer")
        self._texts += 1
        if self._texts >= _TEXTS:
            self._stop()
        found = json.loads(line)
        return found if isinstance(found, dict) else {"crashed": "no answer"}

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        root = Path(__file__).resolve().parents[3]
        argv = (self._within or confinement()).wrap(
            [sys.executable, "-I", "-X", "utf8", "-c", _BOOT, str(root)],
            readable=[root / "bridge", *_packages()],
            lasting=True,
        )
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = start(
            argv, self._limits, env, Path(root.anchor), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._replies = queue.Queue()
        self._texts = 0
        threading.Thread(target=_pump, args=(self._process, self._replies), daemon=True).start()
        self._finalizer = weakref.finalize(self, _end, self._process)
        return self._process

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = self._finalizer = None


def _packages() -> list[Path]:
    """Where this Python has packages: a `.pth` file may name folders outside of its own installation."""
    return [path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages") and path.is_dir()]


def _pump(process: subprocess.Popen[bytes], replies: queue.Queue[bytes]) -> None:
    assert process.stdout is not None  # started with a pipe
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            replies.put(line)
    replies.put(b"")


def _end(process: subprocess.Popen[bytes]) -> None:
    end(process)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
