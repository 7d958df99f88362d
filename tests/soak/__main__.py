"""`python -m tests.soak --minutes 10 --seed 1 [--json]`: exit code 1 if a promise was broken."""

from __future__ import annotations

import argparse
import dataclasses
import json
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
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    asked = parser.parse_args()
    settings = dataclasses.replace(LONG if asked.minutes else SHORT, seed=asked.seed, minutes=asked.minutes)
    home = Path(tempfile.mkdtemp(prefix="bridge-soak-"))
    verdict = run(home, settings, to_stderr)
    if asked.json:
        sys.stdout.write(json.dumps({"seed": asked.seed, **verdict.to_json()}, indent=1) + "\n")
    else:
        show(verdict)
    if verdict.good and not asked.keep:
        shutil.rmtree(home)
    else:
        to_stderr(f"seed {asked.seed}; everything is in {home}")
    return 0 if verdict.good else 1


def show(verdict: Verdict) -> None:
    """The report as a table."""
    table = Table("what", "figure", title="Soak: " + ("every promise kept" if verdict.good else "BROKEN"))
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
