"""How fast real answers are checked: the mix in lanes, by language and by tool, and beside aider's linter."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import material
from benchmarks.measure import Row
from bridge.checking import Level, Report, Toolchain, examine
from bridge.checking.checkers.base import CheckContext, Checker, CheckOutcome, CheckStep, Source
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.language import languages

LANES, TARGET = 2, 50.0
#: A Python that has aider-chat installed; without it that row is left out.
PEER = "AIDER_PYTHON"
_ABSENT = "skipped: the real answers are not part of this repository"

#: aider 0.86: what `aider --lint` does with a file, less its output. Reads paths from stdin, prints seconds.
_AIDER = """
import sys, time
from aider.linter import Linter
names = sys.stdin.read().split("\\n")
linter = Linter(root=".")
linter.lint(names[0])
began = time.perf_counter()
found = sum(bool(linter.lint(name)) for name in names)
print(time.perf_counter() - began, found)
"""


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    answers = material.rows("real_answers.jsonl")
    if not answers:
        yield Row(name="checking the mix", note=_ABSENT)
        return
    spent = Spent()
    (cold_s, warm_s), reports = _in_lanes(answers, spent)
    cold, warm = len(answers) / cold_s, len(answers) / warm_s
    yield Row(
        name=f"checking the mix, {LANES} lanes, first time", ours_ms=1000 / cold, note=f"{cold:.1f} answers/s, over {len(answers)}, all starts counted",
    )  # fmt: skip
    yield Row(
        name=f"checking the mix, {LANES} lanes, when all runs", ours_ms=1000 / warm, target=f"{TARGET:.0f} answers/s", met=warm >= TARGET,
        note=f"{warm:.1f} answers/s, the same again; no report is kept",
    )  # fmt: skip
    yield from spent.rows()
    yield from _languages(answers if full else answers[::4])
    yield from _peer(folder, reports)


@dataclass
class Spent:
    """Seconds of each tool; may be shared by threads."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rows(self) -> Iterator[Row]:
        """A row for each tool, the dearest first."""
        for name, times in sorted(self.seconds.items(), key=lambda item: -sum(item[1])):
            yield Row(
                name=f"a text by {name}",
                ours_ms=1000 * sum(times) / len(times),
                note=f"{len(times)} texts, {sum(times):.1f} s",
            )


@dataclass(frozen=True)
class Timed:
    """A checker whose seconds are counted."""

    inner: Checker
    spent: Spent

    @property
    def name(self) -> str:
        """That of the checker."""
        return self.inner.name

    @property
    def step(self) -> CheckStep:
        """That of the checker."""
        return self.inner.step

    @property
    def level(self) -> Level:
        """That of the checker."""
        return self.inner.level

    def serves(self, language: str) -> bool:
        """As the checker."""
        return self.inner.serves(language)

    def trust(self, language: str) -> float:
        """As the checker."""
        return self.inner.trust(language)

    def available(self, context: CheckContext) -> bool:
        """As the checker."""
        return self.inner.available(context)

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        """As the checker, counted."""
        began = time.perf_counter()
        try:
            return self.inner.check(source, context)
        finally:
            with self.spent.lock:
                self.spent.seconds[self.name].append(time.perf_counter() - began)


def _in_lanes(answers: Sequence[dict[str, Any]], spent: Spent) -> tuple[list[float], list[Report]]:
    """Seconds of two passes over all answers with a new toolchain, and the reports."""
    checkers = tuple(Timed(checker, spent) for checker in CHECKERS)
    with Toolchain(checkers=checkers) as toolchain, ThreadPoolExecutor(LANES) as pool:
        took_s = []
        for _ in range(2):
            began = time.perf_counter()
            reports = list(pool.map(lambda row: _examined(row, toolchain), answers))
            took_s.append(time.perf_counter() - began)
        return took_s, reports


def _examined(row: dict[str, Any], toolchain: Toolchain) -> Report:
    return examine(row["answer"], prompt=row["prompt"], finish_reason="stop", toolchain=toolchain)


def _languages(answers: Sequence[dict[str, Any]]) -> Iterator[Row]:
    """Each language for itself, one answer after the other, after a warm-up of three."""
    by_language: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in answers:
        by_language[row["language"] or "other"].append(row)
    for name, mine in sorted(by_language.items(), key=lambda item: -len(item[1])):
        with Toolchain() as toolchain:
            for row in mine[:3]:
                _examined(row, toolchain)
            began = time.perf_counter()
            for row in mine:
                _examined(row, toolchain)
            each_s = (time.perf_counter() - began) / len(mine)
        yield Row(
            name=f"an answer in {name}",
            ours_ms=1000 * each_s,
            note=f"{1 / each_s:.0f} answers/s, one lane, {len(mine)} answers",
        )


def _peer(folder: Path, reports: Sequence[Report]) -> Iterator[Row]:
    """aider's linter over the files of the answers, and ours over the same texts as answers, one after the other."""
    python = os.environ.get(PEER)
    name = "the files of the mix, one lane"
    if not python:
        yield Row(name=name, peer="aider's linter", note=f"skipped: {PEER} names no Python that has it")
        return
    blocks = [block for report in reports for block in report.blocks if block.language and block.role.value == "file"]
    paths, texts = [], []
    for number, block in enumerate(blocks):
        path = folder / f"f{number}.{languages.extension(block.language or '')}"
        path.write_text(block.code, encoding="utf-8")
        paths.append(str(path))
        texts.append(f"```{block.language}\n{block.code}\n```\n")
    ran = subprocess.run(
        [python, "-c", _AIDER], input="\n".join(paths), capture_output=True, text=True, check=False, cwd=folder
    )
    if ran.returncode:
        yield Row(name=name, peer="aider's linter", note=f"skipped: {ran.stderr.strip().splitlines()[-1:]}")
        return
    peer_s, found = ran.stdout.split()
    with Toolchain() as toolchain:
        examine(texts[0], finish_reason="stop", toolchain=toolchain)
        began = time.perf_counter()
        ours = [examine(text, finish_reason="stop", toolchain=toolchain).verdict.value for text in texts]
        took_s = time.perf_counter() - began
    yield Row(
        name=name, ours_ms=1000 * took_s / len(texts), peer="aider's linter", peer_ms=1000 * float(peer_s) / len(texts),
        note=f"{len(texts)} files; faults in {ours.count('errors') + ours.count('incomplete')}, aider: {found}",
    )  # fmt: skip
