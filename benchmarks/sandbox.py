"""What a confined start costs beside a plain one, in one run: bubblewrap and Landlock, where they work; at most 8 ms added.

Each kind starts the same small program, in turn with the others, so that a busy machine is busy for all. Beside the wall-clock
medians stands the processor's time, which other work on the machine changes less.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import Row
from bridge.sandbox.confinement import Confinement, ConfinementKind, unfit

_ROUNDS = 60
#: Milliseconds that a confined start may add.
_MOST_MS = 8.0


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    program = shutil.which("true")
    if program is None or not hasattr(os, "wait4"):
        yield Row(name="a confined start", note="skipped: no program called true")
        return
    fit = {kind: unfit(kind) for kind in ConfinementKind}
    starts = {
        kind: Confinement(kind=kind).wrap([program], writable=folder) for kind, reason in fit.items() if reason is None
    }
    walls: dict[ConfinementKind, list[float]] = {kind: [] for kind in starts}
    spent: dict[ConfinementKind, list[float]] = {kind: [] for kind in starts}
    for _ in range(_ROUNDS * (3 if full else 1)):
        for kind, argv in starts.items():
            wall_ms, cpu_ms = _start(argv)
            walls[kind].append(wall_ms)
            spent[kind].append(cpu_ms)
    plain, plain_cpu = median(walls[ConfinementKind.NONE]), min(spent[ConfinementKind.NONE])
    yield Row(name="start a program", ours_ms=plain)
    for kind in starts:
        if kind is not ConfinementKind.NONE:
            added = median(walls[kind]) - plain
            note = f"adds {added:.1f} ms; processor, the least: {min(spent[kind]) - plain_cpu:.1f} ms added"
            yield Row(
                name=f"start it in {kind.value}", ours_ms=median(walls[kind]), target=f"<= {_MOST_MS:g} ms added",
                met=added <= _MOST_MS, note=note,
            )  # fmt: skip
    for kind, reason in fit.items():
        if reason is not None:
            yield Row(name=f"start it in {kind.value}", note=f"skipped: {reason}")


def _start(argv: Sequence[str]) -> tuple[float, float]:
    """(wall, processor) of one start, in milliseconds."""
    began = time.perf_counter()
    pid = os.posix_spawn(argv[0], list(argv), os.environ)
    _, status, used = os.wait4(pid, 0)
    assert status == 0, argv
    return 1000 * (time.perf_counter() - began), 1000 * (used.ru_utime + used.ru_stime)
