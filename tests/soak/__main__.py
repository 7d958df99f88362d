"""`python -m tests.soak --minutes 10 --seed 2 7 11 --draw 2 [--json]`: exit code 1 if a promise was broken."""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.soak.run import run, to_stderr
from tests.soak.scenario import LONG, SHORT
from tests.soak.verdict import Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of chaos; 0: the short form of the tests")
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="of each run, one after the other")
    parser.add_argument(
        "--draw", type=int, default=0, metavar="N", help="and N runs with seeds that are drawn, and printed"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    asked = parser.parse_args()
    seeds = [*asked.seed, *(random.SystemRandom().randrange(100, 1_000_000) for _ in range(asked.draw))]
    to_stderr(f"{asked.minutes:g} minutes each, seeds {' '.join(map(str, seeds))}")
    good = [play(seed, asked.minutes, as_json=asked.json, keep=asked.keep) for seed in seeds]
    return 0 if all(good) else 1


def play(seed: int, minutes: float, *, as_json: bool, keep: bool) -> bool:
    """One run, with its report; gives whether every promise was kept."""
    settings = dataclasses.replace(LONG if minutes else SHORT, seed=seed, minutes=minutes)
    home = Path(tempfile.mkdtemp(prefix="bridge-soak-"))
    verdict = run(home, settings, to_stderr)
    if as_json:
        sys.stdout.write(json.dumps({"seed": seed, **verdict.to_json()}, indent=1) + "\n")
    else:
        show(seed, verdict)
    if verdict.good and not keep:
        shutil.rmtree(home)
    else:
        to_stderr(f"seed {seed}; everything is in {home}")
    return verdict.good


def show(seed: int, verdict: Verdict) -> None:
    """The report as a table."""
    table = Table("what", "figure", title=f"Soak, seed {seed}: " + ("every promise kept" if verdict.good else "BROKEN"))
    for name, value in verdict.figures.items():
        shown = (
            f"{len(value) if isinstance(value, list) else value:,}"
            if not isinstance(value, dict)
            else ", ".join(f"{k} {v}" for k, v in value.items())
        )
        table.add_row(name.replace("_", " "), shown)
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    for line in verdict.wrong:
        sys.stdout.write(f"WRONG: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
