"""`bridge route setup`: what each agent's settings become, and how they are put back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from bridge.setup.agents import AGENTS
from tests.cli.conftest import Run

#: {agent: what a person had there}
HAD = {
    "codex": '# mine\nmodel = "gpt-5"\napproval_policy = "never"\n\n[profiles.fast]\nmodel = "gpt-5-mini"\n',
    "claude": '{"env": {"FOO": "1"}, "permissions": {"allow": ["Read"]}}',
    "opencode": '{"provider": {"mine": {}}, "theme": "dark"}',
    "aider": "# mine\nmodel: gpt-5\ndark-mode: true\n",
    "continue": "name: Mine\nversion: 1.0.0\nschema: v1\nmodels:\n  - name: Other\n    provider: ollama\n    model: x\n",
    "qwen": "OPENAI_API_KEY=old\nFOO=1\n",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "home"


def put(home: Path, agent: str) -> Path:
    file = home / AGENTS[agent].file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HAD[agent])
    return file


def read(agent: str, text: str) -> dict[str, object]:
    """As the agent itself would read it."""
    if agent == "codex":
        return tomllib.loads(text)
    if agent in ("claude", "opencode"):
        found = json.loads(text)
    elif agent == "qwen":
        found = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    else:
        found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("agent", AGENTS)
def test_without_write_nothing_is_touched(bridge: Run, home: Path, agent: str) -> None:
    done = bridge("route", "setup", agent)
    assert done.code == 0
    assert "localhost:11452" in done.out
    assert read(agent, done.out)
    assert not home.exists()


@pytest.mark.parametrize("agent", AGENTS)
def test_what_a_person_had_stays_and_comes_back_byte_for_byte(bridge: Run, home: Path, agent: str) -> None:
    file = put(home, agent)
    before = read(agent, HAD[agent])
    assert bridge("route", "setup", agent, "--write", "--url", "http://localhost:8080/").code == 0
    text = file.read_text()
    assert "localhost:8080" in text
    after = read(agent, text)
    assert before.keys() <= after.keys()
    assert file.with_name(file.name + ".before-bridge").read_text() == HAD[agent]
    assert bridge("route", "setup", agent, "--undo").code == 0
    assert file.read_text() == HAD[agent]
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


def test_codex_asks_the_gateway_and_keeps_its_profiles(bridge: Run, home: Path) -> None:
    file = put(home, "codex")
    bridge("route", "setup", "codex", "--write")
    found = read("codex", file.read_text())
    assert (found["model"], found["model_provider"], found["approval_policy"]) == ("auto", "bridge", "never")
    assert found["model_providers"]["bridge"]["base_url"] == "http://localhost:11452/v1"  # type: ignore[index]
    assert found["profiles"] == {"fast": {"model": "gpt-5-mini"}}


def test_json_is_merged_and_a_list_of_models_gets_one_more(bridge: Run, home: Path) -> None:
    claude, cn = put(home, "claude"), put(home, "continue")
    for agent in ("claude", "continue"):
        bridge("route", "setup", agent, "--write")
    found = json.loads(claude.read_text())
    assert (found["env"]["FOO"], found["env"]["ANTHROPIC_BASE_URL"]) == ("1", "http://localhost:11452")
    assert [model["name"] for model in yaml.safe_load(cn.read_text())["models"]] == ["Qwen Bridge", "Other"]


def test_where_there_was_no_file_undo_takes_it_away(bridge: Run, home: Path) -> None:
    bridge("route", "setup", "qwen", "--write")
    assert (home / ".qwen/.env").exists()
    assert bridge("route", "setup", "qwen", "--write").code == 2  # it is set up already
    bridge("route", "setup", "qwen", "--undo")
    assert not (home / ".qwen/.env").exists()
    assert bridge("route", "setup", "qwen", "--undo").code == 2


def test_what_was_changed_since_is_not_overwritten(bridge: Run, home: Path) -> None:
    file = put(home, "aider")
    bridge("route", "setup", "aider", "--write")
    file.write_text(file.read_text() + "auto-commits: false\n")
    undone = bridge("route", "setup", "aider", "--undo")
    assert undone.code == 2
    assert "was changed since" in undone.err
    assert "auto-commits: false" in file.read_text()


@pytest.mark.parametrize(("agent", "text"), [("claude", "{ // mine\n}"), ("codex", "x = \n"), ("codex", "[model_providers.bridge]\n")])  # fmt: skip
def test_a_file_that_cannot_be_added_to_is_left_alone(bridge: Run, home: Path, agent: str, text: str) -> None:
    file = put(home, agent)
    file.write_text(text)
    done = bridge("route", "setup", agent, "--write")
    assert (done.code, file.read_text()) == (2, text)
    assert str(file) in done.err
