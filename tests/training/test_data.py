"""What the tiny model learns from."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.engines.tiny import DEMO_PROMPTS
from bridge.notebook.template import EXAMPLES
from bridge.results.base import Verdict
from bridge.results.examine import Bench, examine
from training import dataset, seeds
from training.faults import faults
from training.wording import Split, wordings

pytest.importorskip("jinja2")
ROOT = Path(__file__).parents[2]


def test_two_processes_make_the_same_data(tmp_path: Path):
    seen = set()
    for number in "12":
        out = tmp_path / number
        subprocess.run(
            [sys.executable, "-m", "training.dataset", str(out)],
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": number}, check=True, capture_output=True,
        )  # fmt: skip
        seen.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(seen) == 1


def test_no_prompt_is_learned_and_kept_back_at_once():
    rows = list(dataset.rows())
    learned = {row.prompt for row in rows if row.split == Split.SEEN.value and row.prompt}
    kept = {row.prompt for row in rows if row.split != Split.SEEN.value and row.prompt}
    assert len(kept) > 1000
    assert not learned & kept


def test_every_answer_that_it_learns_passes_our_own_checks():
    with Bench() as bench:
        for seed in seeds.everyday():
            report = examine(seed.answer, prompt=wordings(seed)[0].text, finish_reason="stop", bench=bench)
            assert report.verdict is Verdict.CLEAN, (seed.topic, seed.language)


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
