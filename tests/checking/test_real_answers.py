"""The targets on answers and programs that nobody here wrote. `python -m benchmarks.results_report` prints all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks import mutations
from benchmarks import results_report as report
from bridge.checking import Toolchain, Verdict, examine, extract
from bridge.checking.checkers.base import Checker
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.language.grammar_trust import may_block

#: Compilers take a second an answer; the report runs them on all, the tests on a sample.
QUICK: tuple[Checker, ...] = tuple(c for c in CHECKERS if c.name not in ("g++", "javac", "rustc"))


@pytest.fixture(scope="module")
def quick() -> Sequence[Toolchain]:
    with Toolchain(checkers=QUICK) as toolchain:
        yield toolchain


def test_bounds_are_right_in_99_percent_of_real_answers(real_answers: list[dict]) -> None:
    wrong = [
        row["id"]
        for row in real_answers
        if not report.bounds_right(row["answer"], extract(row["answer"], prompt=row["prompt"]).blocks)
    ]
    assert len(wrong) <= len(real_answers) / 100, wrong


def test_languages_and_paths_are_right_in_99_percent_of_real_blocks(quick: Toolchain, real_answers: list[dict]) -> None:
    tallies, _, _, _ = report.real(quick, real_answers)
    blocks = sum(t.blocks for t in tallies.values())
    wrong = [text for t in tallies.values() for text in t.wrong]
    assert len(wrong) <= blocks / 100, wrong
    judged, agree = sum(t.judged for t in tallies.values()), sum(t.agree for t in tallies.values())
    assert agree >= 0.98 * judged


#: Answers of the 32B model that are wrong, and why.
WRONG_32B = {"a2164454b578cef8": "todo-list.component.ts uses EventEmitter and Output and imports neither"}


def test_no_answer_of_the_32b_model_is_called_wrong_that_is_right(
    toolchain: Toolchain, real_answers: list[dict]
) -> None:
    mine = [row for row in real_answers if "Qwen2.5-Coder-32B" in row["model"]]
    assert mine
    wrong = [
        row["id"]
        for row in mine
        if examine(row["answer"], prompt=row["prompt"], toolchain=toolchain).verdict is Verdict.ERRORS
    ]
    assert set(wrong) <= set(WRONG_32B)


def test_cut_answers_are_always_incomplete(quick: Toolchain, real_answers: list[dict]) -> None:
    cut = [row for row in real_answers if "unterminated" in (row.get("tags") or ())]
    assert cut
    for row in cut:
        assert examine(row["answer"], prompt=row["prompt"], toolchain=quick).verdict is Verdict.INCOMPLETE, row["id"]
    for row in real_answers[::25]:
        whole = examine(row["answer"], prompt=row["prompt"], finish_reason="length", toolchain=quick)
        assert whole.verdict is Verdict.INCOMPLETE, row["id"]


def test_an_answer_cut_anywhere_inside_its_code_is_incomplete(quick: Toolchain, real_answers: list[dict]) -> None:
    for row in real_answers[::12]:
        blocks = [
            b
            for b in extract(row["answer"], prompt=row["prompt"]).blocks
            if b.fence and b.lines > 6 and b.parent is None
        ]
        if blocks:
            at = (blocks[-1].code_start + blocks[-1].span[1]) // 2
            text = "\n".join(row["answer"].split("\n")[:at])
            assert examine(text, prompt=row["prompt"], toolchain=quick).verdict is Verdict.INCOMPLETE, row["id"]


def test_canonical_solutions_raise_at_most_1_percent_of_false_alarms(
    quick: Toolchain, real_prompts: list[dict]
) -> None:
    alarms, asked = [], 0
    for row in real_prompts:
        if not row["canonical_solution"]:
            continue
        label = mutations.NAMES.get(row["language"], row["language"].lower())
        asked += 1
        answer = f"```{label}\n{row['canonical_solution'].rstrip()}\n```\n"
        if examine(answer, prompt=row["prompt"], finish_reason="stop", toolchain=quick).verdict is Verdict.ERRORS:
            alarms.append(row["id"])
    assert len(alarms) <= asked / 100, alarms


@pytest.mark.parametrize("language", ["python", "javascript", "typescript", "rust", "kotlin", "lua", "julia", "swift"])
def test_most_mutations_of_a_program_are_found(quick: Toolchain, real_prompts: list[dict], language: str) -> None:
    tally = mutations.canonical(quick, only=[language], per_language=12)[language]
    assert may_block(language) or language == "python"
    assert sum(tally.caught.values()) >= 0.85 * sum(tally.tried.values()), (tally.caught, tally.tried)
