"""`bridge work` and `bridge wait` where something is missing: the engine, the model, the worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.core.errors import WaitTimedOut
from bridge.core.events import Event
from tests.cli.conftest import Run
from tests.support.ollama import LoopbackOllama
from tests.support.openai import LoopbackOpenAI

NOBODY = "http://127.0.0.1:1"
BROKEN = "```python\ndef f(:\n```\n"


@pytest.fixture
def api() -> Iterator[LoopbackOpenAI]:
    with LoopbackOpenAI() as server:
        yield server


@pytest.mark.parametrize("args", [["work", "--model", "m"], ["run", "Write f", "--model", "m"]])
def test_without_an_engine_it_ends_at_once_and_says_what_to_do(queue: Run, args: list[str]) -> None:
    queue("add", "Write f")

    ended = queue(*args, "--base-url", f"{NOBODY}/v1")

    assert ended.code == 3
    assert "no engine" in ended.err
    assert "--wait-for-engine" in ended.err
    assert queue("status", "--json").json["counts"]["queued"] >= 1  # no attempt was used


def test_a_wrong_key_ends_the_worker_at_once(queue: Run) -> None:
    queue("add", "Write f")
    with LoopbackOpenAI(key="right") as server:
        ended = queue("work", "--base-url", server.url, "--model", "small")

    assert ended.code == 3
    assert "401" in ended.err


def test_requests_that_are_refused_one_after_the_other_end_the_worker_and_cost_no_attempt(
    queue: Run, api: LoopbackOpenAI
) -> None:
    jobs = queue("add", "--jsonl", "-", input='{"prompt": "x"}\n' * 5).ids
    api.broken = (403, {}, '{"error": {"message": "the key was withdrawn"}}')

    ended = queue("work", "--base-url", api.url, "--model", "small")

    assert ended.code == 3
    assert "the key was withdrawn" in ended.err
    assert len(api.requests) <= len(jobs)  # nothing was asked twice
    assert queue("status", "--json").json["counts"]["queued"] == len(jobs)


def test_one_request_that_is_refused_fails_its_job_at_once(queue: Run, api: LoopbackOpenAI) -> None:
    bad, _ = queue("add", "--jsonl", "-", input='{"prompt": "cursed"}\n{"prompt": "good"}\n').ids
    api.failing_prompts["cursed"] = (422, {}, '{"error": {"message": "no such parameter"}}')

    assert queue("work", "--base-url", api.url, "--model", "small").code == 1

    assert queue("show", bad, "--json").json["state"] == "failed"
    assert len(api.requests) == 2


def test_an_address_alone_says_which_engine_is_there(queue: Run, api: LoopbackOpenAI) -> None:
    with LoopbackOllama(models=("qwen2.5-coder:7b",)) as server:
        for url, model in ((server.url, "qwen2.5-coder:7b"), (api.url, "small")):
            [job] = queue("add", "Write f").ids
            assert queue("work", "--base-url", url, "--model", model).code == 0
            assert queue("show", job, "--json").json["model"] == model


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--engine", "ollama", "--gguf", "m.gguf"], "leave --engine out"),
        (["--engine", "scripted", "--base-url", NOBODY], "leave --engine out"),
        (["--gguf", "tiny", "--base-url", NOBODY], "give one of them"),
        (["--map", "gpt-4o"], "ASKED=MODEL"),
    ],
)
def test_options_that_contradict_each_other_are_refused(queue: Run, args: list[str], says: str) -> None:
    refused = queue("work", *args)

    assert refused.code == 2
    assert says in refused.err


def test_a_file_alone_is_answered_by_llama_cpp(queue: Run) -> None:
    pytest.importorskip("xllamacpp")
    [job] = queue("add", "Write f", "--max-tokens", "4").ids

    assert queue("work", "--gguf", "tiny").code == 0
    assert queue("show", job, "--json").json["worker"]["engine"] == "llamacpp"


def test_jobs_that_ask_for_another_providers_model_are_answered_by_the_one_it_is_mapped_to(queue: Run) -> None:
    batch = '{"prompt": "a", "model": "gpt-4o-mini"}\n{"prompt": "b", "model": "other"}\n{"prompt": "c"}\n'
    with LoopbackOllama(models=("qwen2.5-coder:7b", "other")) as server:
        first = queue("add", "--jsonl", "-", input=batch).ids
        mapped = ["--base-url", server.url, "--map", "gpt-4o-mini=qwen2.5-coder:7b", "--model", "qwen2.5-coder:7b"]
        assert queue("work", *mapped).code == 0
        second = queue("add", "--jsonl", "-", input=batch).ids
        assert queue("work", "--base-url", server.url, "--map", "*=other").code == 0
        missing = queue("work", "--base-url", server.url, "--map", "*=nowhere")

    def answered(jobs: list[str]) -> list[str]:
        return [queue("show", job, "--json").json["model"] for job in jobs]

    assert answered(first) == ["qwen2.5-coder:7b", "other", "qwen2.5-coder:7b"]
    assert answered(second) == ["other", "other", "other"]
    assert missing.code == 3
    assert "does not have nowhere" in missing.err


def test_a_wait_that_nobody_answers_says_so_and_what_to_do(queue: Run) -> None:
    [job] = queue("add", "Write f", "--lang", "python").ids
    queue("answer", job, input=BROKEN)
    heard: list[str] = []
    over = threading.Event()

    def listen(event: Event) -> None:
        heard.append(event.message)
        if "no worker alive" in event.message:
            over.set()

    with Bridge(listener=listen) as bridge, pytest.raises(WaitTimedOut):
        bridge.wait([job], give_up=over.is_set)

    assert "1 repair queued, no worker alive: `bridge work` answers it, or Run all in the notebook" in heard


def test_without_a_worker_nobody_knows_how_long_it_takes(queue: Run, tmp_path: Path) -> None:
    first, _ = queue("add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b"}\n').ids
    queue("work", "--engine", "scripted", "--map", "*=scripted", "--max-time", "1h")
    queue("retry", first)

    told = queue("status")

    assert queue("status", "--json").json["eta_s"] is None
    assert "time left: unknown" in told.out
