"""How well answers are taken apart and checked, per language, on real answers and on programs that are known to work.

    python -m benchmarks.results_report

Three tables: blocks of real answers (bounds, language, path, agreement with the language's own parser), false alarms on
canonical solutions in 40 languages, and what is found of one seeded mutation a program. The material is not part of
this repository: it is looked for in `../shared/data`.

The judges are others than the code that is judged: markdown-it-py for bounds, the data set's own language field and a
table of labels here for languages, Python's compiler, `node --check` and `bash -n` for syntax.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.material import DATA, answers
from benchmarks.mutations import MUTATIONS, canonical
from bridge.checking import BlockStatus, CodeBlock, Report, Role, Toolchain, examine, extract
from bridge.checking.language.grammar_trust import may_block

#: Label → language, written down independently of the package's own table.
LABELS = {
    "python": "python", "py": "python", "cpp": "cpp", "c++": "cpp", "c": "c", "js": "javascript",
    "javascript": "javascript",
    "ts": "typescript", "typescript": "typescript", "tsx": "tsx", "jsx": "jsx", "php": "php", "java": "java",
    "sh": "bash",
    "bash": "bash", "shell": "bash", "cs": "csharp", "csharp": "csharp", "c#": "csharp", "html": "html", "css": "css",
    "less": "less", "json": "json", "yaml": "yaml", "yml": "yaml", "sql": "sql", "ruby": "ruby", "markdown": "markdown",
}  # fmt: skip
#: Extension → language, the same way.
EXTENSIONS = {
    "ts": "typescript", "tsx": "tsx", "js": "javascript", "jsx": "jsx", "html": "html", "css": "css",
    "less": "less", "scss": "scss",
    "json": "json", "py": "python", "md": "markdown",
}  # fmt: skip


@dataclass
class Tally:
    """Counts of one language."""

    blocks: int = 0
    language_right: int = 0
    paths: int = 0
    path_right: int = 0
    judged: int = 0
    agree: int = 0
    wrong: list[str] = field(default_factory=list)


# ---- bounds ---------------------------------------------------------------------------------------------------------


def bounds_right(answer: str, blocks: Sequence[CodeBlock]) -> bool:
    """Whether blocks lie where CommonMark puts them, or, where CommonMark cannot know, where they must lie."""
    from markdown_it import MarkdownIt

    tokens = [t for t in MarkdownIt().parse(answer) if t.type == "fence"]
    theirs = [(t.map[0] + 1, t.map[1]) for t in tokens if t.map]
    tops = [b for b in blocks if b.parent is None]
    if [b.span for b in tops if b.fence] == theirs:
        return True
    lines = answer.replace("\r\n", "\n").split("\n")
    if re.match(r"\s*(?:<think>|Thinking\.\.\.)", answer):
        after = max(
            (i for i, line in enumerate(lines, 1) if re.search(r"</think>|done thinking", line)), default=len(lines)
        )
        return [b.span for b in tops if b.fence] == [span for span in theirs if span[0] > after] or not tops
    held = [b for b in blocks if b.role is not Role.WRAPPER]
    opened = [
        i
        for i, line in enumerate(lines, 1)
        if re.match(r"\s*```[A-Za-z]", line) and not re.match(r"\s*```(?:markdown|md)\b", line)
    ]
    closed_off = all(not re.match(r"```", line) for b in held for line in b.code.split("\n"))
    return closed_off and [b.span[0] for b in held if b.fence] == opened


# ---- language and path ----------------------------------------------------------------------------------------------


def expected_languages(block: CodeBlock, row: dict[str, Any]) -> set[str | None]:
    """The languages that may be right for a block, by its first line, label and row; empty: cannot be told."""
    first = block.code.lstrip().partition("\n")[0]
    named = re.match(r"(?://|/\*|<!--|#)\s*([\w./-]+\.(\w+))\s*(?:\*/|-->)?\s*$", first)
    if named and named[2] in EXTENSIONS and "JSON" not in named[2]:
        return {EXTENSIONS[named[2]]}
    label = block.info.split()[0].lower() if block.info.split() else ""
    own = {LABELS.get(part) for part in str(row["language"]).split("/")} - {None}
    if label in LABELS:
        return {LABELS[label], *own} if row["language"] == "php" else {LABELS[label]}
    if not label and own:
        return {*own, None}
    return set()


def expected_path(block: CodeBlock, answer: str) -> str | None:
    """The path that stands right before a block or in its first line, found the simplest way."""
    lines = answer.split("\n")
    before = next((lines[i] for i in range(block.span[0] - 2, max(-1, block.span[0] - 4), -1) if lines[i].strip()), "")
    for text in (
        before.strip(" #*`:"),
        re.sub(r"^\s*(?://|/\*|<!--|#)\s*|\s*(?:\*/|-->)\s*$", "", block.code.lstrip().partition("\n")[0]),
    ):
        if (
            re.fullmatch(r"(?!https?:)[\w.-]+(?:/[\w.-]+)*\.(?:tsx?|jsx?|html|css|less|json|py|md|spec\.ts)", text)
            and " " not in text
        ):
            return text
    return None


# ---- the language's own parser --------------------------------------------------------------------------------------


def _python(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError):
        return False
    return True


def _through(*argv: str) -> Callable[[str], bool]:
    def parses(code: str) -> bool:
        return (
            subprocess.run([*argv], input=code.encode(), capture_output=True, timeout=20, check=False).returncode == 0
        )

    return parses


def own_parsers() -> dict[str, Callable[[str], bool]]:
    """Parsers that need nothing of ours, as far as they are installed."""
    found: dict[str, Callable[[str], bool]] = {"python": _python}
    if shutil.which("bash"):
        found["bash"] = _through("bash", "-n", "/dev/stdin")
    if shutil.which("node"):
        found["javascript"] = _through("node", "--check", "-")
    return found


def real(
    toolchain: Toolchain, sample: Sequence[dict[str, Any]]
) -> tuple[dict[str, Tally], list[str], float, list[tuple[str, Report]]]:
    """Tallies per language, ids of answers whose bounds are wrong, answers per second, and the reports."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    bad: list[str] = []
    started = time.perf_counter()
    reports = [(row["id"], examine(row["answer"], prompt=row["prompt"], toolchain=toolchain)) for row in sample]
    rate = len(sample) / (time.perf_counter() - started)
    parsers = own_parsers()
    for row, (_, report) in zip(sample, reports, strict=True):
        if not bounds_right(row["answer"], report.blocks):
            bad.append(row["id"])
        for block, check in zip(report.blocks, report.checks, strict=True):
            if block.role is not Role.WRAPPER:
                _count(tallies[block.language or "text"], block, check.status, row, parsers)
    return tallies, bad, rate, reports


def _count(
    tally: Tally, block: CodeBlock, status: BlockStatus, row: dict[str, Any], parsers: dict[str, Callable[[str], bool]]
) -> None:
    tally.blocks += 1
    expected = expected_languages(block, row)
    right = not expected or block.language in expected
    tally.language_right += right
    if not right:
        tally.wrong.append(f"{row['id']}#{block.index}: {block.language}, expected {expected}")
    wanted = expected_path(block, row["answer"])
    if wanted or block.path:
        tally.paths += 1
        tally.path_right += wanted == block.path
        if wanted != block.path:
            tally.wrong.append(f"{row['id']}#{block.index}: path {block.path}, expected {wanted}")
    parser = parsers.get(block.language or "")
    markup = block.language == "javascript" and re.search(r"<[A-Za-z]\w*[\s/>]", block.code)  # node reads no JSX
    if parser and not markup and status in (BlockStatus.OK, BlockStatus.ERRORS) and block.role is Role.FILE:
        tally.judged += 1
        tally.agree += parser(block.code) == (status is BlockStatus.OK)


# ---- printing -------------------------------------------------------------------------------------------------------


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:5.1f} %" if whole else "      –"


def extraction_rate(sample: Sequence[dict[str, Any]]) -> float:
    """Answers per second of extraction alone."""
    started = time.perf_counter()
    for row in sample:
        extract(row["answer"], prompt=row["prompt"])
    return len(sample) / (time.perf_counter() - started)


def main() -> None:
    """Print the tables."""
    sample = answers()
    if not sample:
        print(f"no data in {DATA.name}: nothing to report")
        return
    with Toolchain() as toolchain:
        tallies, bad, rate, reports = real(toolchain, sample)
        print(f"{'language':14} {'blocks':>6} {'language':>9} {'paths':>6} {'path':>9} {'judged':>6} {'agree':>9}")
        for name, t in sorted(tallies.items(), key=lambda item: -item[1].blocks):
            print(
                f"{name:14} {t.blocks:6} {_share(t.language_right, t.blocks):>9} {t.paths:6} "
                f"{_share(t.path_right, t.paths):>9} "
                f"{t.judged:6} {_share(t.agree, t.judged):>9}"
            )
        print(f"\nbounds right: {_share(len(sample) - len(bad), len(sample))} of {len(sample)} answers {bad}")
        for t in tallies.values():
            for text in t.wrong:
                print("  ", text)
        print("verdicts:", dict(Counter(report.verdict.value for _, report in reports)))
        print(f"{rate:.1f} answers/s checked, {extraction_rate(sample):.0f} answers/s extracted\n")
        print(
            f"{'language':14} {'n':>3} {'alarms':>7} {'as answer':>9} {'parts':>5} {'unchecked':>9} {'may block':>9} "
            + " ".join(f"{m:>14}" for m in MUTATIONS)
        )
        for name, d in sorted(canonical(toolchain).items()):
            rates = " ".join(f"{d.caught[m]:3}+{d.advised[m]:<2}/{d.tried[m]:<3}    " for m in MUTATIONS)
            print(
                f"{name:14} {d.programs:3} {len(d.false_alarms):7} {len(d.answer_alarms):9} {d.parts:5} "
                f"{d.unchecked:9} {may_block(name)!s:>9} {rates}"
            )
            for text in (*d.false_alarms, *d.answer_alarms):
                print("      ", text)
    print("\nn+m/k: n of k mutants made the verdict `errors`, m more got advice only")


if __name__ == "__main__":
    main()
