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
from tests.clients.by_mcp import INSPECTOR, MCP_AGENTS, inspected
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
    for agent in (*AGENTS, *MCP_AGENTS):
        if not _wanted(asked.names, agent.name, agent.mcp):
            continue
        if install.program(agent) is None:
            print(f"{agent.name}: skipped, {agent.program} is not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="bridge-clients-", ignore_cleanup_errors=True) as scratch:
            run = run_agent(agent, install.version(agent), Path(scratch))
        print(line(run), flush=True)
        save(run, install.HOME / "recorded")
        failed += bool(run.faults)
    if _wanted(asked.names, "inspector", is_mcp=True):
        failed += _inspector()
    return min(failed, 1)


def _wanted(names: list[str], name: str, is_mcp: bool) -> bool:
    """Whether one of these is asked for; `mcp` means all that have to do with it."""
    return not names or any(asked.lower() in name.lower() or (is_mcp and asked.lower() == "mcp") for asked in names)


def _inspector() -> int:
    """How many of the inspector's looks failed."""
    if not (install.NPM_BIN / INSPECTOR).exists():
        print("MCP inspector: skipped, it is not installed", flush=True)
        return 0
    with tempfile.TemporaryDirectory(prefix="bridge-clients-", ignore_cleanup_errors=True) as scratch:
        wrong = inspected(Path(scratch))
    print(f"MCP inspector: {'FAILED: ' + '; '.join(wrong) if wrong else 'ok'}", flush=True)
    return len(wrong)


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
