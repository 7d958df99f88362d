"""The whole way: an agent, a provider at its limit, the queue, a worker with llama.cpp, and the agent started afresh."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bridge import Bridge
from bridge.gateway.routing import RoutingRules
from tests.cli.conftest import Run, bridge  # noqa: F401  # a fixture
from tests.gateway.routes_to import routed
from tests.router.test_same import CLIENTS, FIRST, SECOND, start
from tests.support.patience import until

PATHS = {"codex": "/v1/responses", "claude-code": "/v1/messages?beta=true"}


@pytest.mark.parametrize("name", PATHS)
def test_an_agent_that_is_started_again_gets_the_answer_that_it_left_behind(
    bridge: Run, tmp_path: Path, name: str  # noqa: F811
) -> None:  # fmt: skip
    pytest.importorskip("xllamacpp", reason="the extra [embedded] is not installed")
    agent = {"User-Agent": CLIENTS[name][1]}
    with routed(tmp_path, "first", "queue", rules=RoutingRules(queue_tools=True)) as made:
        made.first.broken = (429, {"Retry-After": "900"}, "{}")
        url = made.url + PATHS[name]
        with httpx.stream("POST", url, json={**start(name, FIRST), "stream": True}, headers=agent):
            until(lambda: len(made.jobs("queued")) == 1)
        [job] = made.jobs()

        worked = bridge(
            "work", "--engine", "llamacpp", "--gguf", "tiny", "--queue", str(made.queue), "--max-tokens", "16"
        )
        assert worked.code == 0, worked.err
        with Bridge(str(made.queue)) as queue:
            result = queue.get(job).result
        assert result is not None
        assert result.answer

        again = httpx.post(url, json={**start(name, SECOND), "stream": False}, headers=agent)
        assert again.status_code == 200, again.text
        assert result.answer.strip()[:20] in again.text.replace("\\n", "\n").replace('\\"', '"')
        assert (again.headers["x-bridge-target"], again.json()["bridge"]["job"]) == ("queue", job)
        assert made.jobs() == [job]
        assert len(made.first.requests) == 1  # the second start did not ask anybody
