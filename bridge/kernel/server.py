"""An `ollama serve` of ours: started, waited for, and started again when it died."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from .error_kind import OllamaError
from .ollama import Ollama
from .run import RunSettings


class SetupError(RuntimeError):
    """A step of the setup failed; the message says which and what to do."""

    def _render_traceback_(self) -> list[str]:
        return [f"Setup stopped: {self}"]  # IPython's hook: the reason is enough


Say = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Server:
    """An `ollama serve` that we started."""

    process: subprocess.Popen[bytes]
    log: Path
    again: Callable[[], Server]  #: starts another one like it

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None


def serve(
    *, lanes: int, num_ctx: int, host: str, log: Path, environ: Mapping[str, str], command: Sequence[str]
) -> Server:
    """Start the server in a session of its own, so that an interrupted cell does not end it.

    The whole environment goes along: Ollama needs the caller's LD_LIBRARY_PATH to find CUDA (fact 6.4). OLLAMA_NO_CLOUD
    keeps a `:cloud` model name from sending prompts elsewhere (fact 7.18).
    """
    asked = {
        "OLLAMA_HOST": host,
        "OLLAMA_NUM_PARALLEL": str(lanes),
        "OLLAMA_CONTEXT_LENGTH": str(num_ctx),
        "OLLAMA_NO_CLOUD": "1",
    }
    stream: IO[bytes]
    with log.open("ab") as stream:
        try:
            process = subprocess.Popen(  # noqa: S603  # the fixed command `ollama serve`
                list(command),
                env={**environ, **asked},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise SetupError(f"cannot start {' '.join(command)}: {error}") from None
    again = partial(serve, lanes=lanes, num_ctx=num_ctx, host=host, log=log, environ=environ, command=command)
    return Server(process=process, log=log, again=again)


def reviver(server: Server | None) -> Callable[[], None]:
    """What starts our server again if it has died; does nothing for a server that is not ours."""
    current = server

    def revive() -> None:
        nonlocal current
        if current is not None and not current.alive:
            with contextlib.suppress(SetupError):  # the job says that nobody answers
                current = current.again()

    return revive


def await_server(
    client: Ollama,
    server: Server,
    *,
    timeout_s: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> str:
    """The version of the server, as soon as it answers.

    Raises:
        SetupError: it died, or did not answer in time; with the last lines of its log.
    """
    deadline = clock() + timeout_s
    while True:
        try:
            return client.version()
        except OllamaError as error:
            reason = error.message
        if not server.alive:
            raise SetupError(
                f"`ollama serve` ended with status {server.process.returncode}. Its log:\n{_log_tail(server.log)}"
            )
        if clock() >= deadline:
            raise SetupError(
                f"Ollama did not answer within {timeout_s:.0f} s ({reason}). Its log:\n{_log_tail(server.log)}"
            )
        sleep(0.5)


def started(
    client: Ollama, settings: RunSettings, say: Say, *, log: Path, environ: Mapping[str, str], command: Sequence[str]
) -> Server:
    """A server of ours, as soon as it answers. Raises SetupError."""
    say("Starting Ollama …")
    # The variable wants host:port; ollama_url made it whole.
    server = serve(
        lanes=settings.lanes, num_ctx=settings.num_ctx, host=client.url, log=log, environ=environ, command=command
    )
    say(f"Ollama {await_server(client, server)} answers at {client.url}.")
    return server


def last_lines(text: str, lines: int = 15) -> str:
    """The end of what a program said."""
    return "\n".join(text.strip().splitlines()[-lines:])


def _log_tail(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 8192))
            return last_lines(stream.read().decode(errors="replace"))
    except OSError as error:
        return f"(cannot read {log}: {error})"
