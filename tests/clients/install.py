"""The agents at their pinned versions, in `.clients`, which git ignores."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.agents import Agent

HERE = Path(__file__).parent
HOME = Path(__file__).parents[2] / ".clients"
#: Where the programs are.
NPM_BIN = HOME / "node_modules" / ".bin"
PYTHON_BIN = HOME / "python" / ("Scripts" if os.name == "nt" else "bin")


def install() -> str:
    """Have them; why those of npm are missing, or nothing. About two minutes and 2 GB, the first time."""
    HOME.mkdir(exist_ok=True)
    _python()
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    wanted = (HERE / "package.json").read_text("utf-8")
    stamp = HOME / "package.json"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted or not NPM_BIN.is_dir():
        stamp.write_text(wanted, "utf-8")
        done = subprocess.run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=HOME, check=False)
        if done.returncode:
            stamp.unlink()
            return "npm could not install it"
    return ""


def _python() -> None:
    wanted, stamp = (HERE / "requirements.txt").read_text("utf-8"), HOME / "python" / ".installed"
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", HOME / "python"], check=True)
    pip = [PYTHON_BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--requirement", HERE / "requirements.txt"], check=False)
    if done.returncode == 0:
        stamp.write_text(wanted, "utf-8")


def program(agent: Agent) -> Path | None:
    """Its program; None: it is not installed."""
    found = shutil.which(agent.program, path=str(PYTHON_BIN if agent.is_python else NPM_BIN))
    return Path(found) if found else None


def version(agent: Agent) -> str:
    """Its version, as it is installed."""
    if agent.is_python:
        return (HERE / "requirements.txt").read_text("utf-8").strip().partition("==")[2]
    target = Path(os.path.realpath(NPM_BIN / agent.program))
    package = next(folder for folder in target.parents if (folder / "package.json").exists())
    return str(json.loads((package / "package.json").read_text("utf-8"))["version"])
