"""A worker answers the jobs: in lanes, in order, each once, and the notebook says what came of it."""

from __future__ import annotations

import itertools
import json
import threading

import pytest

from bridge import State
from bridge.core.errors import QueueError
from bridge.engines.base import Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.worker.loop import End
from tests.support.desk import Desk
from tests.support.queues import load, save


def test_every_job_is_answered_and_its_cell_shows_the_answer(desk: Desk) -> None:
    ids = desk.add(*(f"prompt {n}" for n in range(9)))
    done = desk.work(ScriptedEngine(), lanes=3)
    assert (done.end, done.answered, done.failed, done.unpublished) == (End.EMPTY, 9, 0, None)
    assert desk.states() == {"succeeded": 9}
    shown = desk.shown()
    assert all(f"Answer to: prompt {n}" in shown[job] for n, job in enumerate(ids))


def test_a_result_says_who_answered_with_what_and_how_long_it_took(desk: Desk) -> None:
    [job] = desk.add("one")
    desk.work(ScriptedEngine())
    result = desk.view(job).result
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
def test_at_most_so_many_requests_run_at_once_as_there_are_lanes(desk: Desk, lanes: int) -> None:
    desk.add(*(f"{n}" for n in range(12)))
    engine = ScriptedEngine(delay_s=0.002)
    desk.work(engine, lanes=lanes)
    assert engine.most_at_once <= lanes
    assert desk.states() == {"succeeded": 12}


def test_all_lanes_are_at_work_at_the_same_time(desk: Desk) -> None:
    desk.add(*(f"{n}" for n in range(8)))
    engine = ScriptedEngine()
    gate = threading.Event()
    engine.enqueue(*[Scripted(gate=gate)] * 4)
    worker = desk.worker(engine, lanes=4)
    desk.hands.at(1, lambda: _wait_until(lambda: engine.at_once == 4))
    desk.hands.at(2, gate.set)
    worker.run()
    assert engine.most_at_once == 4


def test_jobs_without_a_model_get_the_workers_and_the_others_their_own(desk: Desk) -> None:
    desk.add("plain")
    desk.add("picky", model="special", temperature=0.3, max_tokens=7, stop=("END",))
    engine = ScriptedEngine(models=("scripted", "special"))
    desk.work(engine, num_ctx=2048, max_tokens=99, job_timeout_s=12.0)
    by_prompt = {request.prompt: request for request in engine.requests}
    plain, picky = by_prompt["plain"], by_prompt["picky"]
    assert (plain.model, plain.num_ctx, plain.max_tokens, plain.timeout_s) == ("scripted", 2048, 99, 12.0)
    assert (picky.model, picky.temperature, picky.max_tokens, picky.stop) == ("special", 0.3, 7, ("END",))


def test_higher_priority_goes_first_and_then_the_oldest(desk: Desk) -> None:
    desk.add("old", "middle")
    desk.add("urgent", priority=5)
    desk.add("whenever", priority=-1)
    engine = ScriptedEngine()
    desk.work(engine)
    assert [request.prompt for request in engine.requests] == ["urgent", "old", "middle", "whenever"]


def test_jobs_of_one_model_run_together_so_that_each_model_is_loaded_once(desk: Desk) -> None:
    for n in range(6):
        desk.add(f"a{n}", model="a")
        desk.add(f"b{n}", model="b")
    engine = ScriptedEngine(models=("b", "a"))  # b is the loaded one
    desk.work(engine, model="a")
    assert [request.model for request in engine.requests] == ["b"] * 6 + ["a"] * 6


def test_a_batch_of_two_models_that_takes_hours_is_not_loaded_anew_for_each_job(desk: Desk) -> None:
    for n in range(30):
        desk.add(f"a{n}", model="a")
        desk.add(f"b{n}", model="b")
    engine = ScriptedEngine(models=("a", "b"))

    def five_minutes(request: Request) -> str:
        desk.hands.seconds += 300
        return "done"

    engine._default = five_minutes
    desk.work(engine, model="a")
    models = [request.model for request in engine.requests]
    reloads = sum(x != y for x, y in itertools.pairwise(models))
    assert 1 <= reloads <= 14  # five hours, and nobody waits much more than half an hour


def test_a_chat_job_reaches_the_engine_as_messages(desk: Desk) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    desk.add(json.dumps(messages), chat=True)
    engine = ScriptedEngine()
    desk.work(engine)
    assert engine.requests[0].prompt == tuple(messages)


def test_a_second_run_asks_for_nothing_again(desk: Desk) -> None:
    desk.add("a", "b")
    desk.work(ScriptedEngine())
    engine = ScriptedEngine()
    assert desk.work(engine).answered == 0
    assert engine.requests == []


def test_an_empty_queue_ends_at_once(desk: Desk) -> None:
    assert desk.work(ScriptedEngine()).end is End.EMPTY
    assert desk.hands.seconds < 1


def test_a_queue_of_several_parts_is_worked_through(desk: Desk, tmp_path: object) -> None:
    desk.path.parent.parent.joinpath("bridge.toml").write_text("part_jobs = 5\n")
    desk.add(*(f"{n}" for n in range(17)))
    assert len(list(desk.path.parent.glob("*.ipynb"))) == 4
    desk.work(ScriptedEngine(), lanes=2)
    assert desk.states() == {"succeeded": 17}
    assert all("Answer to" in text for text in desk.shown().values())


def test_prompt_cells_that_a_person_typed_are_answered_too(desk: Desk) -> None:
    book = desk.queue.load()
    typed = {"cell_type": "code", "id": "abcd", "metadata": {}, "outputs": [], "execution_count": None,
             "source": ["%%qwen\n", "typed by hand"]}  # fmt: skip
    desk.queue.save({**book, "cells": [*book["cells"], typed]})
    engine = ScriptedEngine()
    desk.work(engine)
    assert [request.prompt for request in engine.requests] == ["typed by hand"]
    assert desk.states() == {"succeeded": 1}


def test_a_cell_with_a_broken_header_is_left_alone_and_the_others_run(desk: Desk) -> None:
    desk.add("good", "bad")
    book = desk.queue.load()
    for cell in book["cells"]:
        if "".join(cell["source"]).endswith("\nbad"):
            cell["source"] = "".join(cell["source"]).replace("\n", " --no-such-flag\n", 1)
    save(desk.path, book)
    engine = ScriptedEngine()
    assert desk.work(engine).end is End.EMPTY
    assert [request.prompt for request in engine.requests] == ["good"]
    assert desk.states() == {"succeeded": 1, "broken": 1}


def test_cancelled_jobs_are_not_asked_for(desk: Desk) -> None:
    _, job = desk.add("wanted", "taken back")
    with desk.open() as bridge:
        bridge.cancel(job)
    engine = ScriptedEngine()
    desk.work(engine)
    assert [request.prompt for request in engine.requests] == ["wanted"]


def test_a_job_that_was_put_back_gets_a_later_attempt_and_a_new_answer(desk: Desk) -> None:
    [job] = desk.add("again")
    desk.work(ScriptedEngine(lambda _: "first"))
    with desk.open() as bridge:
        bridge.retry(job)
    desk.work(ScriptedEngine(lambda _: "second"))
    view = desk.view(job)
    assert (view.state, view.answer) == (State.SUCCEEDED, "second")
    assert view.result is not None
    assert view.result.attempt > 1


def test_a_queue_that_cannot_be_read_at_the_start_is_an_error_at_once(desk: Desk) -> None:
    worker = desk.worker(ScriptedEngine())
    desk.path.write_text("{ half a notebook")
    with pytest.raises(QueueError):
        worker.run()
    assert desk.hands.seconds < 10  # what the store itself waits for it to become whole
    assert not list(desk.path.parent.glob("workers/*"))


def test_the_notebook_stays_a_valid_notebook(desk: Desk) -> None:
    import nbformat

    desk.add("a", "b")
    engine = ScriptedEngine()
    engine.enqueue(Scripted(text="fine"))
    desk.work(engine)
    nbformat.validate(nbformat.from_dict(load(desk.path)))


def _wait_until(true: object) -> None:
    step = threading.Event()
    for _ in range(500):
        if true():  # type: ignore[operator]
            return
        step.wait(0.01)
    raise AssertionError("it did not come to that within 5 s")
