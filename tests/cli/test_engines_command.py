"""`bridge engines`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bridge.router.presets import PRESETS
from tests.cli.conftest import Run


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_table_that_config_check_takes(bridge: Run, tmp_path: Path, preset: str) -> None:
    assert bridge("engines", "add", preset).code == 0
    assert bridge("config", "check").code == 0
    [(name, table)] = tomllib.loads((tmp_path / "bridge.toml").read_text())["engines"].items()
    assert name == preset
    assert {"kind", "model", "context"} <= table.keys()


def test_what_a_person_wrote_stays_as_it_was(bridge: Run, tmp_path: Path) -> None:
    before = "# mine\npart_jobs = 7   # few\n\n[gateway]\nport = 8080\n"
    (tmp_path / "bridge.toml").write_text(before)
    assert bridge("engines", "add", "gemini", "--model", "gemini-2.5-pro").code == 0
    after = (tmp_path / "bridge.toml").read_text()
    assert after.startswith(before)
    assert 'model = "gemini-2.5-pro"' in after


def test_a_table_that_is_there_is_not_written_twice(bridge: Run) -> None:
    bridge("engines", "add", "groq")
    again = bridge("engines", "add", "groq")
    assert again.code == 2
    assert "has [engines.groq] already" in again.err
    assert bridge("engines", "add", "groq", "--name", "groq-two").code == 0


def test_nothing_is_written_into_a_file_with_mistakes(bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 'seven'\n")
    done = bridge("engines", "add", "groq")
    assert (done.code, (tmp_path / "bridge.toml").read_text()) == (2, "part_jobs = 'seven'\n")
    assert "bridge.toml:1" in done.err
    assert bridge("engines", "add", "groq", "--name", "queue").code == 2


def test_the_list_says_whether_a_key_is_there_and_never_the_key(bridge: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    added = bridge("engines", "add", "gemini")
    assert "export GEMINI_API_KEY=" in added.err
    bridge("engines", "add", "anthropic", "--keyring", "claude")
    monkeypatch.setenv("GEMINI_API_KEY", "a-secret-key")
    listed = bridge("engines", "list")
    assert "GEMINI_API_KEY, set" in listed.out
    assert "keyring entry claude" in listed.out
    facts = bridge("engines", "list", "--json")
    assert [fact["key"] for fact in facts.json["engines"]] == ["GEMINI_API_KEY, set", "keyring entry claude"]
    assert "a-secret-key" not in listed.out + listed.err + facts.out
