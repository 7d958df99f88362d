"""A gateway on a real port of the loopback, before the scripted engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest
import uvicorn

from bridge import Bridge
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway import app
from bridge.gateway.line import Line
from bridge.gateway.live import Backend
from bridge.gateway.queued import QueueDoor
from bridge.gateway.records import Records
from bridge.gateway.slots import Slots
from tests.support.queues import make_queue


@dataclass
class Served:
    """A gateway that runs."""

    url: str
    engine: ScriptedEngine
    backend: Backend
    queue: Path  #: of the notebook


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A gateway with two lanes before a scripted engine, and a queue."""
    queue = QueueDoor(Bridge(str(make_queue(tmp_path / "q"))))
    records = Records(tmp_path / "state" / "gateway.sqlite3")
    engine = ScriptedEngine(models=("scripted", "qwen2.5-coder:1.5b"))
    slots = Slots(Line(lanes=2, longest=4, one_model=False), now_s=time.monotonic)
    backend = Backend(engine=engine, slots=slots, default_model="scripted")
    server = uvicorn.Server(
        uvicorn.Config(app(backend, queue=queue, records=records), host="127.0.0.1", port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(
        url=f"http://127.0.0.1:{port}", engine=engine, backend=backend, queue=tmp_path / "q" / "qwen_bridge.ipynb"
    )
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    """OpenAI's own client."""
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="x", max_retries=0) as made:
        yield made
