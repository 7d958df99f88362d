"""`Bridge.work`: jobs answered in this process, checked and repaired."""

from __future__ import annotations

import pytest

from bridge import Bridge, ConfigError, State
from bridge.engines.scripted import ScriptedEngine
from bridge.worker.config import End
from tests.support.answers import BROKEN, GOOD


def test_a_function_answers_every_job_whatever_model_it_asks_for(queue: Bridge):
    jobs = [queue.add("a"), queue.add("b", model="qwen2.5-coder:7b"), queue.add("c", model="auto")]

    done = queue.work(engine=str.upper)

    assert (done.answered, done.failed, done.end) == (3, 0, End.EMPTY)
    assert [queue.get(job).answer for job in jobs] == ["A", "B", "C"]


def test_a_failure_is_repaired_before_it_returns_and_nothing_is_handed_over_yet(queue: Bridge):
    engine = ScriptedEngine(models=("scripted",))
    engine.enqueue(BROKEN, GOOD)
    job = queue.add("Write f.", lang="python")

    done = queue.work(engine)

    assert (done.answered, job.verdict, job.state) == (2, "clean", State.CHECKED)


def test_what_stays_wrong_is_asked_about_no_more_often_than_was_allowed(queue: Bridge):
    job = queue.add("Write f.", lang="python")

    done = queue.work(lambda _prompt: BROKEN, max_rounds=1)

    assert (done.answered, job.verdict) == (2, "errors")


def test_without_checking_an_answer_stays_as_it_came(queue: Bridge):
    job = queue.add("Write f.", lang="python")

    queue.work(lambda _prompt: BROKEN, check=False)

    assert (job.state, job.verdict) == (State.SUCCEEDED, None)


def test_an_engine_is_taken_by_its_name_and_an_unknown_one_is_refused(queue: Bridge):
    job = queue.add("Say something.")

    assert queue.work("scripted").answered == 1
    assert (job.view().answer or "").startswith("Answer to")
    with pytest.raises(ConfigError, match="known are ollama"):
        queue.work("olama")


def test_an_engine_of_the_callers_own_is_left_open(queue: Bridge):
    engine = ScriptedEngine()
    queue.add("a")
    queue.work(engine)
    queue.add("b")

    assert queue.work(engine).answered == 1
