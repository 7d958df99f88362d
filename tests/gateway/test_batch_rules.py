"""The rules at the edges of batches, each of which some other server broke (facts/gateway-and-clients.md, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openai
import pytest

from bridge import Bridge
from bridge.core.job import NewJob
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway import batch_lines
from bridge.protocols import openai_batch
from tests.gateway.batching import CHAT, answer_all, asked, line, make, reached, results, upload
from tests.gateway.conftest import Served
from tests.gateway.serving import gateway
from tests.support.queues import ids_in, load, make_queue

#: (lines, the problems that fail the batch: line and code).
WRONG: dict[str, tuple[list[object], list[tuple[int, str]]]] = {
    "the same id twice": ([line("a"), line("a")], [(2, "duplicate_custom_id")]),
    "an empty id": ([line("")], [(1, "missing_required_parameter")]),
    "no id": ([{k: v for k, v in line("a").items() if k != "custom_id"}], [(1, "missing_required_parameter")]),
    "a long id": ([line("a" * 513)], [(1, "invalid_value")]),
    "another path": ([line("a"), line("b", url="/v1/embeddings")], [(2, "mismatched_endpoint")]),
    "another method": ([line("a", method="GET")], [(1, "invalid_method")]),
    "a stream": ([line("a", body={"messages": [{"role": "user", "content": "x"}], "stream": True})], [(1, "invalid_value")]),
    "no messages": ([line("a", body={})], [(1, "invalid_value")]),
    "no body": ([line("a", body=None)], [(1, "missing_required_parameter")]),
    "no JSON": ([line("a"), b"{,\n"], [(2, "invalid_json_line")]),
    "a list": ([b"[]\n"], [(1, "invalid_json_line")]),
    "no UTF-8": ([b"\xff\xfe\n"], [(1, "invalid_json_line")]),
    "nothing": ([b"\n \n"], [(1, "empty_file")]),
    "a private line": ([line("a", body={"messages": [{"role": "user", "content": "x"}], "bridge": {"private": True}})], [(1, "invalid_value")]),
    "a secret": ([line("a", "AKIA" + "Z7QX2NVKB4TWMH3R")], [(1, "secret_found")]),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_one_wrong_line_fails_the_batch_before_any_is_asked(client: openai.OpenAI, served: Served, what: str) -> None:
    lines, problems = WRONG[what]
    failed = reached(client, make(client, *lines), "failed")
    assert failed.errors is not None
    assert [(problem.line, problem.code) for problem in failed.errors.data or ()] == problems
    assert (failed.output_file_id, failed.error_file_id, failed.failed_at is None) == (None, None, False)
    assert ids_in(load(served.queue)) == []


def test_a_byte_order_mark_and_blank_lines_are_no_part_of_a_file(client: openai.OpenAI, served: Served) -> None:
    name = make(client, b"\xef\xbb\xbf", line("a"), b"\n", line("b"), b"\n", b"  ")
    assert reached(client, name, "in_progress").request_counts.total == 2  # type: ignore[union-attr]
    asked(served, 2)


def test_when_every_line_failed_the_batch_is_completed_and_has_an_error_file_alone(
    client: openai.OpenAI, served: Served
) -> None:
    name = make(client, line("a"), line("b"))
    asked(served, 2)
    with Bridge(str(served.queue)) as queue:
        queue.cancel(*[job.id for job in queue.jobs()])
    done = reached(client, name, "completed")
    assert done.output_file_id is None
    assert {row["error"]["code"] for row in results(client, done.error_file_id).values()} == {"job_cancelled"}
    assert (done.request_counts.failed, done.request_counts.completed) == (2, 0)  # type: ignore[union-attr]


def test_a_cancelled_batch_stays_cancelled_though_its_lines_were_being_read(
    client: openai.OpenAI, served: Served
) -> None:
    name = make(client, *(line(str(n)) for n in range(300)))
    client.batches.cancel(name)
    done = reached(client, name, "cancelled")
    assert done.request_counts.failed == 300  # type: ignore[union-attr]
    assert {row["error"]["code"] for row in results(client, done.error_file_id).values()} == {"batch_cancelled"}
    with pytest.raises(openai.ConflictError, match="nothing left to cancel"):
        client.batches.cancel(name)


def test_a_batch_keeps_its_input_though_the_client_deletes_the_file(client: openai.OpenAI, served: Served) -> None:
    file = upload(client, line("a"))
    made = client.batches.create(input_file_id=file, endpoint=CHAT, completion_window="24h")
    client.files.delete(file)
    asked(served, 1)
    answer_all(served)
    assert list(results(client, reached(client, made.id, "completed").output_file_id)) == ["a"]


def test_rounds_of_repair_are_no_lines_of_the_batch(client: openai.OpenAI, served: Served) -> None:
    """A watcher asks again in the name of the batch."""
    name = make(client, line("a"))
    asked(served, 1)
    with Bridge(str(served.queue)) as queue:
        [job] = queue.jobs()
        queue.add_many([NewJob(body="Again?", caller=job.caller, parent=job.id, key="repair:1")])
        queue.answer(job.id, "yes")
    done = reached(client, name, "completed")
    assert (done.request_counts.total, done.request_counts.completed) == (1, 1)  # type: ignore[union-attr]


def test_two_batches_that_share_their_ids_get_their_own_answers(client: openai.OpenAI, served: Served) -> None:
    names = [make(client, line("a", prompt)) for prompt in ("One", "Two")]
    asked(served, 2)
    answer_all(served)
    for name, prompt in zip(names, ("One", "Two"), strict=True):
        row = results(client, reached(client, name, "completed").output_file_id)["a"]
        assert row["response"]["body"]["choices"][0]["message"]["content"] == f"Answer to {prompt} a"


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {str(n): "v" for n in range(17)}},
        {"metadata": {"k" * 65: "v"}},
        {"metadata": {"k": "v" * 513}},
        {"metadata": {"k": 1}},
        {"output_expires_after": {"anchor": "created_at", "seconds": 3599}},
        {"output_expires_after": {"anchor": "created_at", "seconds": 2_592_001}},
        {"output_expires_after": {"anchor": "last_active_at", "seconds": 3600}},
        {"completion_window": "1h"},
        {"endpoint": "/v1/images"},
    ],
)
def test_what_no_batch_may_have_is_refused(client: openai.OpenAI, more: dict[str, object]) -> None:
    told = {"endpoint": CHAT, "completion_window": "24h", "input_file_id": upload(client, line("a")), **more}
    with pytest.raises(openai.BadRequestError) as error:
        client.batches.create(**told)  # type: ignore[arg-type]
    assert error.value.param in more or error.value.param == next(iter(more))


def test_a_file_that_nobody_has_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.batches.create(input_file_id="file-x", endpoint=CHAT, completion_window="24h")


def test_batches_and_files_are_listed_by_the_page(client: openai.OpenAI) -> None:
    names = [make(client, b"{}\n") for _ in range(5)]
    for name in names:
        reached(client, name, "failed")
    page = client.batches.list(limit=2)
    assert (len(page.data), page.has_more) == (2, True)
    assert {batch.id for batch in client.batches.list(limit=2)} == set(names)
    assert client.batches.list(limit=100, after=page.data[-1].id).has_more is False
    client.files.create(file=("n.txt", b"x"), purpose="user_data")
    found = [file.id for file in client.files.list(purpose="batch", limit=2, order="asc")]
    assert len(found) == 5
    for limit in (0, 101):
        with pytest.raises(openai.BadRequestError, match="limit"):
            client.batches.list(limit=limit)


def test_a_batch_has_at_most_so_many_lines(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    row = b'{"custom_id":"%d","method":"POST","url":"/v1/embeddings","body":{"input":"x"}}\n'
    with path.open("wb") as stream:
        stream.writelines(row % n for n in range(openai_batch.MOST_LINES))
    assert (found := batch_lines.judge(path, "/v1/embeddings")).problems == []
    assert found.total == openai_batch.MOST_LINES
    with path.open("ab") as stream:
        stream.write(row % openai_batch.MOST_LINES)
    [problem] = batch_lines.judge(path, "/v1/embeddings").problems
    assert (problem.code, problem.line) == ("too_many_lines", openai_batch.MOST_LINES + 1)


def test_a_line_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"custom_id": "a' + b"x" * (20 << 20) + b'"}\n[]\n')
    problems = batch_lines.judge(path, CHAT).problems
    assert [(problem.line, problem.code) for problem in problems] == [(1, "line_too_long"), (2, "invalid_json_line")]


@pytest.fixture
def timed(tmp_path: Path) -> Iterator[tuple[Served, list[datetime]]]:
    """A gateway whose clock is the test's."""
    engine, queue, at = ScriptedEngine(), make_queue(tmp_path / "q"), [datetime(2026, 1, 1, tzinfo=UTC)]
    with gateway(engine, queue=queue, state=tmp_path / "state", now=lambda: at[0]) as made:
        yield Served(gateway=made, engine=engine, queue=queue), at


def test_an_expired_batch_keeps_what_was_answered(timed: tuple[Served, list[datetime]]) -> None:
    served, at = timed
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="x") as client:
        name = make(client, line("a"), line("b"), output_expires_after={"anchor": "created_at", "seconds": 7200})
        asked(served, 2)
        answer_all(served, lambda prompt: "yes" if prompt.endswith("a") else None)
        at[0] += timedelta(hours=24)
        done = reached(client, name, "expired")
        assert list(results(client, done.output_file_id)) == ["a"]
        assert results(client, done.error_file_id)["b"]["error"]["code"] == "batch_expired"
        assert done.expired_at == int(at[0].timestamp())
        assert client.files.retrieve(done.output_file_id or "").expires_at == int(at[0].timestamp()) + 7200
    with Bridge(str(served.queue)) as queue:
        assert sorted(job.state.value for job in queue.jobs()) == ["cancelled", "succeeded"]


def test_a_batch_that_expires_before_its_first_line_was_asked_says_so_for_each(tmp_path: Path) -> None:
    at = [datetime(2026, 1, 1, tzinfo=UTC)]
    queue = make_queue(tmp_path / "q")

    def now() -> datetime:
        at[0] += timedelta(hours=12)  # each look at the clock is half a day later
        return at[0]

    with (
        gateway(ScriptedEngine(), queue=queue, state=tmp_path / "state", now=now) as made,
        openai.OpenAI(base_url=f"{made.url}/v1", api_key="x") as client,
    ):
        name = make(client, line("a"), line("b"))
        done = reached(client, name, "expired")
        assert done.output_file_id is None
    assert ids_in(load(queue)) == []


def test_answers_are_checked_if_the_batch_asks_for_it(client: openai.OpenAI, served: Served) -> None:
    name = make(client, line("good"), line("bad"), line("words"), metadata={"check": "true"})
    asked(served, 3)
    said = {
        "good": "```python\ndef f() -> int:\n    return 1\n```\n",
        "bad": "```python\ndef f(:\n    return 1\n```\n",
        "words": "There is no code in this.",
    }
    answer_all(served, lambda prompt: said[prompt.rpartition(" ")[2]])
    done = reached(client, name, "completed")
    found = results(client, done.output_file_id)
    verdicts = {name: row["response"]["body"]["bridge"]["verdict"] for name, row in found.items()}
    assert verdicts == {"good": "clean", "bad": "errors", "words": "no_code"}
    assert len(ids_in(load(served.queue))) == 3  # nothing was asked again
