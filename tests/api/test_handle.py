"""What `add` gives: the job's id, and a handle on the job."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from bridge import Bridge, JobFailed, State, UnknownJob, WaitTimedOut
from tests.support.answers import BROKEN, GOOD

CODE = "def f(x):\n    y = x + 1\n    return y\n"


def test_a_handle_is_the_id_wherever_an_id_is_wanted(queue: Bridge):
    job = queue.add("Write f.")

    assert job == queue.get(job).id == str(job)
    assert {job: 1}[str(job)] == 1
    assert json.loads(json.dumps([job])) == [job]
    assert queue.cancel(job) == [job]


def test_a_handle_follows_its_job_to_its_file(queue: Bridge, tmp_path: Path):
    job = queue.add("Write f.", lang="python", out="f.py")
    assert (job.state, job.verdict) == (State.QUEUED, None)
    queue.answer(job, GOOD)

    assert job.result(timeout_s=60).answer == GOOD
    assert (job.state, job.verdict) == (State.DELIVERED, "clean")
    assert [change.path for change in job.plan(tmp_path)] == ["f.py"]
    assert [change.path for change in job.apply(tmp_path)] == ["f.py"]
    assert (tmp_path / "f.py").read_text() == CODE


def test_a_handle_is_found_again_by_the_start_of_its_id(queue: Bridge):
    job = queue.add("Write f.")

    assert queue.job(job[:20]) == job
    with pytest.raises(UnknownJob):
        queue.job("0" * 26)


def test_a_result_that_takes_too_long_is_a_timeout_as_python_knows_it(queue: Bridge):
    job = queue.add("Write f.")

    with pytest.raises(TimeoutError, match="not ready") as caught:
        job.result(timeout_s=0.01)

    assert isinstance(caught.value, WaitTimedOut)
    assert caught.value.exit_code == 124
    assert job.state is State.QUEUED


def test_a_job_that_ended_without_an_answer_raises_what_became_of_it(queue: Bridge):
    job = queue.add("Write f.")
    job.cancel()

    with pytest.raises(JobFailed, match=f"bridge retry {job}") as caught:
        job.result(timeout_s=60)

    assert (caught.value.job, caught.value.state) == (job, "cancelled")
    job.retry()
    assert job.state is State.QUEUED


def test_an_answer_with_errors_is_a_result(queue: Bridge):
    job = queue.add("Write f.", lang="python")
    queue.answer(job, BROKEN)

    view = job.result(timeout_s=60, max_rounds=0)

    assert (view.answer, view.verdict, view.good) == (BROKEN, "errors", False)


def test_copied_and_pickled_it_is_its_id(queue: Bridge):
    job = queue.add("Write f.")

    assert type(pickle.loads(pickle.dumps(job))) is str
    assert copy.copy(job) == job
