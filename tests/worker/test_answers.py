"""A worker answers the jobs: in lanes, in order, each once, and the notebook says what came of it."""

from __future__ import annotations

import itertools
import json
import threading

import pytest

from bridge import State
from bridge.core.chat import ChatMessage
from bridge.core.errors import QueueError
from bridge.core.job import JobForm
from bridge.engines.base import Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.worker.loop import End
from tests.support.harness import Harness
from tests.support.queues import load, save


def test_every_job_is_answered_and_its_cell_shows_the_answer(harness: Harness) -> None:
    ids = harness.add(*(f"prompt {n}" for n in range(9)))
    done = harness.work(ScriptedEngine(), lanes=3)
    assert (done.end, done.answered, done.failed, done.unpublished) == (End.EMPTY, 9, 0, None)
    assert harness.states() == {"succeeded": 9}
    shown = harness.shown()
    assert all(f"Answer to: prompt {n}" in shown[job] for n, job in enumerate(ids))


def test_a_result_says_who_answered_with_what_and_how_long_it_took(harness: Harness) -> None:
    [job] = harness.add("one")
    harness.work(ScriptedEngine())
    result = harness.view(job).result
    assert result is not None
    assert (result.model, result.model_digest, result.finish_reason, result.attempt) == (
        "scripted",
        "0" * 64,
        "stop",
        1,
    )
    assert result.worker["engine"] == "scripted"
    assert result.usage["completion_tokens"] > 0
    assert result.timing_s["total"] >= 0


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_at_most_so_many_requests_run_at_once_as_there_are_lanes(harness: Harness, lanes: int) -> None:
    harness.add(*(f"{n}" for n in range(12)))
    engine = ScriptedEngine(delay_s=0.002)
    harness.work(engine, lanes=lanes)
    assert engine.most_at_once <= lanes
    assert harness.states() == {"succeeded": 12}


def test_all_lanes_are_at_work_at_the_same_time(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(8)))
    engine = ScriptedEngine()
    gate = threading.Event()
    engine.enqueue(*[Scripted(gate=gate)] * 4)
    worker = harness.worker(engine, lanes=4)
    harness.clock.at(1, lambda: _wait_until(lambda: engine.at_once == 4))
    harness.clock.at(2, gate.set)
    worker.run()
    assert engine.most_at_once == 4


def test_jobs_without_a_model_get_the_workers_and_the_others_their_own(harness: Harness) -> None:
    harness.add("plain")
    harness.add("picky", model="special", temperature=0.3, max_tokens=7, stop=("END",))
    engine = ScriptedEngine(models=("scripted", "special"))
    harness.work(engine, num_ctx=2048, max_tokens=99, job_timeout_s=12.0)
    by_prompt = {request.prompt: request for request in engine.requests}
    plain, picky = by_prompt["plain"], by_prompt["picky"]
    assert (plain.model, plain.num_ctx, plain.max_tokens, plain.timeout_s) == ("scripted", 2048, 99, 12.0)
    assert (picky.model, picky.temperature, picky.max_tokens, picky.stop) == ("special", 0.3, 7, ("END",))


def test_higher_priority_goes_first_and_then_the_oldest(harness: Harness) -> None:
    harness.add("old", "middle")
    harness.add("urgent", priority=5)
    harness.add("whenever", priority=-1)
    engine = ScriptedEngine()
    harness.work(engine)
    assert [request.prompt for request in engine.requests] == ["urgent", "old", "middle", "whenever"]


def test_jobs_of_one_model_run_together_so_that_each_model_is_loaded_once(harness: Harness) -> None:
    for n in range(6):
        harness.add(f"a{n}", model="a")
        harness.add(f"b{n}", model="b")
    engine = ScriptedEngine(models=("b", "a"))  # b is the loaded one
    harness.work(engine, model="a")
    assert [request.model for request in engine.requests] == ["b"] * 6 + ["a"] * 6


def test_a_batch_of_two_models_that_takes_hours_is_not_loaded_anew_for_each_job(harness: Harness) -> None:
    for n in range(30):
        harness.add(f"a{n}", model="a")
        harness.add(f"b{n}", model="b")
    engine = ScriptedEngine(models=("a", "b"))

    def five_minutes(request: Request) -> str:
        harness.clock.seconds += 300
        return "done"

    engine.default = five_minutes
    harness.work(engine, model="a")
    models = [request.model for request in engine.requests]
    reloads = sum(x != y for x, y in itertools.pairwise(models))
    assert 1 <= reloads <= 14  # five hours, and nobody waits much more than half an hour


def test_a_chat_job_reaches_the_engine_as_messages(harness: Harness) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    harness.add(json.dumps(messages), form=JobForm.CHAT)
    engine = ScriptedEngine()
    harness.work(engine)
    assert engine.requests[0].prompt == (ChatMessage.system("Be brief."), ChatMessage.user("Hello"))


def test_a_second_run_asks_for_nothing_again(harness: Harness) -> None:
    harness.add("a", "b")
    harness.work(ScriptedEngine())
    engine = ScriptedEngine()
    assert harness.work(engine).answered == 0
    assert engine.requests == []


def test_an_empty_queue_ends_at_once(harness: Harness) -> None:
    assert harness.work(ScriptedEngine()).end is End.EMPTY
    assert harness.clock.seconds < 1


def test_a_queue_of_several_parts_is_worked_through(harness: Harness, tmp_path: object) -> None:
    harness.path.parent.parent.joinpath("bridge.toml").write_text("part_jobs = 5\n")
    harness.add(*(f"{n}" for n in range(17)))
    assert len(list(harness.path.parent.glob("*.ipynb"))) == 4
    harness.work(ScriptedEngine(), lanes=2)
    assert harness.states() == {"succeeded": 17}
    assert all("Answer to" in text for text in harness.shown().values())


def test_prompt_cells_that_a_person_typed_are_answered_too(harness: Harness) -> None:
    book = harness.queue.load()
    typed = {"cell_type": "code", "id": "abcd", "metadata": {}, "outputs": [], "execution_count": None,
             "source": ["%%qwen\n", "typed by hand"]}  # fmt: skip
    harness.queue.save({**book, "cells": [*book["cells"], typed]})
    engine = ScriptedEngine()
    harness.work(engine)
    assert [request.prompt for request in engine.requests] == ["typed by hand"]
    assert harness.states() == {"succeeded": 1}


def test_a_cell_with_a_broken_header_is_left_alone_and_the_others_run(harness: Harness) -> None:
    harness.add("good", "bad")
    book = harness.queue.load()
    for cell in book["cells"]:
        if "".join(cell["source"]).endswith("\nbad"):
            cell["source"] = "".join(cell["source"]).replace("\n", " --no-such-flag\n", 1)
    save(harness.path, book)
    engine = ScriptedEngine()
    assert harness.work(engine).end is End.EMPTY
    assert [request.prompt for request in engine.requests] == ["good"]
    assert harness.states() == {"succeeded": 1, "broken": 1}


def test_cancelled_jobs_are_not_asked_for(harness: Harness) -> None:
    _, job = harness.add("wanted", "taken back")
    with harness.open() as bridge:
        bridge.cancel(job)
    engine = ScriptedEngine()
    harness.work(engine)
    assert [request.prompt for request in engine.requests] == ["wanted"]


def test_a_job_that_was_put_back_gets_a_later_attempt_and_a_new_answer(harness: Harness) -> None:
    [job] = harness.add("again")
    harness.work(ScriptedEngine(lambda _: "first"))
    with harness.open() as bridge:
        bridge.retry(job)
    harness.work(ScriptedEngine(lambda _: "second"))
    view = harness.view(job)
    assert (view.state, view.answer) == (State.SUCCEEDED, "second")
    assert view.result is not None
    assert view.result.attempt > 1


def test_a_queue_that_cannot_be_read_at_the_start_is_an_error_at_once(harness: Harness) -> None:
    worker = harness.worker(ScriptedEngine())
    harness.path.write_text("{ half a notebook")
    with pytest.raises(QueueError):
        worker.run()
    assert harness.clock.seconds < 10  # what the store itself waits for it to become whole
    assert not list(harness.path.parent.glob("workers/*"))


def test_the_notebook_stays_a_valid_notebook(harness: Harness) -> None:
    import nbformat

    harness.add("a", "b")
    engine = ScriptedEngine()
    engine.enqueue(Scripted(text="fine"))
    harness.work(engine)
    nbformat.validate(nbformat.from_dict(load(harness.path)))


def _wait_until(true: object) -> None:
    step = threading.Event()
    for _ in range(500):
        if true():  # type: ignore[operator]
            return
        step.wait(0.01)
    raise AssertionError("it did not come to that within 5 s")


def test_a_claim_that_ended_leaves_no_trace_in_the_cell(harness: Harness) -> None:
    [job] = harness.add("one")
    harness.work(ScriptedEngine())
    [cell] = [cell for cell in load(harness.path)["cells"] if cell["id"] == job]
    assert cell["outputs"]
    assert "lease" not in cell["metadata"]["bridge"]
