"""The page's settings of each agent can be written down and started, without any of them."""

from __future__ import annotations

import json
import tomllib

import pytest
import yaml

from tests.clients.agents import AGENTS, Agent
from tests.clients.install import HERE
from tests.clients.settings import ADDRESS, MODEL, client_settings

_READERS = {"toml": tomllib.loads, "json": json.loads, "yaml": yaml.safe_load}


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_the_page_says_how_an_agent_is_pointed_at_the_gateway(agent: Agent) -> None:
    found = client_settings(agent.name)
    assert f"\n{agent.program} " in f"\n{found.command}"
    assert all(part in found.command for part in agent.unattended)
    everything = found.command + "".join(found.files.values())
    assert ADDRESS in everything
    assert MODEL in everything
    for name, text in found.files.items():
        assert _READERS[name.rpartition(".")[2]](text)
        assert len(text.splitlines()) <= 10


def test_every_agent_has_one_version() -> None:
    packages = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
    lines = (HERE / "requirements.txt").read_text("utf-8").splitlines()
    assert all(version[0].isdigit() for version in packages.values())
    assert all("==" in line for line in lines)
    assert len(packages) - 1 + len(lines) == len(AGENTS)  # the inspector is no agent
