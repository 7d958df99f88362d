"""The soak test in short: a few jobs, every kind of trouble once. `make soak` plays ten minutes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.chaos import FAULTS
from tests.soak.run import run, to_stderr
from tests.soak.scenario import AGENTS, SHORT, VICTIMS


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP, and kills otherwise")
def test_everybody_at_once_with_kills_and_faults_and_at_the_end_nothing_is_lost(tmp_path: Path) -> None:
    verdict = run(tmp_path / "soak", SHORT, to_stderr)
    figures = verdict.figures
    assert verdict.good, (f"seed {SHORT.seed}", verdict.wrong, figures)
    assert figures["per_agent"] == dict.fromkeys(AGENTS, SHORT.jobs_per_agent)
    assert figures["lost"] == 0
    # All of this was caused, and waited for:
    tried = {action.partition(" ")[2] for action in figures["actions"]}
    assert set(FAULTS) | set(VICTIMS) <= tried
    assert min(figures["kills"].values()) >= 1
    assert sum(figures["faults"].values()) >= len(FAULTS)
    assert figures["faults"]["other write"] == 1
    assert figures["conflicts_412"] >= 1
    assert figures["forks_made"] >= 1
    assert figures["forks_folded"] >= 1
    assert figures["stale_saves"] >= 1
