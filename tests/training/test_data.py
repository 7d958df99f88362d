"""What the tiny model learns from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from bridge.checking.examine import Toolchain, examine
from bridge.checking.values import Verdict
from bridge.format.template import EXAMPLES
from bridge.models.tiny import DEMO_PROMPTS
from tests.support.toolchains import can_judge
from training import dataset, seeds
from training.faults import faults
from training.wording import Split, wordings

pytest.importorskip("jinja2")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows() -> list[dataset.Row]:
    return list(dataset.rows())


def test_another_process_makes_the_same_data(rows: list[dataset.Row], tmp_path: Path):
    out = tmp_path / "data.jsonl"
    subprocess.run(
        [sys.executable, "-m", "training.dataset", str(out)],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "1"}, check=True, capture_output=True,
    )  # fmt: skip
    assert [json.loads(line) for line in out.read_text("utf-8").splitlines()] == [asdict(row) for row in rows]


def test_no_prompt_is_learned_and_kept_back_at_once(rows: list[dataset.Row]):
    learned = {row.text for row in rows if row.split == Split.SEEN.value}
    kept = {row.text for row in rows if row.split != Split.SEEN.value}
    assert len(kept) > 1000
    assert not learned & kept


def test_a_round_of_repair_is_learned_with_what_the_linters_say_and_without_linters(rows: list[dataset.Row]):
    for prompt in DEMO_PROMPTS:
        asked = {row.prompt for row in rows if row.key == f"demo repair:{prompt.name}"}
        assert len(asked) == (2 if prompt.repaired else 0)
        assert all("does not pass its checks" in text and prompt.text in text for text in asked)


def test_every_answer_that_it_learns_passes_our_own_checks():
    with Toolchain() as toolchain:
        for seed in seeds.everyday():
            report = examine(seed.answer, prompt=wordings(seed)[0].text, finish_reason="stop", toolchain=toolchain)
            told = {Verdict.CLEAN} if can_judge(seed.language) else {Verdict.CLEAN, Verdict.UNCHECKED}
            assert report.verdict in told, (seed.topic, seed.language)


def test_every_demo_prompt_and_example_has_its_answer():
    assert set(seeds.demo()) == {p.name for p in DEMO_PROMPTS} | {f"example {i + 1}" for i in range(len(EXAMPLES))}


def test_a_wording_names_its_language():
    for seed in seeds.everyday():
        assert all(seed.display in wording.text for wording in wordings(seed))


def test_a_heading_inside_of_code_begins_no_section(tmp_path: Path):
    page = tmp_path / "x.md"
    page.write_text(
        "# One\n- does it\n\n```python\n# Two\nx = 1\n```\nA note.\n\n# Three\n\n```sql\nSELECT 1;\n```\nEnd.\n"
    )
    assert [(s.topic, s.code, s.says) for s in seeds.read(page)] == [
        ("One", "# Two\nx = 1", ("does it",)),
        ("Three", "SELECT 1;", ()),
    ]


@pytest.mark.parametrize("language", ["python", "javascript", "java"])
def test_a_fault_changes_one_place_and_is_found(language: str):
    seed = next(s for s in seeds.everyday() if s.language == language and s.topic == "Factorial")
    broken = faults(language, seed.code)
    assert broken
    for code in broken:
        assert 0 < len(seed.code) - len(code) <= 2
        assert examine(f"```{language}\n{code}\n```", finish_reason="stop").verdict is Verdict.ERRORS
