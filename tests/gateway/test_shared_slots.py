"""`bridge serve` and `bridge work` as two processes before one engine: never more than its lanes, live requests first."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bridge import Bridge, NewJob
from bridge.engines.slot_files import SlotFiles
from tests.gateway.upstream import Says, Upstream, upstream
from tests.support.patience import until
from tests.support.queues import make_queue

LIVE = {"model": "m", "messages": [{"role": "user", "content": "live"}]}


@pytest.fixture
def api() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@contextmanager
def bridge(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-m", "bridge", *command], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def both(tmp_path: Path, api: Upstream, *, lanes: int, jobs: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(address of the gateway, the worker), before one API that has this many lanes."""
    queue = make_queue(tmp_path / "q")
    with Bridge(str(queue)) as opened:
        opened.add_many([NewJob(body=f"job {number}") for number in range(jobs)])
    engine = ("--engine", "openai", "--base-url", f"{api.url}/v1", "--parallel", str(lanes), "--model", "m")
    with (
        bridge("serve", *engine, "--port", "0", "--json", "--no-work", "--queue", str(queue)) as serving,
        bridge("work", *engine, "--queue", str(queue)) as working,
    ):
        assert serving.stdout is not None
        yield json.loads(serving.stdout.readline())["url"], working


def waiting(url: str) -> int:
    return int(httpx.get(f"{url}/health", timeout=30).json()["line"]["waiting"])


def ask(url: str) -> httpx.Response:
    return httpx.post(f"{url}/v1/chat/completions", json={**LIVE, "stream": True}, timeout=120)


def asked(api: Upstream) -> list[str]:
    return [got.body["messages"][-1]["content"] for got in api.got]


def test_live_requests_go_before_jobs_and_both_keep_to_the_lanes(tmp_path: Path, api: Upstream) -> None:
    gates = [threading.Event() for _ in range(7)]
    api.script.extend(Says(gate=gate) for gate in gates)
    with both(tmp_path, api, lanes=2, jobs=6) as (url, working), ThreadPoolExecutor(1) as pool:
        until(lambda: len(api.got) == 2)
        live = pool.submit(ask, url)
        until(lambda: waiting(url) == 1)
        gates[0].set()
        until(lambda: len(api.got) == 3)
        assert [text.startswith("job") for text in asked(api)] == [True, True, False]
        for gate in gates:
            gate.set()
        assert live.result().status_code == 200
        assert working.wait(120) == 0
    assert len(api.got) == 7
    assert api.most_at_once == 2


def test_the_slot_of_a_worker_that_is_killed_is_free(tmp_path: Path, api: Upstream) -> None:
    api.script.append(Says(gate=threading.Event()))
    with both(tmp_path, api, lanes=1, jobs=1) as (url, working), ThreadPoolExecutor(1) as pool:
        until(lambda: len(api.got) == 1)
        live = pool.submit(ask, url)
        until(lambda: waiting(url) == 1)
        working.send_signal(signal.SIGKILL)
        assert live.result().status_code == 200


def test_a_job_takes_no_slot_while_a_live_request_of_another_process_waits(tmp_path: Path) -> None:
    serving, working = (SlotFiles(tmp_path, "http://engine", lanes=2) for _ in range(2))
    held = [working.take(live=False), working.take(live=False)]
    assert None not in held
    assert serving.take(live=True) is None
    held[0].release()
    assert working.take(live=False) is None
    assert serving.take(live=True) is not None
    serving.nobody_waits()
    held[1].release()
    assert working.take(live=False) is not None


def test_engines_at_other_addresses_have_slots_of_their_own(tmp_path: Path) -> None:
    assert SlotFiles(tmp_path, "http://one", lanes=1).take(live=True) is not None
    assert SlotFiles(tmp_path, "http://two", lanes=1).take(live=True) is not None
