"""Batches as openai-python makes them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import openai
from openai.types import Batch

from bridge import Bridge
from tests.gateway.conftest import Served
from tests.support.patience import until

CHAT = "/v1/chat/completions"


def line(custom_id: str, prompt: str = "Write f.", **more: object) -> dict[str, object]:
    """A line of an input file."""
    body = {"model": "auto", "messages": [{"role": "user", "content": f"{prompt} {custom_id}"}]}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body, **more}


def upload(client: openai.OpenAI, *lines: object) -> str:
    """A file of lines; bytes are taken as they are."""
    data = b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines)
    return client.files.create(file=("in.jsonl", io.BytesIO(data)), purpose="batch").id


def make(client: openai.OpenAI, *lines: object, **more: Any) -> str:
    """A batch of these lines."""
    made = client.batches.create(input_file_id=upload(client, *lines), endpoint=CHAT, completion_window="24h", **more)
    assert made.status == "validating"
    return made.id


def reached(client: openai.OpenAI, name: str, status: str) -> Batch:
    """The batch, as soon as it has this status."""
    until(lambda: client.batches.retrieve(name).status == status)
    return client.batches.retrieve(name)


def asked(served: Served, count: int) -> None:
    """Wait until so many jobs are in the queue."""
    with Bridge(str(served.queue)) as queue:
        until(lambda: len(queue.jobs()) == count)


def answer_all(served: Served, what: Callable[[str], str | None] = lambda prompt: f"Answer to {prompt}") -> None:
    """Answer the open jobs, but those for whose prompt there is None."""
    with Bridge(str(served.queue)) as queue:
        for job in [job.id for job in queue.jobs(state="queued")]:
            text = what(queue.get(job).prompt)
            if text is not None:
                queue.answer(job, text)


def results(client: openai.OpenAI, name: str | None) -> dict[str, dict[str, Any]]:
    """{custom_id: its line} of an output or error file."""
    rows = [json.loads(row) for row in client.files.content(name or "").text.splitlines()]
    return {row["custom_id"]: row for row in rows}
