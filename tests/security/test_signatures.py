"""Signed results: who answered is known to whoever has the queue's key, and nobody else can give an answer where that is required."""

from __future__ import annotations

import json
import stat
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.core.events import EventKind
from bridge.core.job import State
from bridge.format import raw_cell
from bridge.kernel import grammar, signing
from bridge.kernel.run import RunSettings
from bridge.kernel.session import Session
from bridge.setup import queue_key
from bridge.store import queue_keys
from tests.kernel.test_session import Recorder, run
from tests.support.notebooks import job_ids, notebook, prompt_cell
from tests.support.ollama import LoopbackOllama
from tests.support.queues import QUEUE_ID, Queue, make_queue

KEY = "qbk_" + "a" * 43
OTHER = "qbk_" + "b" * 43


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    for name in ("BRIDGE_QUEUE", signing.KEY_NAME, "BRIDGE_TRUST_REQUIRE_SIGNED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    queue = Queue(make_queue(tmp_path / "queue"))
    queue_keys.add(tmp_path / "state" / "queues" / QUEUE_ID, KEY)
    yield queue
    queue.close()


def answered(
    queue: Queue, job: str, text: str, *, key: str | None, attempt: int = 1, after: dict[str, object] | None = None
) -> None:
    """A worker's answer, written into the cell by hand; `after`: changes of the record after it was signed."""
    book = queue.load()
    [cell] = [c for c in book["cells"] if "".join(c["source"]).startswith(f"%%qwen {job}")]
    _, body = grammar.split_cell("".join(cell["source"]))
    record = {
        "schema": 1, "job": job, "attempt": attempt, "status": "succeeded", "finish_reason": "stop", "model": "m",
        "model_digest": None, "prompt_sha256": grammar.prompt_sha256(body), "finished_at": "2026-03-01T12:00:00.000Z",
        "usage": {"completion_tokens": 3}, "timing_s": {"total": 1.25}, "worker": {"id": "colab-1"}, "error": None,
    }  # fmt: skip
    made = grammar.render_result({**signing.signed(record, text, key), **(after or {})}, text)
    data = {"text/plain": made.splitlines(keepends=True)}
    cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
    queue.save(book)


def add(queue: Queue, *prompts: str) -> list[str]:
    bridge = queue.open()
    ids = [bridge.add(prompt) for prompt in prompts]
    queue.close()
    return ids


def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_TRUST_REQUIRE_SIGNED", "true")


def test_a_signed_answer_is_shown_as_such_and_an_unsigned_one_too(queue: Queue) -> None:
    signed, unsigned, foreign = add(queue, "one", "two", "three")
    answered(queue, signed, "A", key=KEY)
    answered(queue, unsigned, "B", key=None)
    answered(queue, foreign, "C", key=OTHER)
    bridge = queue.open()

    assert [bridge.get(job).signature for job in (signed, unsigned, foreign)] == ["signed", "unsigned", "unknown key"]
    assert bridge.status().unsigned == 2
    signers = {line.id: line.signer for line in bridge.jobs()}
    assert signers == {signed: signing.key_id(KEY), unsigned: None, foreign: signing.key_id(OTHER)}


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "another"},
        {"attempt": 2},
        {"usage": {"completion_tokens": 4}},
        {"timing_s": {"total": 9.0}},
        {"worker": {"id": "somebody"}},
        {"finished_at": "2026-03-01T12:00:01.000Z"},
        {"status": "truncated"},
        {"signature": f"{signing.key_id(KEY)}:{'0' * 64}"},
    ],
)
def test_a_record_that_was_changed_after_it_was_signed_never_counts(queue: Queue, changes: dict[str, object]) -> None:
    [job] = add(queue, "one")
    answered(queue, job, "A", key=KEY, after=changes)
    bridge = queue.open()

    assert bridge.get(job).state is State.QUEUED
    assert queue.told(EventKind.NOT_SIGNED) == ["1 answer set aside: not signed with a key of this queue"]


def test_a_signed_answer_put_under_another_job_or_another_text_does_not_count(queue: Queue) -> None:
    one, two = add(queue, "same", "same")
    answered(queue, one, "A", key=KEY)
    book = queue.load()
    cells = {
        job: next(c for c in book["cells"] if "".join(c["source"]).startswith(f"%%qwen {job}")) for job in (one, two)
    }
    text = "".join(cells[one]["outputs"][0]["data"]["text/plain"])
    record, _ = grammar.parse_result(text)
    cells[two]["outputs"] = [
        {**cells[one]["outputs"][0], "data": {"text/plain": grammar.render_result({**record, "job": two}, "A")}}
    ]
    cells[one]["outputs"][0]["data"]["text/plain"] = grammar.render_result(record, "B")
    queue.save(book)
    bridge = queue.open()

    assert {line.state for line in bridge.jobs()} == {State.QUEUED}


def test_required_only_signed_answers_count_and_the_job_waits_again(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed, unsigned, foreign = add(queue, "one", "two", "three")
    answered(queue, signed, "A", key=KEY)
    answered(queue, unsigned, "B", key=None)
    answered(queue, foreign, "C", key=OTHER)
    required(monkeypatch)
    bridge = queue.open()

    assert [bridge.get(job).state for job in (signed, unsigned, foreign)] == [
        State.SUCCEEDED,
        State.QUEUED,
        State.QUEUED,
    ]
    [listed] = bridge.get(unsigned).job.attempts
    assert (listed.attempt, listed.error) == (1, "does not count: unsigned")
    bridge.store.publish()
    queue.close()
    answered(queue, unsigned, "B2", key=KEY, attempt=2)
    bridge = queue.open()
    assert (bridge.get(unsigned).answer, bridge.get(unsigned).signature) == ("B2", "signed")


@pytest.mark.parametrize("first", ["signed", "unsigned"])
def test_a_merge_prefers_the_signed_answer_also_to_a_later_attempt(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    required(monkeypatch)
    [job] = add(queue, "one")
    answers = [("A", KEY, 1), ("evil", None, 900_000)]
    for text, key, attempt in answers if first == "signed" else reversed(answers):
        answered(queue, job, text, key=key, attempt=attempt)
        bridge = queue.open()
        bridge.store.publish()
        queue.close()
    bridge = queue.open()
    assert bridge.get(job).answer == "A"
    assert "evil" not in queue.path.read_text(), "the notebook shows the answer that counts"


def test_an_answer_that_was_taken_in_before_signatures_were_required_waits_again_unless_it_was_handed_over(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, open_ = add(queue, "one", "two")
    answered(queue, kept, "A", key=None)
    bridge = queue.open()
    bridge.wait([kept], timeout_s=60)
    queue.close()
    answered(queue, open_, "B", key=None)
    bridge = queue.open()
    assert bridge.get(open_).state is State.SUCCEEDED
    queue.close()
    required(monkeypatch)
    bridge = queue.open()
    assert [bridge.get(job).state for job in (kept, open_)] == [State.DELIVERED, State.QUEUED]


def test_a_new_key_signs_and_the_old_one_counts_until_it_is_forgotten(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = add(queue, "one", "two")
    answered(queue, old, "A", key=KEY)
    rotated = queue_key.rotate(str(queue.path))
    assert rotated.ids[1:] == (signing.key_id(KEY),)
    answered(queue, new, "B", key=rotated.secret)
    required(monkeypatch)
    bridge = queue.open()
    assert [bridge.get(job).signature for job in (old, new)] == ["signed", "signed"]
    queue.close()
    queue_key.forget(str(queue.path), signing.key_id(KEY))
    bridge = queue.open()
    assert [bridge.get(job).state for job in (old, new)] == [State.QUEUED, State.SUCCEEDED]


def test_answers_given_on_this_machine_are_signed(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    required(monkeypatch)
    [job] = add(queue, "one")
    bridge = queue.open()
    bridge.answer(job, "by hand")
    assert (bridge.get(job).answer, bridge.get(job).signature) == ("by hand", "signed")
    assert raw_cell.is_result("".join(queue.load()["cells"][-1]["outputs"][0]["data"]["text/plain"]))


def test_the_key_is_for_its_owner_alone_and_nobody_shows_it(queue: Queue) -> None:
    [file] = queue.path.parent.parent.glob("state/queues/*/keys.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 or sys.platform == "win32"
    bridge = queue.open()
    assert KEY not in repr(bridge.store.keys) + repr(queue_key.facts(str(queue.path))) + queue.path.read_text()


def test_signatures_are_not_required_where_there_is_no_key_to_tell_them_by(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_key.forget(str(queue.path), signing.key_id(KEY))
    required(monkeypatch)
    with pytest.raises(Exception, match="bridge key --add"):
        queue.open()
    queue_key.add(str(queue.path), KEY)
    queue.open()


def colab(monkeypatch: pytest.MonkeyPatch, **secrets: str) -> None:
    """A Colab kernel's way to its secrets; one that is not there raises."""
    userdata = types.SimpleNamespace(get=lambda name: secrets[name])
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(userdata=userdata))


@pytest.mark.parametrize("way", ["secret", "environment", "none"])
def test_a_kernel_signs_with_the_key_that_it_was_given(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.delenv(signing.KEY_NAME, raising=False)
    colab(monkeypatch, **({signing.KEY_NAME: f" {KEY}\n"} if way == "secret" else {}))
    if way == "environment":
        monkeypatch.setenv(signing.KEY_NAME, KEY)
    cell = prompt_cell(job_ids(1)[0], "a prompt")
    with LoopbackOllama(answer=lambda _prompt: "an answer") as server:
        session = Session(RunSettings(host=server.url, model="qwen2.5-coder:7b"), notebook=lambda: notebook(cell))
        record, _ = grammar.parse_result(run(session, cell))
    if way == "none":
        assert "signature" not in record
    else:
        assert signing.is_signed_by(record, KEY)
        assert not signing.is_signed_by(record, OTHER)
        assert KEY not in json.dumps(record)


def test_what_a_kernel_signed_is_signed_to_the_queue_as_well(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    [job] = add(queue, "a prompt")
    monkeypatch.setenv(signing.KEY_NAME, KEY)
    book = queue.load()
    [cell] = [c for c in book["cells"] if "".join(c["source"]).startswith("%%qwen")]
    with LoopbackOllama(answer=lambda _prompt: "näive ✓ <b>answer</b>") as server:
        session = Session(RunSettings(host=server.url, model="qwen2.5-coder:7b"), notebook=lambda: book)
        screen = Recorder()
        session.run_cell(*grammar.split_cell("".join(cell["source"])), screen)
    cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/plain": screen.last}}]
    queue.save(book)
    required(monkeypatch)
    bridge = queue.open()
    bridge.store.publish()
    queue.close()
    again = queue.open()  # as this side wrote it
    assert (again.get(job).state, again.get(job).signature) == (State.SUCCEEDED, "signed")
