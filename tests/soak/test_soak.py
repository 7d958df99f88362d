"""The soak test in short: a few jobs, every kind of trouble once. `make soak` plays ten minutes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.chaos import FAULTS
from tests.soak.play import play, tell
from tests.soak.stage import AGENTS, SHORT, VICTIMS


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP, and kills otherwise")
def test_everybody_at_once_with_kills_and_faults_and_at_the_end_nothing_is_lost(tmp_path: Path) -> None:
    verdict = play(tmp_path / "soak", SHORT, tell)
    figures = verdict.figures
    assert verdict.good, (f"seed {SHORT.seed}", verdict.wrong, figures)
    assert figures["per_agent"] == dict.fromkeys(AGENTS, SHORT.jobs_per_agent)
    assert figures["lost"] == 0
    # It was no walk in the park:
    tried = {deed.partition(" ")[2] for deed in figures["deeds"]}
    assert set(FAULTS) | (set(VICTIMS) - set(AGENTS)) <= tried
    assert any(figures["kills"][name] for name in AGENTS)
    assert sum(figures["faults"].values()) >= len(FAULTS)
    assert figures["forks_made"] > 0
    assert figures["forks_folded"] > 0
    assert figures["stale_saves"] > 0
    assert figures["conflicts_412"] > 0
    assert figures["tab_saves"] > 0
