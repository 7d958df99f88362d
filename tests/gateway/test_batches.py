"""Batches through openai-python: each line a job, whatever becomes of the gateway meanwhile."""

from __future__ import annotations

import json

import openai
import pytest

from tests.gateway.batching import answer_all, line, make, reached, results, upload
from tests.gateway.conftest import Served
from tests.support.patience import until
from tests.support.queues import ids_in, load


def test_a_batch_is_answered_by_whoever_works_on_the_queue(client: openai.OpenAI, served: Served) -> None:
    name = make(client, line("a"), line("b"), metadata={"project": "x"})
    reached(client, name, "in_progress")
    until(lambda: len(ids_in(load(served.queue))) == 2)
    answer_all(served)
    done = reached(client, name, "completed")
    assert (done.request_counts.completed, done.error_file_id) == (2, None)  # type: ignore[union-attr]
    found = results(client, done.output_file_id)
    assert found["a"]["response"]["body"]["choices"][0]["message"]["content"] == "Answer to Write f. a"
    assert found["b"]["response"]["status_code"] == 200


def test_wrong_lines_fail_the_batch_and_are_named(client: openai.OpenAI, served: Served) -> None:
    name = make(client, line("a"), line("a"), line(""), line("c", url="/v1/embeddings"), {"x": 1})
    failed = reached(client, name, "failed")
    assert failed.errors is not None
    assert [(e.line, e.code) for e in failed.errors.data or []] == [
        (2, "duplicate_custom_id"),
        (3, "missing_required_parameter"),
        (4, "mismatched_endpoint"),
        (5, "missing_required_parameter"),
    ]
    assert ids_in(load(served.queue)) == []


def test_a_cancelled_batch_keeps_what_was_answered(client: openai.OpenAI, served: Served) -> None:
    name = make(client, line("a"), line("b"))
    until(lambda: len(ids_in(load(served.queue))) == 2)
    answer_all(served, lambda prompt: "yes" if prompt.endswith("a") else None)
    assert client.batches.cancel(name).status == "cancelling"
    done = reached(client, name, "cancelled")
    assert list(results(client, done.output_file_id)) == ["a"]
    assert results(client, done.error_file_id)["b"]["error"]["code"] == "batch_cancelled"


def test_two_batches_may_share_their_ids(client: openai.OpenAI, served: Served) -> None:
    for _ in range(2):
        make(client, line("a"))
    until(lambda: len(ids_in(load(served.queue))) == 2)


def test_embeddings_run_live(client: openai.OpenAI, served: Served) -> None:
    body = {"model": "scripted", "input": "ab c"}
    row = {"custom_id": "e", "method": "POST", "url": "/v1/embeddings", "body": body}
    made = client.batches.create(input_file_id=upload(client, row), endpoint="/v1/embeddings", completion_window="24h")
    done = reached(client, made.id, "completed")
    assert results(client, done.output_file_id)["e"]["response"]["body"]["data"][0]["embedding"][0] == 4.0
    assert ids_in(load(served.queue)) == []


def test_limits_of_metadata_are_told(client: openai.OpenAI) -> None:
    name = upload(client, line("a"))
    with pytest.raises(openai.BadRequestError, match="metadata"):
        client.batches.create(
            input_file_id=name, endpoint="/v1/chat/completions", completion_window="24h", metadata={"k" * 65: "v"}
        )


def test_files_are_listed_read_and_deleted(client: openai.OpenAI) -> None:
    names = [upload(client, line(name)) for name in "abc"]
    assert {file.id for file in client.files.list(limit=2)} == set(names)  # by pages
    assert json.loads(client.files.content(names[0]).text)["custom_id"] == "a"
    client.files.delete(names[0])
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(names[0])
