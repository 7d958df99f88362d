"""What others do to a job while a worker has it: edit, cancel, delete, take it over."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bridge import State
from bridge.engines.base import Answer, Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.worker.loop import End
from tests.support.desk import Desk


def once(act: Callable[[], object]) -> Callable[[Request], str]:
    """An engine's answer during which something happens, the first time."""
    done: list[int] = []

    def answer(request: Request) -> str:
        if not done:
            done.append(1)
            act()
        return f"Answer to: {request.text}"

    return answer


def edit(desk: Desk, old: str, new: str) -> None:
    book = desk.queue.load()
    for cell in book["cells"]:
        source = "".join(cell["source"])
        if source.startswith("%%qwen") and source.endswith("\n" + old):
            cell["source"] = source.replace("\n" + old, "\n" + new)
    desk.queue.save(book)


def test_a_job_whose_prompt_is_edited_while_it_runs_runs_again_at_once(desk: Desk) -> None:
    [job] = desk.add("old words")
    worker = desk.worker(engine := ScriptedEngine())

    def change() -> None:
        worker.store.publish()  # the claim is in the notebook when the person types
        edit(desk, "old words", "new words")

    engine._default = once(change)
    done = worker.run()
    assert done.end is End.EMPTY
    assert [request.prompt for request in engine.requests] == ["old words", "new words"]
    view = desk.view(job)
    assert (view.state, view.answer) == (State.SUCCEEDED, "Answer to: new words")
    assert "Answer to: old words" not in desk.shown()[job]
    assert desk.hands.seconds < 60  # no lease had to run out


def test_an_edit_that_is_seen_after_the_answer_was_written_runs_again_too(desk: Desk) -> None:
    [job] = desk.add("old words")
    engine = ScriptedEngine(once(lambda: edit(desk, "old words", "new words")))
    desk.work(engine)
    assert desk.view(job).answer == "Answer to: new words"


def test_a_job_that_is_cancelled_while_it_runs_keeps_its_answer_is_done_and_flagged(desk: Desk) -> None:
    [job] = desk.add("never mind")

    def cancel() -> None:
        with desk.open() as bridge:
            bridge.cancel(job)

    done = desk.work(ScriptedEngine(once(cancel)))
    assert done.answered == 1
    view = desk.view(job)
    assert (view.state, view.answer) == (State.SUCCEEDED, "Answer to: never mind")
    assert view.job.is_cancelled
    assert view.to_json()["cancelled_by"] == "tester"


def test_a_job_that_is_cancelled_while_it_stands_in_the_line_is_not_begun(desk: Desk) -> None:
    first, second = desk.add("first", "second")
    worker = desk.worker(engine := ScriptedEngine(), publish_s=1.0)
    gate = threading.Event()
    engine.enqueue(Scripted(gate=gate))

    def cancel() -> None:
        with desk.open() as bridge:
            bridge.cancel(second)
        worker.publisher.pending += 1

    desk.hands.at(5, cancel)
    desk.hands.at(30, gate.set)
    worker.run()
    assert [request.prompt for request in engine.requests] == ["first"]
    assert desk.view(second).state is State.CANCELLED
    assert desk.view(first).state is State.SUCCEEDED


def test_a_job_that_fails_after_it_was_cancelled_is_cancelled(desk: Desk) -> None:
    [job] = desk.add("x" * 400)

    def cancel() -> None:
        with desk.open() as bridge:
            bridge.cancel(job)
        raise RuntimeError("it breaks")

    desk.work(ScriptedEngine(once(cancel)))
    assert desk.view(job).state is State.CANCELLED


def test_a_cell_that_is_deleted_while_its_job_runs_keeps_the_answer_in_the_journal(desk: Desk) -> None:
    ids = desk.add("a", "b", "c")
    worker = desk.worker(engine := ScriptedEngine())

    def delete() -> None:
        worker.store.publish()
        book = desk.queue.load()
        desk.queue.save({**book, "cells": [cell for cell in book["cells"] if cell["id"] != ids[0]]})
        worker.store.publish()

    engine._default = once(delete)
    done = worker.run()
    assert done.answered == 3
    assert ids[0] not in desk.shown()
    assert desk.view(ids[0]).answer == "Answer to: a"


def test_a_person_who_types_in_the_notebook_meanwhile_loses_nothing(desk: Desk) -> None:
    desk.add(*(f"{n}" for n in range(12)))

    def type_() -> None:
        book = desk.queue.load()
        note = {"cell_type": "markdown", "id": "my-note", "metadata": {}, "source": ["Remember the milk"]}
        desk.queue.save({**book, "cells": [note, *book["cells"]]})

    desk.work(ScriptedEngine(once(type_)))
    assert any("Remember the milk" in "".join(cell["source"]) for cell in desk.queue.load()["cells"])
    assert desk.states() == {"succeeded": 12}


def test_a_stale_copy_of_the_notebook_saved_over_the_results_takes_none_away(desk: Desk) -> None:
    desk.add(*(f"{n}" for n in range(6)))
    stale = desk.path.read_bytes()  # what an open tab has
    desk.work(ScriptedEngine())
    desk.path.write_bytes(stale)
    engine = ScriptedEngine()
    done = desk.work(engine)
    assert done.answered == 0
    assert engine.requests == []
    assert all("Answer to" in text for text in desk.shown().values())


def test_the_late_result_of_an_expired_lease_is_kept_and_flagged_late(desk: Desk) -> None:
    [job] = desk.add("slow")
    slow = desk.worker(ScriptedEngine(), lease_s=900.0)
    [task] = slow.ledger.claim(1, loaded=None, held=frozenset(), now_s=desk.hands.seconds)
    desk.hands.seconds += 1000  # it has gone to sleep: no lock, no heartbeat
    watching = desk.worker(ScriptedEngine(lambda _: "in time"))
    watching.ledger.leases._first_seen[(job, slow.ledger.worker, task.attempt)] = 0.0
    watching.run()
    slow.ledger.finish(task, Answer(text="too late", finish_reason="stop", model="scripted"))
    slow.store.publish()
    view = desk.view(job)
    assert view.answer == "in time"  # the later attempt counts, now and for ever
    [kept] = [attempt for attempt in view.job.attempts if attempt.late]
    assert (kept.worker, kept.attempt, kept.answer_sha256 is not None) == (slow.ledger.worker, 1, True)
    assert {result.answer for result in view.job.results} >= {"in time"}
