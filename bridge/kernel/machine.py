"""What this machine has: its GPU, memory and disk, and how to run one of its programs."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from .fit import Machine

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


#: Of a Mac's memory, what its GPU may use: two thirds, or three quarters of a large one (Metal, recommendedMaxWorkingSetSize).
UNIFIED_SHARE = 2 / 3


def run_command(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; stdout and stderr together are its `stdout`. A missing program is exit status 127."""
    try:
        return subprocess.run(  # noqa: S603  # fixed commands of ours; no shell reads anything from outside
            list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, errors="replace"
        )
    except OSError as error:
        return subprocess.CompletedProcess(list(command), 127, stdout=str(error))


def look_at_machine(run: Run = run_command, *, meminfo: str = "/proc/meminfo", models_at: str = "~") -> Machine:
    """GPU name and VRAM by nvidia-smi (the first of several), RAM that is available, free disk where models go.

    Of a Mac: its memory, of which its GPU may use `UNIFIED_SHARE`.
    """
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
    if not ram and (memory := _mac_memory(run)):
        gpu, vram = "the Mac's GPU", int(memory * UNIFIED_SHARE)
        ram = memory - vram
    return Machine(
        gpu=gpu.strip(), vram_bytes=vram, ram_bytes=ram, disk_bytes=shutil.disk_usage(Path(models_at).expanduser()).free
    )


def _mac_memory(run: Run) -> int:
    """Bytes of memory of a Mac with a chip of Apple's; 0: it is none."""
    asked = run(["sysctl", "-n", "hw.optional.arm64", "hw.memsize"])
    said = asked.stdout.split()
    return int(said[1]) if asked.returncode == 0 and said[:1] == ["1"] and said[1:] and said[1].isdigit() else 0
