"""`bridge serve` as a real process that can be killed and started again over the same state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import openai

from tests.support.queues import make_queue


@dataclass
class ServeProcess:
    """A gateway on the scripted engine, with a queue and a state folder that outlive it."""

    folder: Path
    more: tuple[str, ...] = ()  #: options of `bridge serve`
    queue: Path = field(init=False)
    _url: str = ""
    _process: subprocess.Popen[str] | None = None
    _client: openai.OpenAI | None = None

    def __post_init__(self) -> None:
        self.queue = make_queue(self.folder / "q")

    def start(self) -> openai.OpenAI:
        """Start it; gives a client when it answers."""
        command = [sys.executable, "-m", "bridge", "serve", "--engine", "scripted", "--port", "0", "--json", *self.more]
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--queue", str(self.queue)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env={**os.environ, "BRIDGE_STATE_DIR": str(self.folder / "state")},
            )
        assert self._process.stdout is not None
        told = self._process.stdout.readline()
        if not told:
            raise AssertionError(f"it did not start: {(self.folder / 'log').read_text()[-2000:]}")
        self._url = str(json.loads(told)["url"])
        self._client = self.client()
        return self._client

    def client(self) -> openai.OpenAI:
        """Another client, to be closed by whoever asked for it; that of `start` is closed by `kill`."""
        return openai.OpenAI(base_url=f"{self._url}/v1", api_key="x", max_retries=0, timeout=120)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(by)
            process.wait(60)
            assert process.stdout is not None
            process.stdout.close()
        if self._client is not None:
            self._client.close()


@contextmanager
def serve_process(folder: Path, *more: str) -> Iterator[ServeProcess]:
    """One that is killed at the end of the block, if it still runs."""
    made = ServeProcess(folder, more)
    try:
        yield made
    finally:
        made.kill()
