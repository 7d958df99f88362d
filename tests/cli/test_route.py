"""`bridge route`."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge import wiring
from bridge.router.switches import Switches
from tests.cli.conftest import Run

CONFIG = """
[engines.gemini]
kind = "openai"
base_url = "https://generativelanguage.googleapis.com/v1beta/openai"
model = "gemini-2.5-flash"
[router]
coding = ["gemini", "ollama", "queue"]
"""


@pytest.fixture
def routed(bridge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "bridge.toml").write_text(CONFIG)
    return bridge


def test_explain_prints_the_way_and_every_reason(routed: Run) -> None:
    done = routed("route", "explain", "Write a function that parses dates")
    assert done.out.splitlines()[0] == "gemini -> ollama -> queue"
    assert "role coding: code to be made" in done.out
    private = routed("route", "explain", "Write a function that parses dates", "--private", "--json").json
    assert [one["target"] for one in private["order"]] == ["ollama"]
    assert private["queue"] is False


def test_a_target_is_switched_off_for_a_while_and_on_again(routed: Run) -> None:
    assert routed("route", "off", "gemini", "--for", "1h").code == 0
    assert "gemini\tgemini-2.5-flash\telsewhere\toff for 1 h" in routed("route", "status").out
    assert routed("route", "explain", "Fix f()").out.splitlines()[0] == "ollama -> queue"
    assert routed("route", "on", "gemini", "--json").json["was_off"] is True
    assert routed("route", "explain", "Fix f()").out.splitlines()[0] == "gemini -> ollama -> queue"
    assert routed("route", "off", "nobody").code == 2


def test_qwen_enabled_false_switches_this_machine_off(routed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN_ENABLED", "false")
    assert routed("route", "explain", "Fix f()").out.splitlines()[0] == "gemini -> queue"


def test_a_switch_runs_out_and_a_damaged_file_switches_nobody_off(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    switches = Switches(tmp_path / "off.json")
    switches.set_off("a", until=now + timedelta(minutes=5), now=now)
    switches.set_off("b", until=None, now=now)
    assert set(Switches(tmp_path / "off.json").off(now)) == {"a", "b"}
    assert set(switches.off(now + timedelta(minutes=5))) == {"b"}
    (tmp_path / "off.json").write_text('["a"]')
    os.utime(tmp_path / "off.json", (1, 1))
    assert switches.off(now) == {}


def test_the_targets_are_those_that_the_router_names_and_the_engine_of_the_gateway(routed: Run) -> None:
    settings = wiring.loaded_settings().valid()
    targets = wiring.targets_of(settings, wiring.engine_settings("scripted", settings), {"OLLAMA_HOST": "gpu.lan"})
    assert {name: target.is_local for name, target in targets.known.items()} == {"gemini": False, "ollama": False, "scripted": True}  # fmt: skip
