"""Requests that the queue answers later, and responses that are asked for again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from bridge import Bridge
from tests.gateway.conftest import Served
from tests.support.queues import ids_in, load


def answer(served: Served, text: str) -> None:
    """Some worker answers the only open job."""
    with Bridge(str(served.queue)) as queue:
        [job] = [line.id for line in queue.jobs(state="queued")]
        queue.answer(job, text)


def test_a_background_response_is_a_job_in_the_notebook(client: openai.OpenAI, served: Served) -> None:
    asked = client.responses.create(model="gpt-4o", input="Write f.", background=True)
    assert (asked.status, asked.background) == ("queued", True)
    assert len(ids_in(load(served.queue))) == 1
    assert client.responses.retrieve(asked.id).status == "queued"
    answer(served, "def f(): ...")
    found = client.responses.retrieve(asked.id)
    assert (found.status, found.output_text) == ("completed", "def f(): ...")


def test_a_background_response_can_be_waited_for_and_streamed(client: openai.OpenAI, served: Served) -> None:
    stream = client.responses.create(model="auto", input="Write f.", background=True, stream=True)
    first = next(iter(stream))
    assert first.type == "response.created"
    answer(served, "def f(): ...")
    *_, last = stream
    assert last.type == "response.completed"
    assert last.response.output_text == "def f(): ..."


def test_a_background_response_can_be_cancelled(client: openai.OpenAI, served: Served) -> None:
    asked = client.responses.create(model="auto", input="Write f.", background=True)
    assert client.responses.cancel(asked.id).status == "cancelled"
    with Bridge(str(served.queue)) as queue:
        assert [line.state.value for line in queue.jobs()] == ["cancelled"]


def test_a_chat_goes_to_the_queue_only_if_its_client_asks_for_that(client: openai.OpenAI, served: Served) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="auto", messages=[{"role": "user", "content": "Write f."}], extra_headers={"Prefer": "respond-async"}
    )
    assert raw.http_response.status_code == 202
    answer(served, "def f(): ...")
    name = raw.headers["location"].rpartition("/")[2]
    assert client.responses.retrieve(name).output_text == "def f(): ..."


def test_a_prompt_with_a_secret_is_refused_on_its_way_to_the_queue(client: openai.OpenAI, served: Served) -> None:
    secret = "AKIA" + "Z7QX2NVKB4TWMH3R"
    with pytest.raises(openai.BadRequestError, match="AWS"):
        client.responses.create(model="auto", input=f"Use {secret} to sign.", background=True)
    assert ids_in(load(served.queue)) == []


def test_a_private_request_never_becomes_a_job(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="private"):
        client.responses.create(
            model="auto", input="Write f.", background=True, extra_headers={"X-Bridge-Private": "true"}
        )


def _turn(words: int) -> dict[str, object]:
    """An agent's turn with 24 tools, as Claude Code and Qwen Code send them, and so many words."""
    parameters = {
        "type": "object",
        "properties": {f"field_{n}": {"type": "string", "description": "word " * 80} for n in range(6)},
    }
    tools = [
        {"type": "function", "function": {"name": f"tool_{n}", "description": "word " * 60, "parameters": parameters}}
        for n in range(24)
    ]
    return {"model": "auto", "messages": [{"role": "user", "content": "word " * words}], "tools": tools}  # fmt: skip


def test_an_agents_turn_of_76_kb_with_24_tools_becomes_a_cell_and_a_megabyte_does_not(served: Served) -> None:
    prefer = {"Prefer": "respond-async"}
    turn = _turn(2_000)
    assert len(json.dumps(turn)) > 76_000
    assert httpx.post(f"{served.url}/v1/chat/completions", json=turn, headers=prefer).status_code == 202
    assert len(ids_in(load(served.queue))) == 1
    cell = served.queue.read_text("utf-8")
    assert all(f"tool_{number}" in cell for number in range(24))
    refused = httpx.post(f"{served.url}/v1/chat/completions", json=_turn(200_000), headers=prefer)
    assert refused.status_code == 400
    assert "1,000,000 bytes" in refused.json()["error"]["message"]
    assert len(ids_in(load(served.queue))) == 1


def test_a_live_response_is_kept_and_gone_on_from(client: openai.OpenAI, served: Served) -> None:
    served.engine.enqueue("Blue.", "Because.")
    first = client.responses.create(model="scripted", input="Which colour?", instructions="Be brief.")
    assert client.responses.retrieve(first.id).output_text == "Blue."
    client.responses.create(model="scripted", input="Why?", instructions="Be long.", previous_response_id=first.id)
    texts = [message.text for message in served.engine.requests[-1].messages]
    assert texts == ["Be long.", "Which colour?", "Blue.", "Why?"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match="there is no response"):
        client.responses.retrieve(first.id)


def test_what_must_not_be_stored_is_not(client: openai.OpenAI) -> None:
    private = {"x-bridge-private": "true"}
    replies = [
        client.responses.create(model="scripted", input="hi", store=False),
        client.responses.create(model="scripted", input="hi", extra_headers=private),
        client.responses.create(model="scripted", input="hi", extra_body={"bridge": {"private": True}}),
    ]
    for reply in replies:
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(reply.id)


def test_an_answer_is_waited_for_as_long_as_the_client_says(client: openai.OpenAI, served: Served) -> None:
    asked = client.responses.create(model="auto", input="Write f.", background=True)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.responses.retrieve, asked.id, extra_query={"wait": "60"})
        answer(served, "def f(): ...")
        assert waiting.result().output_text == "def f(): ..."
    with pytest.raises(openai.BadRequestError, match="wait must be"):
        client.responses.retrieve(asked.id, extra_query={"wait": "long"})
