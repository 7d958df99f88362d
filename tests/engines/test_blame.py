"""Whose fault a failed request is, decided from what came before and after it."""

from __future__ import annotations

import pytest

from bridge.core.errors import BadRequest, ContextExceeded, EngineDown, EngineError, IncompleteAnswer, RateLimited
from bridge.engines.blame import JOBS_IN_A_ROW, Blame, FaultLog

OURS = BadRequest("HTTP 404")
PASSES = EngineDown("HTTP 500")


def test_several_jobs_in_a_row_make_it_the_engines_fault_however_they_fail() -> None:
    log = FaultLog()
    errors: list[EngineError] = [BadRequest("HTTP 404"), IncompleteAnswer("empty"), BadRequest("HTTP 400")]
    found = [log.failed(f"job {n}", error, ended_s=n) for n, error in enumerate(errors)]
    assert found == [Blame.UNKNOWN] * (JOBS_IN_A_ROW - 1) + [Blame.ENGINE]
    assert log.failed("job 0", OURS, ended_s=9) is Blame.ENGINE  # and it stays so, for old ones and new


def test_one_job_again_and_again_is_not_several() -> None:
    log = FaultLog()
    assert {log.failed("a", OURS, ended_s=n) for n in range(JOBS_IN_A_ROW + 1)} == {Blame.UNKNOWN}


def test_a_job_that_fails_before_and_after_another_ones_answer_is_to_blame() -> None:
    log = FaultLog()
    log.failed("a", OURS, ended_s=1)
    log.answered("b", began_s=2)
    assert log.failed("a", OURS, ended_s=3) is Blame.JOB


def test_an_answer_that_was_begun_before_the_fault_proves_nothing() -> None:
    log = FaultLog()
    log.failed("a", OURS, ended_s=5)
    log.answered("b", began_s=2)  # it took long
    assert not log.vouched(5)
    assert log.failed("a", OURS, ended_s=6) is Blame.UNKNOWN
    log.failed("c", OURS, ended_s=7)
    assert log.failed("d", OURS, ended_s=8) is Blame.ENGINE


@pytest.mark.parametrize("error", [PASSES, RateLimited("slow down")])
def test_what_passes_by_waiting_takes_more_faults_until_the_job_is_to_blame(error: EngineError) -> None:
    log, found = FaultLog(), []
    for n in range(6):
        found.append(log.failed("a", error, ended_s=2 * n))
        log.answered("b", began_s=2 * n + 1)
    assert found == [Blame.ENGINE] * 5 + [Blame.JOB]


def test_a_job_with_nothing_beside_it_is_to_blame_in_the_end() -> None:
    log = FaultLog()
    found = [log.failed("a", PASSES, ended_s=n) for n in range(11)]
    assert found == [Blame.ENGINE] * 10 + [Blame.JOB]


def test_where_all_that_is_left_fails_no_job_pays_and_it_is_hopeless_until_one_is_answered() -> None:
    log = FaultLog()
    found = [log.failed(job, OURS, ended_s=n) for n in range(11) for job in "abc"]
    assert set(found[2:]) == {Blame.ENGINE}
    assert log.is_hopeless
    log.answered("a", began_s=99)
    assert not log.is_hopeless


def test_what_is_about_the_request_alone_is_the_jobs_and_says_nothing_about_the_engine() -> None:
    log = FaultLog()
    found = [log.failed(f"job {n}", ContextExceeded("too long", over_by=1), ended_s=n) for n in range(9)]
    assert set(found) == {Blame.JOB}
    assert not log.engine_is_to_blame
