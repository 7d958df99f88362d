"""llama.cpp in a process of our own, by `xllamacpp` (extra `[embedded]`): no server to install, a GGUF file is enough.

A child process, because llama.cpp ends the whole process on a failed assertion. The child runs llama.cpp's own HTTP server
on a port of the loopback, behind a random key; the parent talks to it as to any OpenAI-compatible API. Measured choices
(library facts, section 3): `force_pure_content_parser`, because other parsers answer 500 to some texts; half of the cores,
because llama.cpp with as many threads as cores is 20 times slower on a busy machine; `offline`, so that nothing is fetched.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from bridge.core.errors import (
    BadRequest,
    EngineDown,
    EngineError,
    MissingExtra,
    ModelMissing,
    OutOfMemory,
    StreamInterrupted,
)
from bridge.core.options import DEFAULT_NUM_CTX
from bridge.engines.base import (
    Answer,
    EngineModel,
    Health,
    OnProgress,
    OnToken,
    Request,
    Stop,
    ignore_progress,
    ignore_token,
)
from bridge.engines.openai import OpenAIEngine


class LlamaCppEngine:
    """One GGUF file, loaded when it is first needed, and again if the child dies."""

    name = "llamacpp"

    def __init__(
        self,
        gguf: Path | str,
        *,
        lanes: int = 1,
        num_ctx: int = DEFAULT_NUM_CTX,
        threads: int | None = None,
        gpu_layers: int = -1,
        load_s: float = 300.0,
        silence_s: float = 300.0,
        called: str | None = None,
    ) -> None:
        """`num_ctx` tokens for each of `lanes` requests at the same time. `threads`: default half of the cores.

        `gpu_layers`: -1 leaves it to llama.cpp. `load_s`: seconds that loading may take. `called`: the
        model's name; default: that of the file, without its ending.

        Raises:
            MissingExtra: xllamacpp is not installed.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise MissingExtra("xllamacpp", "embedded")
        self._gguf = Path(gguf)
        self._called = called or self._gguf.stem
        self._plan = {
            "gguf": str(self._gguf),
            "lanes": lanes,
            "num_ctx": num_ctx,
            "threads": threads or max(1, (os.cpu_count() or 2) // 2),
            "gpu_layers": gpu_layers,
        }
        self._load_s = load_s
        self._silence_s = silence_s
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._api: OpenAIEngine | None = None

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`; `num_ctx` is the one that the file was loaded with."""
        request.check()
        self._check_model(request.model)
        api = self._running()
        try:
            found = api.answer(request, on_token, stop=stop)
        except (EngineDown, StreamInterrupted) as error:
            if self._alive():
                raise
            kind = StreamInterrupted if error.partial else EngineDown
            raise kind("the embedded engine ended; the next request starts it again", partial=error.partial) from None
        return replace(found, model=request.model)

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`: the one file."""
        if not self._gguf.is_file():
            return ()
        return (EngineModel(name=self._called, size_bytes=self._gguf.stat().st_size),)

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`: there is only the file."""
        self._check_model(model)
        on_progress("success", 0, 0)

    def health(self) -> Health:
        """See `Engine.health`; starts the child if it does not run."""
        try:
            self._running()
        except EngineError as error:
            return Health(ok=False, detail=str(error))
        return Health(
            ok=True, detail=f"llama.cpp with {self._gguf.name}", version=self._version, loaded=(self._called,)
        )

    def close(self) -> None:
        """End the child."""
        with self._lock:
            child, self._child = self._child, None
            if self._api:
                self._api.close()
        if child:
            _end(child)

    def _check_model(self, model: str) -> None:
        if model not in (self._called, str(self._gguf), self._gguf.name, self._gguf.stem):
            raise ModelMissing(f"the embedded engine has {self._called}, not {model!r}")
        if not self._gguf.is_file():
            raise ModelMissing(f"there is no file {self._gguf}")

    def _alive(self) -> bool:
        # A child that crashes breaks the connection before it is gone.
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._child:
                self._child.wait(0.5)
        return self._child is not None and self._child.poll() is None

    def _running(self) -> OpenAIEngine:
        with self._lock:
            if self._api and self._child and self._child.poll() is None:
                return self._api
            self._api = None  # a child that could not load may live a moment longer
            self._api = self._start()
            return self._api

    def _start(self) -> OpenAIEngine:
        if self._child:
            _end(self._child)
        key = secrets.token_hex(16)
        child = self._child = subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
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
            raise _bad_start(said.get("error", ""), self._gguf)
        self._version = str(said.get("version", ""))
        return OpenAIEngine(f"{said['url']}/v1", key, name=self.name, silence_s=self._silence_s, use_environment=False)


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):  # what could not be written any more
            if stream:
                stream.close()


def _bad_start(reason: str, gguf: Path) -> EngineError:
    if not reason:
        return EngineDown(f"the embedded engine died, or took too long, while it loaded {gguf.name}")
    if "memory" in reason.lower() or "alloc" in reason.lower():
        return OutOfMemory(f"{gguf.name} does not fit into memory ({reason})")
    return BadRequest(f"{gguf.name} cannot be loaded: {reason}. Is it a whole GGUF file?")


def _serve(lines: IO[str], out: IO[str]) -> None:
    """The child: load, say where, and stay until the parent closes the pipe or dies."""
    plan: dict[str, Any] = json.loads(lines.readline())
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = plan["gguf"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [plan["key"]]
    params.n_parallel = plan["lanes"]
    params.n_ctx = plan["num_ctx"] * plan["lanes"]  # llama.cpp divides it among the slots
    params.kv_unified = False
    params.ctx_shift = False  # an over-long prompt is an error
    params.n_gpu_layers = plan["gpu_layers"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = plan["threads"]
    params.force_pure_content_parser = True
    params.offline = True
    params.warmup = False
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        out.write(json.dumps({"error": str(error) or "no reason given"}) + "\n")
        out.flush()
        return
    out.write(json.dumps({"url": server.listening_address, "version": xllamacpp.__version__}) + "\n")
    out.flush()
    lines.read()
    os._exit(0)  # without taking the server apart: that waits for its threads, now and then for ever


if __name__ == "__main__":
    # llama.cpp prints to fd 1; the parent reads only what we say on a copy of it.
    with os.fdopen(os.dup(1), "w") as said:
        os.dup2(2, 1)
        _serve(sys.stdin, said)
