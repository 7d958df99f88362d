"""What an engine may answer instead of an answer, and what becomes of the job: the retry rule of each error."""

from __future__ import annotations

import pytest

from bridge import State
from bridge.core.errors import (
    BadRequest,
    ContextExceeded,
    EngineDown,
    EngineError,
    IncompleteAnswer,
    ModelMissing,
    OutOfMemory,
    Overloaded,
    RateLimited,
    Refused,
    StreamInterrupted,
)
from bridge.core.events import EventKind
from bridge.core.job import JobForm
from bridge.engines.base import Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.worker.config import End
from tests.support.harness import Harness


@pytest.mark.parametrize(
    "error",
    [
        ModelMissing("there is no such model"),  # it will not appear by asking again
        BadRequest("num_ctx must be a number"),
        Refused("no key"),
        ContextExceeded("the prompt is 17 tokens too long", over_by=17),
    ],
    ids=lambda error: error.kind,
)
def test_an_error_that_asking_again_cannot_mend_fails_the_job_at_once(harness: Harness, error: EngineError) -> None:
    [job] = harness.add("doomed")
    engine = ScriptedEngine()
    engine.enqueue(error)
    done = harness.work(engine)
    assert (done.failed, done.answered, len(engine.requests)) == (1, 0, 1)
    view = harness.view(job)
    assert view.state is State.FAILED
    assert view.error == str(error)
    assert str(error) in harness.shown()[job]  # a person reads it in the cell
    assert '"kind":"' + error.kind + '"' in harness.shown()[job].replace(" ", "")


def test_a_model_that_never_fitted_into_memory_fails_no_job_and_ends_the_worker(harness: Harness) -> None:
    jobs = harness.add("a", "b", "c")
    engine = ScriptedEngine()
    engine.enqueue(*[OutOfMemory("it does not fit")] * 10)
    done = harness.work(engine)
    assert (done.end, done.failed, done.answered) == (End.OUT_OF_MEMORY, 0, 0)
    assert len(engine.requests) <= 2  # the lane may have begun the next one
    assert [harness.view(job).state for job in jobs] == [State.QUEUED] * 3
    assert all(not harness.view(job).job.attempts for job in jobs)
    assert harness.told(EventKind.ENGINE)


def test_a_job_too_large_for_a_model_that_fits_fails_alone(harness: Harness) -> None:
    jobs = harness.add("a", "b", "c")
    engine = ScriptedEngine()
    engine.enqueue("fine", OutOfMemory("this one does not fit"), "fine again")
    done = harness.work(engine)
    assert (done.answered, done.failed) == (2, 1)
    assert sorted(harness.view(job).state.value for job in jobs) == ["failed", "succeeded", "succeeded"]


@pytest.mark.parametrize("error", [StreamInterrupted, IncompleteAnswer])
def test_a_broken_answer_costs_an_attempt_and_the_job_runs_again(harness: Harness, error: type[EngineError]) -> None:
    [job] = harness.add("shaky")
    engine = ScriptedEngine()
    engine.enqueue(error("it broke off", partial="half an ans"), "whole")
    done = harness.work(engine)
    assert (done.answered, done.failed, done.retried) == (1, 0, 1)
    view = harness.view(job)
    assert (view.state, view.answer) == (State.SUCCEEDED, "whole")
    assert [(a.status.value, a.error) for a in view.job.attempts] == [("failed", "it broke off")]
    assert harness.told(EventKind.RETRIED)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_job_is_given_up_after_so_many_attempts(harness: Harness, limit: int) -> None:
    harness.path.parent.parent.joinpath("bridge.toml").write_text(f"max_attempts = {limit}\n")
    [job] = harness.add("hopeless")
    engine = ScriptedEngine()
    engine.enqueue(*[StreamInterrupted("again")] * 10)
    done = harness.work(engine)
    assert len(engine.requests) == limit
    assert (done.failed, done.retried) == (1, limit - 1)
    assert harness.view(job).state is State.FAILED
    assert "again" in harness.shown()[job]


def test_attempts_burnt_by_an_earlier_worker_count(harness: Harness) -> None:
    [job] = harness.add("hopeless")
    for _ in range(2):
        engine = ScriptedEngine()
        engine.enqueue(*[StreamInterrupted("again")] * 10)
        worker = harness.worker(engine)
        _stop_after(worker, engine, 1)
        worker.run()
    engine = ScriptedEngine()
    engine.enqueue(*[StreamInterrupted("again")] * 10)
    harness.work(engine)
    assert len(engine.requests) == 1
    assert harness.view(job).state is State.FAILED


def test_before_it_asks_again_it_waits_as_the_rule_says_and_other_jobs_go_on(harness: Harness) -> None:
    harness.add("shaky", "steady 1", "steady 2")
    seen: list[tuple[str, float]] = []

    def answer(request: Request) -> str:
        seen.append((request.text, harness.clock.seconds))
        return "yes"

    engine = ScriptedEngine(answer)
    engine.enqueue(StreamInterrupted("broke off"))
    harness.work(engine)
    assert [text for text, _ in seen] == ["steady 1", "steady 2", "shaky"]
    assert seen[-1][1] >= 1.0


@pytest.mark.parametrize(
    ("error", "at_least_s"),
    [
        (EngineDown("nobody listens"), 2.0),
        (Overloaded("busy"), 2.0),
        (RateLimited("slow down"), 10.0),  # it did not say how long
        (RateLimited("slow down", retry_after_s=77.0), 77.0),  # it did
    ],
    ids=["down", "overloaded", "limited", "limited 77"],
)
def test_an_error_that_is_not_the_jobs_burns_nothing_and_waits(
    harness: Harness, error: EngineError, at_least_s: float
) -> None:
    [job] = harness.add("patient")
    engine = ScriptedEngine()
    engine.enqueue(*[error] * 5, "at last")
    done = harness.work(engine)
    assert (done.answered, done.failed) == (1, 0)
    view = harness.view(job)
    assert view.answer == "at last"
    assert view.job.attempts == ()  # more failures than max_attempts, none burnt
    assert harness.clock.seconds >= 5 * at_least_s
    assert harness.told(EventKind.ENGINE)


def test_an_answer_cut_at_the_token_limit_is_kept_and_marked(harness: Harness) -> None:
    [job] = harness.add("long")
    done = harness.work(ScriptedEngine(lambda _: "word " * 100), max_tokens=5)
    assert (done.answered, done.truncated) == (1, 1)
    view = harness.view(job)
    assert view.state is State.TRUNCATED
    assert view.answer == ("word " * 4)
    assert view.result is not None
    assert view.result.finish_reason == "length"


def test_a_prompt_longer_than_the_context_says_by_how_much(harness: Harness) -> None:
    [job] = harness.add("x" * 4000)  # 1000 tokens
    engine = ScriptedEngine()
    harness.work(engine, num_ctx=600)
    assert harness.view(job).state is State.FAILED
    assert "400 tokens too long" in harness.shown()[job]


@pytest.mark.parametrize(
    "body",
    [
        "this is no JSON",
        '{"role": "user"}',  # an object, not a list
        '[{"content": "no role"}]',
        "[1, 2]",
        "[]",  # nothing to answer
    ],
)
def test_a_chat_body_that_is_none_fails_the_job_and_not_the_worker(harness: Harness, body: str) -> None:
    [bad] = harness.add('[{"role": "user", "content": "to be damaged"}]', form=JobForm.CHAT)
    book = harness.queue.load()
    for cell in book["cells"]:
        if "to be damaged" in "".join(cell["source"]):
            cell["source"] = "".join(cell["source"]).split("\n", 1)[0] + "\n" + body
    harness.queue.save(book)
    [good] = harness.add("fine")
    done = harness.work(ScriptedEngine())
    assert (done.answered, done.failed) == (1, 1)
    assert harness.view(bad).state is State.FAILED
    assert harness.view(good).state is State.SUCCEEDED


def test_a_fault_in_the_engines_own_code_fails_the_job_and_not_the_lane(harness: Harness) -> None:
    [bad] = harness.add("trap", "fine")[:1]

    def answer(request: Request) -> str:
        if request.text == "trap":
            raise RuntimeError("a bug in there")
        return "yes"

    done = harness.work(ScriptedEngine(answer))
    assert (done.answered, done.failed) == (1, 1)
    assert "a bug in there" in (harness.view(bad).error or "")


def test_an_empty_answer_is_an_answer(harness: Harness) -> None:
    [job] = harness.add("say nothing")
    harness.work(ScriptedEngine(lambda _: ""))
    assert harness.view(job).state is State.SUCCEEDED


@pytest.mark.parametrize(
    "text",
    [
        "a --> in the middle",  # the end of the record's comment
        '<!-- bridge-result {"schema":1} -->\nnot a record',
        "%%qwen 01JD3K6S7M2W8Q5V4T9R0XYZAB\nno header",
        "\x00\x1b[31m control \u2028 \U0001f600",
        "ends with spaces  \n\n",
        "windows\r\nlines\rand old ones",
    ],
    ids=["comment", "record", "header", "control", "spaces", "returns"],
)
def test_an_answer_of_any_text_comes_back_as_it_was(harness: Harness, text: str) -> None:
    [job] = harness.add("odd")
    engine = ScriptedEngine()
    engine.enqueue(Scripted(text=text))
    harness.work(engine)
    assert harness.view(job).answer == text


def _stop_after(worker: object, engine: ScriptedEngine, requests: int) -> None:
    """Ask a worker to stop once so many requests have failed."""
    write = worker.claims.fail  # type: ignore[attr-defined]

    def fail(*args: object, **kwargs: object) -> object:
        if len(engine.requests) >= requests:
            worker.ask_to_stop()  # type: ignore[attr-defined]
        return write(*args, **kwargs)

    object.__setattr__(worker.claims, "fail", fail)  # type: ignore[attr-defined]
