"""What others do to a job while a worker has it: edit, cancel, delete, take it over."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bridge import State
from bridge.core.chat import FinishReason
from bridge.engines.base import Answer, Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.worker.loop import End
from tests.support.harness import Harness


def once(act: Callable[[], object]) -> Callable[[Request], str]:
    """An engine's answer during which something happens, the first time."""
    done: list[int] = []

    def answer(request: Request) -> str:
        if not done:
            done.append(1)
            act()
        return f"Answer to: {request.text}"

    return answer


def edit(harness: Harness, old: str, new: str) -> None:
    book = harness.queue.load()
    for cell in book["cells"]:
        source = "".join(cell["source"])
        if source.startswith("%%qwen") and source.endswith("\n" + old):
            cell["source"] = source.replace("\n" + old, "\n" + new)
    harness.queue.save(book)


def test_a_job_whose_prompt_is_edited_while_it_runs_runs_again_at_once(harness: Harness) -> None:
    [job] = harness.add("old words")
    worker = harness.worker(engine := ScriptedEngine())

    def change() -> None:
        worker.store.publish()  # the claim is in the notebook when the person types
        edit(harness, "old words", "new words")

    engine.default = once(change)
    done = worker.run()
    assert done.end is End.EMPTY
    assert [request.prompt for request in engine.requests] == ["old words", "new words"]
    view = harness.view(job)
    assert (view.state, view.answer) == (State.SUCCEEDED, "Answer to: new words")
    assert "Answer to: old words" not in harness.shown()[job]
    assert harness.clock.seconds < 60  # no lease had to run out


def test_an_edit_that_is_seen_after_the_answer_was_written_runs_again_too(harness: Harness) -> None:
    [job] = harness.add("old words")
    engine = ScriptedEngine(once(lambda: edit(harness, "old words", "new words")))
    harness.work(engine)
    assert harness.view(job).answer == "Answer to: new words"


def test_a_job_that_is_cancelled_while_it_runs_keeps_its_answer_is_done_and_flagged(harness: Harness) -> None:
    [job] = harness.add("never mind")

    def cancel() -> None:
        with harness.open() as bridge:
            bridge.cancel(job)

    done = harness.work(ScriptedEngine(once(cancel)))
    assert done.answered == 1
    view = harness.view(job)
    assert (view.state, view.answer) == (State.SUCCEEDED, "Answer to: never mind")
    assert view.job.is_cancelled
    assert view.to_json()["cancelled_by"] == "tester"


def test_a_job_that_is_cancelled_while_it_stands_in_the_line_is_not_begun(harness: Harness) -> None:
    first, second = harness.add("first", "second")
    worker = harness.worker(engine := ScriptedEngine(), publish_s=1.0)
    gate = threading.Event()
    engine.enqueue(Scripted(gate=gate))

    def cancel() -> None:
        with harness.open() as bridge:
            bridge.cancel(second)
        worker.publisher.pending += 1

    harness.clock.at(5, cancel)
    harness.clock.at(30, gate.set)
    worker.run()
    assert [request.prompt for request in engine.requests] == ["first"]
    assert harness.view(second).state is State.CANCELLED
    assert harness.view(first).state is State.SUCCEEDED


def test_a_job_that_fails_after_it_was_cancelled_is_cancelled(harness: Harness) -> None:
    [job] = harness.add("x" * 400)

    def cancel() -> None:
        with harness.open() as bridge:
            bridge.cancel(job)
        raise RuntimeError("it breaks")

    harness.work(ScriptedEngine(once(cancel)))
    assert harness.view(job).state is State.CANCELLED


def test_a_cell_that_is_deleted_while_its_job_runs_keeps_the_answer_in_the_journal(harness: Harness) -> None:
    ids = harness.add("a", "b", "c")
    worker = harness.worker(engine := ScriptedEngine())

    def delete() -> None:
        worker.store.publish()
        book = harness.queue.load()
        harness.queue.save({**book, "cells": [cell for cell in book["cells"] if cell["id"] != ids[0]]})
        worker.store.publish()

    engine.default = once(delete)
    done = worker.run()
    assert done.answered == 3
    assert ids[0] not in harness.shown()
    assert harness.view(ids[0]).answer == "Answer to: a"


def test_a_person_who_types_in_the_notebook_meanwhile_loses_nothing(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(12)))

    def type_() -> None:
        book = harness.queue.load()
        note = {"cell_type": "markdown", "id": "my-note", "metadata": {}, "source": ["Remember the milk"]}
        harness.queue.save({**book, "cells": [note, *book["cells"]]})

    harness.work(ScriptedEngine(once(type_)))
    assert any("Remember the milk" in "".join(cell["source"]) for cell in harness.queue.load()["cells"])
    assert harness.states() == {"succeeded": 12}


def test_a_stale_copy_of_the_notebook_saved_over_the_results_takes_none_away(harness: Harness) -> None:
    harness.add(*(f"{n}" for n in range(6)))
    stale = harness.path.read_bytes()  # what an open tab has
    harness.work(ScriptedEngine())
    harness.path.write_bytes(stale)
    engine = ScriptedEngine()
    done = harness.work(engine)
    assert done.answered == 0
    assert engine.requests == []
    assert all("Answer to" in text for text in harness.shown().values())


def test_the_late_result_of_an_expired_lease_is_kept_and_flagged_late(harness: Harness) -> None:
    [job] = harness.add("slow")
    slow = harness.worker(ScriptedEngine(), lease_s=900.0)
    [task] = slow.claims.claim(1, loaded=None, held=frozenset(), now_s=harness.clock.seconds)
    harness.clock.seconds += 1000  # it has gone to sleep: no lock, no heartbeat
    watching = harness.worker(ScriptedEngine(lambda _: "in time"))
    assert watching.claims.leases.holds(job, slow.claims.worker, task.attempt, 0.0)  # it was seen 1,000 s ago
    watching.run()
    slow.claims.finish(task, Answer(text="too late", finish_reason=FinishReason.STOP, model="scripted"))
    slow.store.publish()
    view = harness.view(job)
    assert view.answer == "in time"  # the later attempt counts, now and for ever
    [kept] = [attempt for attempt in view.job.attempts if attempt.late]
    assert (kept.worker, kept.attempt, kept.answer_sha256 is not None) == (slow.claims.worker, 1, True)
    assert {result.answer for result in view.job.results} >= {"in time"}
