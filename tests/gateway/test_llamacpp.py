"""The gateway before a real llama.cpp: loading, switching, letting go, leaving, dying, and windows that are too small."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import httpx
import ollama
import openai
import pytest

pytest.importorskip("xllamacpp", reason="needs the extra [embedded]")

from bridge import Bridge, State
from bridge.engines.llamacpp import LlamaCppEngine
from bridge.engines.llamacpp_models import LlamaCppModels
from bridge.models import tiny
from tests.gateway.serving import Gateway, gateway
from tests.support.patience import until
from tests.support.queues import make_queue

HI = [{"role": "user", "content": "Write a Python function that reverses a string."}]


#: Holds the tiny model to an answer that takes it seconds: by itself it says a few words.
LONG = {
    "type": "json_schema",
    "json_schema": {"name": "long", "schema": {"type": "array", "items": {"enum": ["abc", "def"]}, "minItems": 400}},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCppModels]:
    folder = tmp_path_factory.mktemp("models")
    files = [folder / "one.gguf", folder / "two.gguf"]
    for file in files:
        shutil.copy(tiny.PATH, file)
    made = LlamaCppModels({file.stem: LlamaCppEngine(file, lanes=2, num_ctx=2048) for file in files})
    yield made
    made.close()


@pytest.fixture
def served(models: LlamaCppModels) -> Iterator[Gateway]:
    with gateway(models, lanes=2, longest=2, num_ctx=2048, one_model=True, idle_s=0.2) as made:
        yield made


def children() -> list[int]:
    """The processes that run llama.cpp for this test."""
    listing = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found = [int(pid) for file in listing for pid in file.read_text().split()]
    return [pid for pid in found if b"llamacpp_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def loaded(served: Gateway) -> list[str]:
    return httpx.get(f"{served.url}/health").json()["models_loaded"]


def test_a_model_is_loaded_when_it_is_asked_for_switched_and_let_go_of(served: Gateway) -> None:
    assert loaded(served) == []
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="x", max_retries=0) as client:
        for name in ("one", "two"):
            reply = client.chat.completions.create(model=name, messages=HI, max_tokens=8)  # type: ignore[arg-type]
            assert reply.model == name
            assert loaded(served) in ([name], [])
    until(lambda: not loaded(served))


def test_a_client_that_leaves_frees_its_slot(served: Gateway) -> None:
    body = {"model": "one", "messages": HI, "stream": True, "max_tokens": 1500, "response_format": LONG}
    with httpx.stream("POST", f"{served.url}/v1/chat/completions", json=body, timeout=60) as stream:
        pieces = stream.iter_raw()  # kept: a generator that is let go of closes the stream
        next(pieces)
        assert len(served.line.running) == 1
    left = time.monotonic()
    until(lambda: not served.line.running)
    assert time.monotonic() - left < 30  # a bound against hanging; benchmarks measure how fast


def test_a_cancelled_response_is_cut_in_the_middle(models: LlamaCppModels, tmp_path: Path) -> None:
    queue = make_queue(tmp_path / "q")
    body = {"model": "one", "messages": HI, "max_tokens": 1500, "response_format": LONG}
    with (
        gateway(models, lanes=2, num_ctx=2048, queue=queue, state=tmp_path / "state") as served,
        Bridge(str(queue)) as own,
        ThreadPoolExecutor(1) as pool,
        httpx.Client(base_url=f"{served.url}/v1", timeout=60) as client,
    ):
        asked = client.post("/chat/completions", json=body, headers={"prefer": "respond-async"})
        assert asked.status_code == 202
        working = pool.submit(own.work, models, model="one", check=False)
        until(lambda: own.status().counts[State.RUNNING])
        place = asked.headers["location"].removeprefix("/v1")
        assert client.post(f"{place}/cancel").json()["status"] == "cancelled"
        assert working.result(120).answered == 0
        assert client.get(place).json()["status"] == "cancelled"


def test_a_full_line_says_when_to_come_again(served: Gateway) -> None:
    body = {"model": "one", "messages": HI, "stream": True, "max_tokens": 1500, "response_format": LONG}
    gone = threading.Event()

    def hold() -> None:
        with httpx.stream("POST", f"{served.url}/v1/chat/completions", json=body, timeout=120) as stream:
            for _ in stream.iter_raw():
                if gone.is_set():
                    return

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(
        lambda: (len(served.line.running), len(served.line.waiting)) == (2, 2) or not any(t.is_alive() for t in threads)
    )
    refused = httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60)
    gone.set()
    for thread in threads:
        thread.join(60)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the process of llama.cpp by /proc")
def test_an_engine_that_dies_in_the_middle_ends_the_stream_with_an_error(
    served: Gateway, models: LlamaCppModels
) -> None:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="x", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="one", messages=HI, stream=True, max_tokens=1500, response_format=LONG
        )  # type: ignore[call-overload]
        next(iter(stream))
        [child] = children()
        os.kill(child, signal.SIGKILL)
        with pytest.raises(openai.APIError):
            list(stream)
        again = client.chat.completions.create(model="one", messages=HI, max_tokens=8)  # type: ignore[arg-type]
        assert again.usage is not None


def test_overflow_is_told_in_each_family(served: Gateway) -> None:
    long = "word " * 4000
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="x", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as error:
            client.chat.completions.create(model="one", messages=[{"role": "user", "content": long}])
        assert error.value.code == "context_length_exceeded"
        assert "2048" in str(error.value)
        with pytest.raises(openai.BadRequestError, match="maximum context length is 2048"):
            client.responses.create(model="one", input=long)
    with (
        anthropic.Anthropic(base_url=served.url, api_key="x", max_retries=0) as claude,
        pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > 2048 maximum"),
    ):
        claude.messages.create(model="one", max_tokens=9, messages=[{"role": "user", "content": long}])
    with ollama.Client(host=served.url) as llama, pytest.raises(ollama.ResponseError, match="maximum context length"):
        llama.chat(model="one", messages=[{"role": "user", "content": long}])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "field", "more"),
    [
        ("/v1/chat/completions", "messages", {"max_tokens": 8}),
        ("/v1/responses", "input", {"max_output_tokens": 8}),
        ("/v1/messages", "messages", {"max_tokens": 8}),
        ("/api/chat", "messages", {"options": {"num_predict": 8}}),
    ],
)
def test_a_declared_cut_is_said_in_each_family(
    served: Gateway, path: str, field: str, more: dict[str, object], *, stream: bool
) -> None:
    turns = [{"role": role, "content": "word " * 600} for _ in range(3) for role in ("user", "assistant")]
    body = {"model": "one", field: [*turns, *HI], "truncation": "auto", "stream": stream, **more}
    reply = httpx.post(f"{served.url}{path}", json=body, timeout=60)
    before, after = map(int, reply.headers["x-bridge-cut"].split("/"))
    assert after < 2048 < before
    assert f'"tokens_after":{after}' in reply.text


def test_the_count_of_tokens_is_the_engines_own(served: Gateway) -> None:
    body = {"model": "one", "messages": HI, "max_tokens": 8}
    counted = httpx.post(f"{served.url}/v1/chat/completions/input_tokens", json=body, timeout=60).json()["input_tokens"]
    used = httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60).json()["usage"]["prompt_tokens"]
    assert counted == used
