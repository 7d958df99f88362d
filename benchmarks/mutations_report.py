"""How many faults in real answers are called clean, by fault and by language.

    python -m benchmarks.mutations_report [--sample 12] [--only python] [--misses] [--judges FOLDER]

Every real answer that is called clean, and whose code a real compiler takes (`benchmarks/judges.py`), gets one fault of each
kind (`benchmarks/faults.py`): as it is, where it only continues its prompt's code, and as plain text without a fence. A fault
that the compiler takes as well broke nothing and is not counted (what goes on from the prompt's code is handed over joined with
it, and judged so); a file that was cut, a gap, a stub, a duplicate, an undefined
name and an invented package are wrong by their making. *Caught*: not called clean, or asked about again, or a finding or signal
that the answer had not before. False alarms: answers as they are, taken by the compiler, called `errors` or `incomplete`.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults import BREAKING, MADE_WRONG
from benchmarks.judges import CompilerJudge, judges
from benchmarks.material import DATA, SEED, rows
from bridge.checking import CodeBlock, Report, Role, Toolchain, Verdict, examine
from bridge.checking.faults import faults

FORMS = ("stands alone", "continues the prompt", "without a fence")
_CUT = ("cut", "cut, fence closed")
_PACKAGE_CODES = frozenset({"unknown-package", "misspelt-package"})


@dataclass(frozen=True, kw_only=True)
class Base:
    """A real answer that is called clean and that a compiler takes."""

    row: dict[str, Any]
    form: str
    block: CodeBlock
    report: Report
    before: str = ""  #: the prompt's code that it continues

    @property
    def language(self) -> str:
        """Of its code."""
        return self.block.language or ""

    def answer(self, code: str, how: str) -> tuple[str, str | None]:
        """The answer with other code, and how it says that it ended."""
        if self.form == "without a fence":
            return code, None
        lines = self.row["answer"].split("\n")
        first, last = self.block.span
        if how == "cut":
            return "\n".join([*lines[:first], code.rstrip("\n")]), None
        return "\n".join([*lines[:first], code.rstrip("\n"), *lines[last - 1 :]]), "stop"

    def whole(self, code: str) -> str:
        """The file that a compiler is asked about."""
        return self.before + code


@dataclass
class Tally:
    """Counts of one kind of fault, or of one language."""

    tried: int = 0
    caught: int = 0
    unchecked: int = 0  #: of those that were caught: only said to be unchecked
    missed: list[str] = field(default_factory=list)


@dataclass
class Findings:
    """All that one run found."""

    by_fault: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))  #: fault, form
    by_language: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))  #: fault, language
    whole: Counter[str] = field(default_factory=Counter)  #: unmutated answers that a compiler takes, by form
    alarms: list[str] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)  #: mutants that a compiler takes


def bases(row: dict[str, Any], report: Report, judge: dict[str, CompilerJudge]) -> Iterator[Base]:
    """The forms of an answer that may be broken: its only file must be taken by its compiler."""
    code = [b for b in report.blocks if b.role in (Role.FILE, Role.CONTINUATION) and b.current and b.complete]
    if len(code) != 1 or code[0].language not in judge or not code[0].fence or code[0].parent is not None:
        return
    block = code[0]
    language = block.language or ""
    if block.role is Role.CONTINUATION and block.joined:
        before, found, after = block.joined.partition(block.code.rstrip())
        if found and not after.strip() and judge[language].accepts(block.joined):
            yield Base(row=row, form=FORMS[1], block=block, report=report, before=before)
    elif block.role is Role.FILE and judge[language].accepts(block.code):
        yield Base(row=row, form=FORMS[0], block=block, report=report)
        yield Base(row=row, form=FORMS[2], block=block, report=report)


def measure(
    toolchain: Toolchain,
    sample: Sequence[dict[str, Any]],
    judge: dict[str, CompilerJudge],
    *,
    at_most: int,
    only: str | None = None,
) -> Findings:
    """Break a sample of the answers, `at_most` a language and form."""
    found = Findings()
    taken: Counter[tuple[str, str]] = Counter()
    for row in sample:
        if only and row["language"] != only:
            continue
        if all(taken[row["language"], form] >= at_most for form in FORMS):
            continue
        report = examine(row["answer"], prompt=row["prompt"], finish_reason="stop", toolchain=toolchain)
        for base in bases(row, report, judge):
            if taken[row["language"], base.form] >= at_most:
                continue
            taken[row["language"], base.form] += 1
            _one(toolchain, base, judge[base.language], found)
    return found


def _one(toolchain: Toolchain, base: Base, judge: CompilerJudge, found: Findings) -> None:
    prompt = base.row["prompt"]
    report = base.report
    if base.form == "without a fence":
        report = examine(base.block.code, prompt=prompt, toolchain=toolchain)
    found.whole[base.form] += 1
    if report.verdict in (Verdict.ERRORS, Verdict.INCOMPLETE):
        found.alarms.append(f"{base.row['id']} {base.language} {base.form}: {report.verdict.value}")
    if report.verdict is not Verdict.CLEAN or faults(report):
        return
    for kind, mutate in (BREAKING | MADE_WRONG).items():
        if kind == "cut, fence closed" and base.form == "without a fence":
            continue
        mutant = mutate(base.language, base.block.code, random.Random(f"{SEED} {base.row['id']} {kind}"))
        if mutant is None or mutant == base.block.code:
            continue
        answer, ended = base.answer(mutant, kind)
        seen = examine(answer, prompt=prompt, finish_reason=ended, toolchain=toolchain)
        joined = next((b.joined for b in seen.blocks if b.joined), None) if seen.verdict is Verdict.CLEAN else None
        if kind in BREAKING and kind not in _CUT and judge.accepts(joined or base.whole(mutant)):
            found.accepted[kind] += 1
            continue
        for tally in (found.by_fault[kind, base.form], found.by_language[kind, base.language]):
            tally.tried += 1
            tally.caught += caught(kind, seen)
            tally.unchecked += seen.verdict is Verdict.UNCHECKED and not faults(seen)
            if not caught(kind, seen):
                tally.missed.append(f"{base.row['id']} {base.language} {base.form}: {seen.verdict.value}")


def caught(kind: str, report: Report) -> bool:
    """Whether a fault is seen: the answer is not clean, is asked about again, or says that it holds such a fault."""
    if report.verdict is not Verdict.CLEAN or faults(report):
        return True
    if kind == "duplicate":
        return any(q.signal.value == "duplicate" for q in report.quality)
    return kind == "invented import" and any(d.code in _PACKAGE_CODES for d in report.diagnostics)


def _cell(tally: Tally | None) -> str:
    if tally is None or not tally.tried:
        return f"{'':>13}"
    return f"{tally.caught:4}/{tally.tried:<4}{100 * tally.caught // tally.tried:3}%"


def _table(tallies: dict[tuple[str, str], Tally], columns: Sequence[str]) -> None:
    print(f"{'fault':18}" + "".join(f"{c[:13]:>14}" for c in columns) + f"{'all':>14} unchecked")
    for kind in BREAKING | MADE_WRONG:
        cells = [tallies.get((kind, column)) for column in columns]
        own = _sum([t for (k, _), t in tallies.items() if k == kind])
        print(f"{kind:18}" + "".join(f" {_cell(c)}" for c in cells) + f" {_cell(own)} {own.unchecked:6}")
    total = _sum(list(tallies.values()))
    columned = [_sum([t for (_, c), t in tallies.items() if c == column]) for column in columns]
    print(f"{'all':18}" + "".join(f" {_cell(c)}" for c in columned) + f" {_cell(total)} {total.unchecked:6}")


def _sum(some: Sequence[Tally]) -> Tally:
    return Tally(
        tried=sum(t.tried for t in some), caught=sum(t.caught for t in some), unchecked=sum(t.unchecked for t in some)
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutations_report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--sample", type=int, default=12, help="answers a language and form; default 12")
    parser.add_argument("--only", help="one language")
    parser.add_argument("--misses", action="store_true", help="name every mutant that was missed")
    parser.add_argument("--judges", type=Path, help="a folder with compilers that judge and check nothing")
    asked = parser.parse_args()
    sample = rows("real_answers.jsonl")
    if not sample:
        print(f"no data in {DATA.name}: nothing to report")
        return
    judge = judges(asked.judges)
    print("judges:", ", ".join(f"{name}: {j.name} {j.version}" for name, j in judge.items()))
    with Toolchain() as toolchain:
        found = measure(toolchain, sample, judge, at_most=asked.sample, only=asked.only)
    print(f"answers: {dict(found.whole)}; false alarms: {len(found.alarms)}")
    for alarm in found.alarms:
        print("  ", alarm)
    print(f"taken by the compiler all the same, not counted: {dict(found.accepted)}\n")
    _table(found.by_fault, FORMS)
    print()
    _table(found.by_language, sorted({language for _, language in found.by_language}))
    for (kind, _), tally in found.by_fault.items() if asked.misses else ():
        for missed in tally.missed:
            print("missed", kind, missed)


if __name__ == "__main__":
    main()
