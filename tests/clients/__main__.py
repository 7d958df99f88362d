"""`make clients`: real coding agents edit a file through the gateway, before a scripted model.

`python -m tests.clients [NAME …]`. Each is installed at its pinned version into `.clients`, runs in a scratch repository with a home of
its own, and is ended with all that it started. Where bubblewrap is, the whole run has no network but the loopback.
What each sent is kept in `.clients/recorded`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.clients import install
from tests.clients.agents import AGENTS
from tests.clients.report import line, save
from tests.clients.run import run_agent

_INSIDE = "--inside"


def main() -> int:
    """How many failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description="Real agents through the gateway.")
    parser.add_argument("names", nargs="*", help="those whose name has this in it (default: all)")
    parser.add_argument(_INSIDE, action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.inside:
        missing = install.install()
        if missing:
            print(f"the agents that npm installs are skipped: {missing}", flush=True)
        return subprocess.run(
            [*_without_network(), sys.executable, "-m", "tests.clients", _INSIDE, *asked.names]
        ).returncode
    failed = 0
    for agent in AGENTS:
        if asked.names and not any(name.lower() in agent.name.lower() for name in asked.names):
            continue
        if install.program(agent) is None:
            print(f"{agent.name}: skipped, {agent.program} is not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="bridge-clients-", ignore_cleanup_errors=True) as scratch:
            run = run_agent(agent, install.version(agent), Path(scratch))
        print(line(run), flush=True)
        save(run, install.HOME / "recorded")
        failed += bool(run.faults)
    return min(failed, 1)


def _without_network() -> list[str]:
    """What a command is started by so that it reaches nothing but the loopback; empty: by proxies that lead nowhere alone."""
    bwrap = shutil.which("bwrap")
    alone = [bwrap, "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"] if bwrap else []
    if alone and subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0:
        return [*map(str, alone)]
    print("no bubblewrap here: only proxy settings keep the agents from the network", flush=True)
    return []


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
