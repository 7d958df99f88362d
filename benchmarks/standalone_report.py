"""Does every file of every clean answer stand alone?

    python -m benchmarks.standalone_report [--judges FOLDER] [--only python]

Each file of each real answer that is called clean is given to the compiler or parser of its language, alone
(`benchmarks/judges.py`); what goes on from the prompt's own code is marked as a continuation, and judged joined with it, as it
is handed over. What is not taken is listed. Files in languages that have no judge here are counted apart.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.judges import CompilerJudge, judges
from benchmarks.material import DATA, answers
from bridge.checking import Report, Role, Toolchain, Verdict, examine
from bridge.checking.faults import faults
from bridge.checking.values import FindingKind


@dataclass
class Counts:
    """What came of the answers."""

    verdicts: Counter[str] = field(default_factory=Counter)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)  #: by language and role
    no_judge: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    blamed: list[str] = field(default_factory=list)  #: false alarms
    asked: list[str] = field(default_factory=list)  #: clean, and asked about again


def measure(toolchain: Toolchain, sample: Sequence[dict[str, Any]], judge: dict[str, CompilerJudge]) -> Counts:
    """Judge the files of all clean answers."""
    found = Counts()
    for row in sample:
        report = examine(row["answer"], prompt=row["prompt"], finish_reason="stop", toolchain=toolchain)
        found.verdicts[report.verdict.value] += 1
        who = f"{row['id']} {'32B ' if '32B' in row['model'] else ''}"
        found.blamed.extend(who + told for told in _blamed(report, judge))
        if report.verdict is Verdict.CLEAN and (why := faults(report)):
            found.asked.append(who + why[0].message)
        for language, role, code, name in _files(report) if report.verdict is Verdict.CLEAN else ():
            if language not in judge:
                found.no_judge[language] += 1
            elif judge[language].accepts(code):
                found.taken[language, role.value] += 1
            else:
                found.refused.append(f"{row['id']} {language} {role.value} {name}")
    return found


def _files(report: Report) -> Iterator[tuple[str, Role, str, str]]:
    for block in report.blocks:
        if block.role in (Role.FILE, Role.CONTINUATION) and block.current:
            yield block.language or "text", block.role, block.joined or block.code, block.path or f"block {block.index}"


#: Languages whose compiler looks for names.
_KNOWS_NAMES = frozenset({"java", "cpp", "csharp"})


def _blamed(report: Report, judge: dict[str, CompilerJudge]) -> Iterator[str]:
    for block, check in zip(report.blocks, report.checks, strict=True):
        why = [
            d
            for d in check.diagnostics
            if d.blocking
            and d.kind not in (FindingKind.LANGUAGE, FindingKind.PATCH)
            and (d.kind is not FindingKind.UNDEFINED or block.language in _KNOWS_NAMES)
        ]
        language = block.language or ""
        if why and language in judge and judge[language].accepts(block.joined or block.code):
            yield f"{language} {block.path or f'block {block.index}'}: {why[0].message} [{why[0].source} {why[0].code}]"


def main() -> None:
    """Print the counts and the exceptions."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.standalone_report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--judges", type=Path, help="a folder with compilers that judge and check nothing")
    parser.add_argument("--only", help="one language, as the data names it")
    asked = parser.parse_args()
    sample = [row for row in answers() if asked.only in (None, row["language"])]
    if not sample:
        print(f"no data in {DATA.name}: nothing to report")
        return
    judge = judges(asked.judges)
    print("judges:", ", ".join(f"{name}: {j.name} {j.version}" for name, j in judge.items()))
    with Toolchain() as toolchain:
        found = measure(toolchain, sample, judge)
    print(f"{len(sample)} answers: {dict(found.verdicts)}")
    for (language, role), count in sorted(found.taken.items()):
        print(f"  {language:12} {role:14} taken {count}")
    print(f"  no judge here: {dict(found.no_judge)}")
    total = sum(found.taken.values())
    print(f"taken {total} of {total + len(found.refused)} files of clean answers")
    for text in found.refused:
        print("  refused", text)
    print(
        f"false alarms: {len(found.blamed)} of {len(sample)} answers; clean, and asked about again: {len(found.asked)}"
    )
    for text in (*found.blamed, *found.asked):
        print("  ", text)


if __name__ == "__main__":
    main()
