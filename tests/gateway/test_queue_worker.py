"""`bridge serve` as a real process: a live answer, a background one by its own worker, and the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.support.patience import until
from tests.support.queues import make_queue


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(address, process) of a gateway on the scripted engine, with a queue."""
    command = [sys.executable, "-m", "bridge", "serve", "--engine", "scripted", "--port", "0", "--json"]
    queue = make_queue(tmp_path / "q")
    with subprocess.Popen(
        [*command, "--queue", str(queue)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], process
        process.kill()


def test_it_says_at_the_start_when_its_model_does_not_fit(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs the extra [embedded]")
    (tmp_path / "qwen2.5-coder-32b-instruct-q4_k_m.gguf").write_bytes(b"GGUF")
    command = [sys.executable, "-m", "bridge", "serve", "--engine", "llamacpp", "--gguf", str(tmp_path), "--port", "0"]
    no_gpu = {**os.environ, "PATH": str(tmp_path)}  # nvidia-smi is not found
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=no_gpu, cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.kill()
    assert "qwen2.5-coder:32b with 1 lane of 8192 tokens needs about" in said
    assert "no NVIDIA GPU was found" in said


def test_its_own_worker_answers_what_is_queued(serving: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = serving
    with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        live = client.responses.create(model="auto", input="now")
        assert live.output_text == "Answer to: now"
        later = client.responses.create(model="gpt-4o", input="later", background=True)
        until(lambda: client.responses.retrieve(later.id).status == "completed")
        assert client.responses.retrieve(later.id).output_text == "Answer to: later"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) in (0, -signal.SIGTERM)
