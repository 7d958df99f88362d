"""`bridge serve` as a real process: a live answer, a background one by its own worker, and the end."""

from __future__ import annotations

import json
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
