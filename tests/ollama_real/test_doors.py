"""Run all, `bridge work` and the gateway, with a real Ollama behind them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from bridge import Bridge
from bridge.core.job import State
from bridge.engines.ollama import OllamaEngine
from bridge.kernel.grammar import parse_result
from bridge.kernel.ollama import Ollama
from bridge.models.tiny import DEMO_PROMPTS
from tests.gateway.serving import gateway
from tests.ollama_real.build import VERSION
from tests.ollama_real.conftest import PLAIN, TINY
from tests.ollama_real.server import RealOllama
from tests.support.commands import environment
from tests.support.notebooks import choose, execute, result_texts, shipped_notebook
from tests.support.patience import LONG_S, until
from tests.support.queues import make_queue

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
]


def test_run_all_answers_the_notebook_that_ships(real: RealOllama, tmp_path: Path) -> None:
    book = choose(shipped_notebook(), model=TINY, lanes=2, context=1024, max_tokens=64)
    done = execute(book, tmp_path, born_in_colab=True, OLLAMA_HOST=real.url)
    assert "stopped_by" not in done["metadata"], done["metadata"]
    records = [parse_result(text)[0] for [text] in result_texts(done).values()]
    assert {record["status"] for record in records} <= {"succeeded", "truncated"}  # the toy rambles up to the limit
    assert len(records) == 3
    assert {record["worker"]["engine_version"] for record in records} == {VERSION}
    assert all(record["model_digest"] for record in records)
    assert all(record["usage"]["completion_tokens"] <= 64 for record in records)


def test_bridge_work_answers_a_queue_and_its_answers_are_the_models_own(
    real: RealOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OLLAMA_HOST", real.url)
    path = make_queue(tmp_path / "queue")
    with Bridge(str(path)) as bridge:
        jobs = [bridge.add(prompt.text, lang=prompt.language) for prompt in DEMO_PROMPTS[:2]]
        missing = bridge.add("Say hi", model="nobody:1b")
    command = [sys.executable, "-m", "bridge", "work", "--queue", str(path), "--model", TINY, "--parallel", "2"]
    options = ["--context", "1024", "--max-tokens", "512"]
    done = subprocess.run(
        [*command, *options], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    with Bridge(str(path)) as bridge:
        states = {line.id: line.state for line in bridge.jobs()}
        assert [states[job] for job in jobs] == [State.SUCCEEDED] * 2, done.stderr
        assert states[missing] is State.FAILED
        [view] = bridge.views(jobs[:1])
        assert view.result is not None
        assert "def slugify" in view.result.answer
    assert done.returncode == 1


def test_a_model_that_crashes_under_bridge_work_costs_no_job(
    real: RealOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OLLAMA_HOST", real.url)
    client = Ollama(real.url)
    client.unload(PLAIN)
    until(lambda: PLAIN not in {model.name for model in client.loaded()})
    path = make_queue(tmp_path / "queue")
    with Bridge(str(path)) as bridge:
        for number in range(4):
            bridge.add(f"Tell me all about {number}")
    command = [sys.executable, "-m", "bridge", "work", "--queue", str(path), "--model", PLAIN, "--parallel", "2"]
    options = ["--context", "2048", "--max-tokens", "1500"]
    with subprocess.Popen(
        [*command, *options],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as work:
        until(lambda: PLAIN in {model.name for model in client.loaded()})  # the first ones are being answered
        real.kill_runner()
        said, _ = work.communicate(timeout=LONG_S)
    with Bridge(str(path)) as bridge:
        states = [line.state for line in bridge.jobs()]
    assert set(states) <= {State.SUCCEEDED, State.TRUNCATED}, said
    assert work.returncode == 0
    assert " 2 tried again" in said, said


def test_the_gateway_passes_a_real_answer_and_a_real_tool_call_on(real: RealOllama) -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    with (
        gateway(OllamaEngine(real.url), default_model=TINY, num_ctx=1024) as served,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="x", max_retries=0) as client,
    ):
        ask = [{"role": "user", "content": DEMO_PROMPTS[0].text}]
        streamed = client.chat.completions.create(model=TINY, messages=ask, stream=True, max_tokens=300)  # type: ignore[call-overload]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices)
        assert "def slugify" in text
        asked = [{"role": "user", "content": "What is the weather in Paris?"}]
        reply = client.chat.completions.create(model=TINY, messages=asked, tools=[tool], max_tokens=100)  # type: ignore[call-overload]
    [call] = reply.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert list(json.loads(call.function.arguments)) == ["city"]
