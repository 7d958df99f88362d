"""`python -m tests.fuzz --minutes 10`: every target in turn, each in a process of its own with bounded memory. 1: something was found."""

from __future__ import annotations

import argparse
import math
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.campaign import fuzz
from tests.fuzz.targets import TARGETS

#: Megabytes that a reader may add to what its process had before the first input.
MOST_MB = 300


def peak_mb() -> int:
    """Of this process, since its start."""
    line = next(line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def run_one(name: str, seed: int, *, seconds: float, inputs: float, keep: bool) -> int:
    """One target, in this process."""
    target = TARGETS[name]()
    before = peak_mb()
    # An allocation beyond it is a MemoryError, and so a finding.
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    tally = fuzz(target, seconds=seconds, inputs=inputs, rng=random.Random(seed))
    grown = peak_mb() - before
    for finding in tally.findings:
        if keep:
            finding.keep()
        print(f"{name}: {finding.why}\n  kept as {finding.path.name} ({len(finding.data):,} bytes)", flush=True)
    print(
        f"{name:12} {tally.inputs:9,} inputs, the slowest {tally.slowest_s:.2f} s, {grown} MB more, {len(tally.findings)} findings"
    )
    return int(bool(tally.findings) or grown > MOST_MB)


def main() -> int:
    """All targets, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together")
    parser.add_argument("--inputs", type=int, help="this many for each target instead: the same ones each time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--target", action="append", choices=sorted(TARGETS))
    parser.add_argument("--dry", action="store_true", help="keep nothing of what is found")
    asked = parser.parse_args()
    names = asked.target or list(TARGETS)
    seconds = math.inf if asked.inputs else asked.minutes * 60 / len(names)
    if asked.target and len(names) == 1:
        return run_one(names[0], asked.seed, seconds=seconds, inputs=asked.inputs or math.inf, keep=not asked.dry)
    print(f"seed {asked.seed}", flush=True)
    began, failed = time.monotonic(), []
    for name in names:
        bound = ["--inputs", str(asked.inputs)] if asked.inputs else ["--minutes", str(seconds / 60)]
        dry = ["--dry"] if asked.dry else []
        call = [sys.executable, "-m", "tests.fuzz", "--target", name, "--seed", str(asked.seed), *bound, *dry]
        if subprocess.run(call, check=False).returncode:
            failed.append(name)
    print(f"{len(names)} targets in {time.monotonic() - began:.0f} s; {', '.join(failed) or 'none'} failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
