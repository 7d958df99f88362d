"""Wall times of the command line, in processes of their own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import samples
from benchmarks.measure import Row, median_ms


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    yield Row(name="an empty Python process", ours_ms=_wall(folder, "-c", "pass"))
    if not callable(getattr(importlib.import_module("bridge.cli"), "main", None)):
        yield Row(name="bridge --help", note="skipped: bridge.cli has no main")
        return
    yield Row(name="bridge --help", ours_ms=_wall(folder, "-m", "bridge", "--help"))
    with samples.new_queue(folder / "start") as bridge:
        queue = str(bridge.path)
    yield Row(name="bridge add", ours_ms=_wall(folder, "-m", "bridge", "add", "Write a function", "--queue", queue))


def _wall(folder: Path, *arguments: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    def start() -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=folder, env=environment)

    return median_ms(start, runs=9, warmups=2)
