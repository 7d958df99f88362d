"""The servers of the gateway's benchmark, each in a process of its own, and what they cost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]
#: An environment that has LiteLLM's proxy, to be used instead of the one below.
PEER_VARIABLE = "BRIDGE_BENCH_LITELLM"
#: Where it is installed, at this version: once, in a folder that git ignores. It takes two minutes.
_PEER_HOME, _PEER = _ROOT / ".peers" / "litellm", "litellm[proxy]==1.106.0"


@dataclass(frozen=True, kw_only=True)
class Server:
    """One that runs."""

    name: str
    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time of all its threads so far, as the scheduler counts it (nanoseconds, not ticks)."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def rss_bytes(self) -> int:
        """Memory that it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def threads(self) -> int:
        """How many threads it has."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))


@contextmanager
def upstream() -> Iterator[Server]:
    """The scripted API; also the floor: bare uvicorn."""
    with _told([sys.executable, "-m", "benchmarks.gateway_upstream"], "bare uvicorn") as made:
        yield made


@contextmanager
def ours(*engine: str) -> Iterator[Server]:
    """`bridge serve` with these options."""
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--json", "--no-work", *engine]
    with _told(command, "ours") as made:
        yield made


@contextmanager
def litellm(folder: Path, api: str, models: tuple[str, ...]) -> Iterator[Server]:
    """LiteLLM's proxy before the same API; it is installed if `PEER_VARIABLE` names no environment."""
    home = Path(os.environ.get(PEER_VARIABLE) or _installed())
    rows = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_base": f"{api}/v1", "api_key": "x"}}
        for name in models
    ]
    config = folder / "litellm.json"  # JSON is YAML
    config.write_text(json.dumps({"model_list": rows}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # it listens on the loopback only
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
    }
    command = [str(home / "bin/litellm"), "--config", str(config), "--port", str(port), "--host", "127.0.0.1", "--telemetry", "False"]  # fmt: skip
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/health/liveliness", process)
        yield Server(name="LiteLLM", url=url, pid=process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def _told(command: list[str], name: str) -> Iterator[Server]:
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield Server(name=name, url=json.loads(process.stdout.readline())["url"], pid=process.pid)
    finally:
        process.kill()
        process.communicate()


def _installed() -> Path:
    stamp = _PEER_HOME / ".installed"
    if not stamp.exists() or stamp.read_text("utf-8") != _PEER:
        subprocess.run([sys.executable, "-m", "venv", str(_PEER_HOME)], check=True)
        pip = [str(_PEER_HOME / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, _PEER], check=True)
        stamp.write_text(_PEER, "utf-8")
    return _PEER_HOME


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"{url} does not answer")
