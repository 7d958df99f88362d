"""What this machine has: its GPU, memory and disk, and how to run one of its programs."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from .fit import Machine

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def run_command(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; stdout and stderr together are its `stdout`. A missing program is exit status 127."""
    try:
        return subprocess.run(  # noqa: S603  # fixed commands of ours; no shell reads anything from outside
            list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, errors="replace"
        )
    except OSError as error:
        return subprocess.CompletedProcess(list(command), 127, stdout=str(error))


def look_at_machine(run: Run = run_command, *, meminfo: str = "/proc/meminfo", models_at: str = "~") -> Machine:
    """GPU name and VRAM by nvidia-smi (the first of several), RAM that is available, free disk where models go."""
    gpu, vram = "", 0
    asked = run(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"])
    if asked.returncode == 0 and "," in asked.stdout:
        gpu, _, mib = asked.stdout.strip().splitlines()[0].rpartition(",")
        with contextlib.suppress(ValueError):
            vram = int(float(mib)) << 20
    ram = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path(meminfo).read_text(encoding="ascii", errors="replace").splitlines()
        ram = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) << 10
    return Machine(
        gpu=gpu.strip(), vram_bytes=vram, ram_bytes=ram, disk_bytes=shutil.disk_usage(Path(models_at).expanduser()).free
    )
