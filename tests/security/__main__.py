"""The long form of the attack on commands: `python -m tests.security --count 20000`, as `make attack` runs it."""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.security.mutations import Tally, attack, make_base


def _told(tally: Tally) -> None:
    print(f"  {tally.mutations} mutations, {len(tally.faults)} faults", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--commands", type=int, default=1)
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        began = time.monotonic()
        tally = attack(
            make_base(Path(scratch)),
            mutations=asked.count,
            rng=random.Random(asked.seed),
            commands=asked.commands,
            progress=_told,
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for fault in tally.faults[:40]:
        print(fault)
    print(f"{tally.mutations} mutations in {tally.notebooks} notebooks, {tally.commands} commands in {time.monotonic() - began:.0f} s, "
          f"the slowest {tally.slowest_s:.2f} s; peak memory {peak} MB; {len(tally.faults)} faults")  # fmt: skip
    sys.exit(bool(tally.faults))
