"""`bridge serve` with a [router]: which targets it opens, and what it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli import serve
from bridge.gateway.routing import RoutingRules
from bridge.router.target_breaker import BreakerRule
from bridge.wiring import engine_settings, loaded_settings
from tests.cli.conftest import Run, bridge  # noqa: F401  # a fixture

CONFIG = """
[engines.gemini]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
model = "gemini-2.5-flash"
key_env = "GEMINI_API_KEY"
timeout_seconds = 30
[engines.groq]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
model = "llama"
key_env = "GROQ_API_KEY"
[router]
coding = ["gemini", "groq", "queue"]
short_wait_seconds = 2
first_token_seconds = 20
breaker_share = 0.25
breaker_calls = 4
breaker_window_seconds = 60
breaker_open_seconds = 90
queue_tools = true
continue_streams = true
history = "last 5"
private_folders = ["/home/me/secret"]
"""


def test_the_settings_are_what_the_gateway_routes_by(
    bridge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setenv("GEMINI_API_KEY", "a-secret-key")
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    (tmp_path / "bridge.toml").write_text(CONFIG)
    settings = loaded_settings().valid()

    plan = serve.route_plan(settings, engine_settings("scripted", settings))

    assert plan.rules == RoutingRules(
        short_wait_s=2.0, first_token_s=20.0, queue_tools=True, continue_streams=True, history="last 5",
        private_folders=("/home/me/secret",),
    )  # fmt: skip
    assert plan.breaker == BreakerRule(share=0.25, calls=4, window_s=60.0, open_s=90.0)
    assert (plan.home, set(plan.engines), plan.timeouts_s) == ("scripted", {"gemini"}, {"gemini": 30.0})
    said = capsys.readouterr().err
    assert "target groq is left out" in said
    assert "GROQ_API_KEY" in said
    assert "a-secret-key" not in said
