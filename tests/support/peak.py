"""A `bridge` command in a process of its own, and how much memory that took at most."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from tests.support.commands import environment

_RUN = """
import runpy, sys
sys.argv[0] = "bridge"
try:
    runpy.run_module("bridge", run_name="__main__")
except SystemExit as end:
    code = end.code
# Not ru_maxrss: that begins with what the process which started this one had.
hwm = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(hwm.split()[1]) // 1024, file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """How the command ended."""

    code: int
    out: str
    err: str
    peak_mb: int


def peak_of(*args: str, timeout_s: float = 50) -> Peak:
    """Run a command here; only where there is a /proc."""
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, *args], capture_output=True, text=True, timeout=timeout_s, env=environment(), check=False
    )  # fmt: skip
    *err, peak = ran.stderr.splitlines()
    return Peak(code=ran.returncode, out=ran.stdout, err="\n".join(err), peak_mb=int(peak))
