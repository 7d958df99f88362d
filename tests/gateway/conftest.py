"""A gateway before the scripted engine, with a queue, and OpenAI's own client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest

from bridge.engines.scripted import ScriptedEngine
from tests.cli.conftest import bridge  # noqa: F401  # a fixture
from tests.gateway.serving import Gateway, gateway
from tests.support.queues import make_queue


@dataclass
class Served:
    """A gateway that runs, and what is behind it."""

    gateway: Gateway
    engine: ScriptedEngine
    queue: Path  #: of the notebook

    @property
    def url(self) -> str:
        """Without a path."""
        return self.gateway.url


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A gateway with two lanes before a scripted engine, and a queue."""
    engine = ScriptedEngine(models=("scripted", "qwen2.5-coder:1.5b"))
    queue = make_queue(tmp_path / "q")
    with gateway(engine, default_model="scripted", queue=queue, state=tmp_path / "state") as made:
        yield Served(gateway=made, engine=engine, queue=queue)


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    """OpenAI's own client."""
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="x", max_retries=0) as made:
        yield made
