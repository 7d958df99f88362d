"""An engine that reads less than it was sent, as Ollama does: the reply says so, and so does the log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bridge.engines.base import Answer, OnToken, Request, Stop, ignore_token
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.silent_cut import silent_cut
from tests.gateway.serving import gateway

#: Of a window of 8,192, too long to be known to fit without a count.
LONG = "word " * 4000  # 5,000 tokens of the scripted engine


class Cutting(ScriptedEngine):
    """Reads half of the window and two tokens, as Ollama does."""

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`."""
        found = super().answer(request, on_token, stop=stop)
        read = min(int(found.usage["prompt_tokens"]), request.num_ctx // 2 + 2)
        return replace(found, usage={**found.usage, "prompt_tokens": read})


@pytest.mark.parametrize(("path", "body"), [
    ("/v1/chat/completions", {}), ("/v1/messages", {"max_tokens": 100}), ("/api/chat", {"stream": False}),
])  # fmt: skip
def test_a_prompt_that_the_engine_cut_is_told(tmp_path: Path, path: str, body: dict[str, object]) -> None:
    with gateway(Cutting(), state=tmp_path) as made:
        asked = {**body, "messages": [{"role": "user", "content": LONG}]}
        reply = httpx.post(made.url + path, json=asked)
        assert reply.json()["bridge"]["prompt_cut_by_engine"] == {"sent": 5000, "read": 4098, "exact": True}
        assert reply.headers["x-bridge-prompt-cut"] == "4098/5000"
        told = [json.loads(line) for line in made.log]
        assert [line for line in told if "prompt_cut_by_engine" in line] != []
        assert "word" not in "".join(made.log)
        short = httpx.post(made.url + path, json={**body, "messages": [{"role": "user", "content": "hi"}]})
        assert "bridge" not in short.json()


def test_a_stream_tells_it_at_its_end(tmp_path: Path) -> None:
    with gateway(Cutting(), state=tmp_path) as made:
        asked = {"stream": True, "messages": [{"role": "user", "content": LONG}]}
        assert '"prompt_cut_by_engine"' in httpx.post(f"{made.url}/v1/chat/completions", json=asked).text


@pytest.mark.parametrize(("counted", "read", "is_cut"), [
    (5000, 5000, False),
    (5000, 4990, False),  # templates differ
    (5000, 4098, True),
    (5000, None, False),  # not told
    (None, 1200, False),  # estimated: 1,250 or so
    (None, 300, True),
])  # fmt: skip
def test_what_counts_as_cut(counted: int | None, read: int | None, is_cut: bool) -> None:
    request = Request(prompt="word " * 1000, model="m")
    assert bool(silent_cut(request, counted=counted, read=read)) == is_cut
