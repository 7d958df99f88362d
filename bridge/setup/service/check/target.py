"""Which gateway is checked: the one that is named, the one that runs, or one that is started for it, with a queue of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bridge import wiring
from bridge.core.errors import ServiceFailed
from bridge.setup.service.health import health_of
from bridge.setup.service.operate import url_of

_FAREWELL_S = 20.0


@dataclass(frozen=True, kw_only=True)
class CheckedGateway:
    """The gateway that is checked."""

    url: str
    how: str  #: in words, how it was found


@contextmanager
def gateway_to_check(url: str | None, options: Sequence[str]) -> Iterator[CheckedGateway]:
    """It, and if it was started for this, its end. `options`: of `bridge serve`, which start one in any case.

    Raises:
        ServiceFailed: it cannot be started.
        ConfigError: the settings are wrong.
    """
    settings = wiring.loaded_settings().valid().gateway
    here = url or url_of(settings.host, settings.port)
    if url is not None or (not options and health_of(here)):
        yield CheckedGateway(url=here.rstrip("/"), how="that is named" if url else "that runs here")
        return
    with (
        tempfile.TemporaryDirectory(prefix="bridge-check-", ignore_cleanup_errors=True) as folder,
        _started(Path(folder), options) as started,
    ):
        yield CheckedGateway(url=started, how="started for this check, with a queue of its own")


@contextmanager
def _started(folder: Path, options: Sequence[str]) -> Iterator[str]:
    bridge = [sys.executable, "-P", "-m", "bridge"]
    env = {**os.environ, "BRIDGE_STATE_DIR": str(folder / "state")}
    queue = folder / "queue" / "qwen_bridge.ipynb"
    with (folder / "log").open("w+b") as log:
        made = subprocess.run(  # noqa: S603  # our own command
            [*bridge, "init", str(queue.parent), "--no-config"],
            cwd=folder,
            env=env,
            stdout=log,
            stderr=log,
            check=False,
        )
        if made.returncode:
            raise ServiceFailed(f"`bridge init` did not make a queue for the check: {_told(log)}")
        process = subprocess.Popen(  # noqa: S603  # our own command
            [*bridge, "serve", "--host", "127.0.0.1", "--port", "0", "--json", "--queue", str(queue), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            env=env,
        )  # fmt: skip
        try:
            assert process.stdout is not None  # a pipe
            said = process.stdout.readline()
            if not said.startswith(b'{"url"'):
                process.wait(_FAREWELL_S)
                raise ServiceFailed(f"`bridge serve` did not start: {_told(log)}")
            yield str(json.loads(said)["url"])
        finally:
            process.terminate()
            try:
                process.wait(_FAREWELL_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def _told(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode("utf-8", "replace").strip()[-1_000:] or "it said nothing"
