"""What the gateway forgets, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openai
import pytest

from bridge import Bridge
from bridge.engines.scripted import ScriptedEngine
from tests.gateway.batching import line, upload
from tests.gateway.conftest import Served
from tests.gateway.serving import gateway
from tests.support.patience import until
from tests.support.queues import make_queue

START = datetime(2026, 1, 1, tzinfo=UTC)


class Lives:
    """A gateway that is started anew at a moment: it forgets at its start, and then every hour."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.queue = folder, make_queue(folder / "q")
        self.files = folder / "state" / "files"

    def at(self, after: timedelta) -> Iterator[tuple[openai.OpenAI, Served]]:
        """One that runs so long after the first."""
        engine = ScriptedEngine()
        with (
            gateway(engine, queue=self.queue, state=self.folder / "state", now=lambda: START + after) as made,
            openai.OpenAI(base_url=f"{made.url}/v1", api_key="x", max_retries=0) as client,
        ):
            yield client, Served(gateway=made, engine=engine, queue=self.queue)


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    """Of one state folder."""
    return Lives(tmp_path)


def test_files_and_responses_are_forgotten_after_thirty_days(lives: Lives) -> None:
    for client, _ in lives.at(timedelta()):
        file = upload(client, line("a"))
        live = client.responses.create(model="auto", input="hi")
    for client, _ in lives.at(timedelta(days=30) - timedelta(seconds=1)):
        assert client.files.retrieve(file).id == file
        assert client.responses.retrieve(live.id).id == live.id
    for client, _ in lives.at(timedelta(days=30)):
        until(lambda: list(lives.files.iterdir()) == [])
        for look in (lambda: client.files.retrieve(file), lambda: client.responses.retrieve(live.id)):  # noqa: B023
            with pytest.raises(openai.NotFoundError):
                look()


def test_a_file_says_how_long_it_is_kept(lives: Lives) -> None:
    for _client, served in lives.at(timedelta()):
        told = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
        sent = httpx.post(f"{served.url}/v1/files", data=told, files={"file": ("a.jsonl", b"{}\n")}).json()
        assert sent["expires_at"] == sent["created_at"] + 3600
        for seconds in ("3599", "2592001", "x", "9" * 5000):
            wrong = {**told, "expires_after[seconds]": seconds}
            reply = httpx.post(f"{served.url}/v1/files", data=wrong, files={"file": ("a.jsonl", b"{}\n")})
            assert reply.status_code == 400
    for client, _ in lives.at(timedelta(hours=1)):
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(sent["id"])


def test_a_queued_request_that_nobody_fetches_is_cancelled(lives: Lives) -> None:
    for client, _ in lives.at(timedelta()):
        client.responses.create(model="auto", input="hi", background=True)
    for _ in lives.at(timedelta(days=30)):
        with Bridge(str(lives.queue)) as queue:
            until(lambda: [job.state.value for job in queue.jobs()] == ["cancelled"])


def test_an_answered_job_stays_in_the_queue_when_its_response_is_forgotten(lives: Lives) -> None:
    for client, _ in lives.at(timedelta()):
        asked = client.responses.create(model="auto", input="hi", background=True)
    with Bridge(str(lives.queue)) as queue:
        [job] = queue.jobs()
        queue.answer(job.id, "yes")
    for client, _ in lives.at(timedelta(days=30)):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(asked.id)
    with Bridge(str(lives.queue)) as queue:
        assert [job.state.value for job in queue.jobs()] == ["succeeded"]
