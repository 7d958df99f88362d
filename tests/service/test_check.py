"""`bridge service check`: what it says of gateways that work, and of those that do not."""

from __future__ import annotations

import pytest

from bridge.engines.base import Capabilities
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.guard import GuardRules
from bridge.setup.service.check import integration, performance, smoke
from bridge.setup.service.check.base import CheckLevel, Probe, run_steps
from bridge.setup.service.check.client import GatewayClient
from bridge.setup.service.check.levels import steps_of
from bridge.setup.service.check.performance import percentile
from tests.gateway.serving import gateway
from tests.service.specs import Services


def outcomes(steps: list[Probe], client: GatewayClient) -> dict[str, tuple[str, str]]:
    """{step: (outcome, detail)}."""
    found = run_steps(steps, client)
    client.close()
    return {step.name: (step.outcome.value, step.detail) for step in found}


def named(steps: list[Probe], name: str) -> list[Probe]:
    return [step for step in steps if step.name == name]


def test_a_gateway_that_is_started_for_it_passes_every_step(services: Services) -> None:
    done = services("check", "integration", "--json", "--", "--engine", "scripted")
    assert done.code == 0, done.out
    told = done.json
    steps = {step["step"]: step["outcome"] for step in told["steps"]}
    assert {name for name, outcome in steps.items() if outcome != "ok"} == {"access token"}
    assert {"background job", "batch of 3 lines", "Anthropic message, streamed"} <= steps.keys()
    assert (told["ok"], told["level"]) == (True, "integration")
    assert not services.state.exists()  # its queue was its own


def test_performance_gives_its_figures(services: Services) -> None:
    done = services("check", "performance", "--load-time", "2s", "--json", "--", "--engine", "scripted")
    assert done.code == 0, done.out
    figures = {name: value for step in done.json["steps"] for name, value in step["figures"].items()}
    assert {
        "first_token_p50_ms",
        "first_token_p95_ms",
        "added_p50_ms",
        "requests_per_minute",
        "reply_p95_s",
    } <= figures.keys()
    assert (figures["errors"], figures["concurrency"]) == (0, 20)
    assert figures["first_token_p50_ms"] <= figures["first_token_p95_ms"]


def test_the_gateway_that_runs_is_the_one_that_is_checked(services: Services) -> None:
    services.install("serve", "--engine", "scripted")
    assert services("start").code == 0
    done = services("check")
    assert done.code == 0
    assert f"http://127.0.0.1:{services.port}, that runs here" in done.err
    assert [row.split("\t")[:2] for row in done.out.splitlines()[1:]] == [
        ["ok", "health"],
        ["ok", "models"],
        ["ok", "completion"],
    ]


def test_an_address_where_nobody_answers_fails_the_check(services: Services) -> None:
    done = services("check", "smoke", "--url", f"http://127.0.0.1:{services.port}")
    assert done.code == 3
    assert "failed\thealth\t" in done.out
    assert "/health gave no reply" in done.out


def test_a_gateway_that_cannot_be_started_is_said_with_its_own_words(services: Services) -> None:
    done = services("check", "--", "--engine", "openai")
    assert done.code == 3
    assert "the engine openai needs --base-url" in done.err


def test_an_engine_that_is_down_fails_smoke_and_says_so() -> None:
    engine = ScriptedEngine()
    engine.down = True
    with gateway(engine) as served:
        found = outcomes(smoke.steps(), GatewayClient(served.url))
    assert found["health"][0] == "failed"
    assert "degraded" in found["health"][1]
    assert found["completion"][0] == "failed"


def test_what_an_engine_cannot_do_is_skipped_and_what_fails_is_not() -> None:
    text_only = Capabilities(tools=True, tool_choice=True, json_schema=True, exact_counts=True, context_tokens=8192)
    with gateway(ScriptedEngine(can=text_only)) as served:
        found = outcomes(integration.steps(), GatewayClient(served.url))
    states = {name: outcome for name, (outcome, _) in found.items() if outcome != "ok"}
    assert states == dict.fromkeys(
        ["embeddings", "fill in the middle", "access token", "background job", "batch of 3 lines"], "skipped"
    )


@pytest.mark.parametrize(("rules", "outcome"), [(GuardRules(token="right"), "ok"), (GuardRules(), "failed")])
def test_a_gateway_that_lets_a_wrong_token_in_fails(rules: GuardRules, outcome: str) -> None:
    with gateway(ScriptedEngine(), rules=rules) as served:
        client = GatewayClient(served.url, token="right")
        assert outcomes(named(integration.steps(), "access token"), client)["access token"][0] == outcome


def test_a_check_ends_when_its_time_is_over() -> None:
    with gateway(ScriptedEngine()) as served:
        found = outcomes(integration.steps(), GatewayClient(served.url, limit_s=0.0))
    assert set(found.values()) <= {
        ("failed", "the time for this check is over"),
        ("skipped", "no token is asked for here"),
    }


def test_many_users_who_meet_errors_fail_the_step() -> None:
    with gateway(ScriptedEngine(delay_s=0.05), lanes=1, longest=2) as served:
        [load] = named(performance.steps(load_s=0.5), "20 users")
        outcome, detail = outcomes([load], GatewayClient(served.url))["20 users"]
    assert outcome == "failed"
    assert " 429" in detail


def test_levels_have_their_limits_and_every_step_its_own_name() -> None:
    assert {level.value: level.limit_s for level in CheckLevel} == {
        "smoke": 30.0,
        "integration": 300.0,
        "performance": 600.0,
    }
    for level in CheckLevel:
        names = [step.name for step in steps_of(level, load_s=1.0)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (0, 1), (100, 10)])
def test_a_percentile_is_a_value_that_was_seen(percent: float, value: int) -> None:
    assert percentile(list(range(10, 0, -1)), percent) == value
    assert percentile([7], percent) == 7
