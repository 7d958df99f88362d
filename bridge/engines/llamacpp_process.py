"""The child process that llama.cpp runs in: started when it is first needed, and again if it died.

A child, because llama.cpp ends the whole process on a failed assertion. It runs llama.cpp's own HTTP server on a port of the
loopback, behind a random key.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from bridge.core.errors import BadRequest, EngineDown, EngineError, OutOfMemory, StreamInterrupted
from bridge.engines.json_api import JsonApi

T = TypeVar("T")

#: Lines of errors in llama.cpp's log, as of release 2026.10: `0.02.471.556 E ggml_aligned_malloc: insufficient memory …`.
_COMPLAINT = re.compile(r"^[\d.]+ E (.*\S)")
_COMPLAINTS_KEPT = 50
_NO_MEMORY = re.compile(r"insufficient memory|failed to allocate|out of memory|cudaMalloc failed", re.IGNORECASE)
_DAMAGE = "error loading model: "


class LlamaProcess:
    """One GGUF file in a child. Threads may share it."""

    def __init__(self, gguf: Path, plan: Mapping[str, object], *, load_s: float, silence_s: float) -> None:
        """`plan`: what the child is told, see `llamacpp_child`. `load_s`: seconds that loading may take."""
        self._gguf = gguf
        self._plan = plan
        self._load_s = load_s
        self._silence_s = silence_s
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._api: JsonApi | None = None
        self.refused = ""  #: why the last child could not load the file

    @property
    def runs(self) -> bool:
        """Whether the child is there."""
        return self._child is not None and self._child.poll() is None

    def ask(self, ask: Callable[[JsonApi], T]) -> T:
        """What the child says; if it died of that, an error that says so."""
        api = self.running()
        try:
            return ask(api)
        except (EngineDown, StreamInterrupted) as error:
            if self._alive():
                raise
            kind = StreamInterrupted if error.partial else EngineDown
            raise kind("the embedded engine ended; the next request starts it again", partial=error.partial) from None

    def close(self) -> None:
        """End the child."""
        with self._lock:
            child, self._child = self._child, None
            if self._api:
                self._api.close()
        if child:
            _end(child)

    def _alive(self) -> bool:
        # A child that crashes breaks the connection before it is gone.
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._child:
                self._child.wait(0.5)
        return self.runs

    def running(self) -> JsonApi:
        """The way to the child; starts it. Raises EngineError."""
        with self._lock:
            if self._api and self.runs:
                return self._api
            self._api = None  # a child that could not load may live a moment longer
            self.refused = ""
            try:
                self._api = self._start()
            except EngineError as error:
                self.refused = str(error)
                raise
            return self._api

    def _start(self) -> JsonApi:
        if self._child:
            _end(self._child)
        key = secrets.token_hex(16)
        child = self._child = subprocess.Popen(  # our own module, by the interpreter that runs us
            [sys.executable, "-m", "bridge.engines.llamacpp_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        complaints = _Complaints(child)
        timer = threading.Timer(self._load_s, child.kill)
        timer.start()
        try:
            if child.stdin is None or child.stdout is None:
                raise OSError("no pipes")
            child.stdin.write(json.dumps({**self._plan, "key": key}) + "\n")  # not on the command line: ps shows that
            child.stdin.flush()
            said = json.loads(child.stdout.readline() or "{}")
        except (OSError, ValueError):
            said = {}
        finally:
            timer.cancel()
        if "url" not in said:
            raise _bad_start(said.get("error", ""), complaints.heard(), self._gguf)
        return JsonApi(str(said["url"]), key, silence_s=self._silence_s, use_environment=False)


class _Complaints:
    """What llama.cpp says of errors, read as long as the child lives; the rest of its log is dropped."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._lines: deque[str] = deque(maxlen=_COMPLAINTS_KEPT)
        self._child = child
        self._reader = threading.Thread(target=self._read, name="llamacpp-log", daemon=True)
        self._reader.start()

    def heard(self) -> list[str]:
        """All of a child that could not load; ends it."""
        self._child.kill()
        self._reader.join(5)
        return list(self._lines)

    def _read(self) -> None:
        if self._child.stderr is None:
            return
        with contextlib.suppress(OSError, ValueError):  # it was closed
            for line in self._child.stderr:
                if found := _COMPLAINT.search(line):
                    self._lines.append(found[1][:300])


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        with contextlib.suppress(OSError):  # what could not be written any more
            if stream:
                stream.close()


def _bad_start(reason: str, complaints: Sequence[str], gguf: Path) -> EngineError:
    """Why a file could not be loaded, by what llama.cpp said of it."""
    if lacking := next((line for line in complaints if _NO_MEMORY.search(line)), None):
        return OutOfMemory(
            f"{gguf.name} does not fit into memory with this context ({lacking}): take a smaller --window or fewer lanes, "
            "or a smaller model"
        )
    if damage := next((line for line in complaints if _DAMAGE in line), None):
        what = damage.partition(_DAMAGE)[2]
        return BadRequest(f"{gguf.name} cannot be loaded: {what}. Is it a whole GGUF file? Fetch it again")
    if not reason:
        return EngineDown(f"the embedded engine died, or took too long, while it loaded {gguf.name}")
    return BadRequest(f"{gguf.name} cannot be loaded: {reason}. Is it a whole GGUF file?")
