"""Two versions become one, and it does not matter in which order versions meet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.job import Cancellation, Job, Result, ResultStatus, Spec, State
from bridge.format.cell import CellKind
from bridge.format.codec import Part
from bridge.format.merge import job_cell, merge
from bridge.kernel import grammar
from tests.support.histories import START, deeds, happened, meaning, through_a_file

thorough = settings(deadline=None, derandomize=True, max_examples=150)
History = list[tuple[str, str, int]]


@thorough
@given(history=deeds, pick=st.integers(0, 30))
def test_merge_is_commutative_and_idempotent(history: History, pick: int) -> None:
    writers = happened(history)
    versions = [*writers.versions.values(), writers.old[pick % len(writers.old)]]
    for a in versions:
        assert meaning(merge(a, a)) == meaning(a)
        for b in versions:
            ab = merge(a, b)
            assert meaning(ab) == meaning(merge(b, a))
            assert meaning(merge(ab, b)) == meaning(ab)


@thorough
@given(history=deeds, pick=st.integers(0, 30))
def test_merge_is_associative(history: History, pick: int) -> None:
    writers = happened(history)
    a, b, c = writers.versions.values()
    old = writers.old[pick % len(writers.old)]
    for x, y, z in ((a, b, c), (b, c, a), (a, old, b), (old, c, a)):
        assert meaning(merge(merge(x, y), z)) == meaning(merge(x, merge(y, z)))


@thorough
@given(history=deeds)
def test_no_cell_is_lost_and_deletions_are_respected(history: History) -> None:
    writers = happened(history)
    a, b, c = writers.versions.values()
    final = merge(merge(a, b), c)
    assert writers.born - writers.removed <= set(final.cells)
    assert not writers.removed & set(final.cells), "no dot was given twice, so what was removed stays so"


@thorough
@given(history=deeds, pick=st.integers(0, 30))
def test_an_old_version_changes_nothing_in_what_came_of_it(history: History, pick: int) -> None:
    writers = happened(history)
    a, b, c = writers.versions.values()
    final = merge(merge(a, b), c)
    stale = writers.old[pick % len(writers.old)]
    assert set(merge(final, stale).cells) == set(final.cells)
    assert merge(final, stale).context == final.context


@thorough
@given(history=deeds)
def test_the_best_result_counts_and_all_are_kept(history: History) -> None:
    a, b, c = happened(history).versions.values()
    final = merge(merge(a, b), c)
    for element, cell in final.cells.items():
        if cell.kind is CellKind.NOTE:
            continue
        sha = grammar.prompt_sha256(cell.job.spec.body)
        shown = [v.cells[element].job for v in (a, b, c) if element in v.cells]
        known = [r for job in shown for r in job.results]
        assert {r.identity for r in cell.job.results} == {r.identity for r in known}
        counting = [r.merit for r in known if cell.job.counts(r, sha)]
        best = through_a_file(final).cells[element].job.best(sha)
        assert (best.merit if best else None) == max(counting, default=None)


def version(job: Job, context: int = 1) -> Part:
    return Part(queue_id="q1", context={"w1": context}, cells={job.id: job_cell(job, {"w1": 1})})


def a_job() -> Job:
    return Job(id="01JD3K6S7M2W8Q5V4T9R0XYZAB", spec=Spec(body="hello", position="01JD3K6S7M2W8Q5V4T9R0XYZAB"))


def done(job: Job, attempt: int = 1, status: ResultStatus = ResultStatus.SUCCEEDED, worker: str = "w") -> Result:
    return Result(
        job=job.id, attempt=attempt, status=status, finished_at=START, worker={"id": worker},
        prompt_sha256=grammar.prompt_sha256(job.spec.body), answer="" if status is ResultStatus.FAILED else worker,
    )  # fmt: skip


def test_a_version_that_has_seen_a_job_and_lacks_it_deletes_it() -> None:
    assert not merge(version(a_job()), Part(queue_id="q1", context={"w1": 1})).cells


def test_a_version_that_has_not_seen_a_job_gets_it_back() -> None:
    assert merge(version(a_job()), Part(queue_id="q1", context={"w2": 9})).cells


def test_cancelled_and_done_together_is_done_and_says_so() -> None:
    job = a_job()
    cancelled = job.evolve(cancelled=Cancellation(attempt_floor=0, at=START, by="me"))
    finished = job.evolve(results=(done(job),))
    merged = through_a_file(merge(version(cancelled), version(finished))).cells[job.id].job
    assert merged.state(merged.best(grammar.prompt_sha256("hello")), START) is State.SUCCEEDED
    assert merged.is_cancelled


@pytest.mark.parametrize(
    ("one", "two", "winner"),
    [
        ((1, ResultStatus.SUCCEEDED, "a"), (2, ResultStatus.FAILED, "b"), "a"),  # complete beats later
        ((1, ResultStatus.TRUNCATED, "a"), (2, ResultStatus.FAILED, "b"), "a"),  # cut beats none
        ((1, ResultStatus.SUCCEEDED, "a"), (2, ResultStatus.SUCCEEDED, "b"), "b"),  # later beats earlier
        ((1, ResultStatus.SUCCEEDED, "a"), (1, ResultStatus.SUCCEEDED, "b"), "b"),  # at last the worker's name
    ],
)
def test_of_two_results_one_counts_and_the_other_is_an_attempt(
    one: tuple[int, ResultStatus, str], two: tuple[int, ResultStatus, str], winner: str
) -> None:
    job = a_job()
    merged = merge(version(job.evolve(results=(done(job, *one),))), version(job.evolve(results=(done(job, *two),))))
    read = through_a_file(merged).cells[job.id].job
    best = read.best(grammar.prompt_sha256("hello"))
    assert best is not None
    assert best.worker_id == winner
    assert {best.worker_id, *(a.worker for a in read.attempts)} == {"a", "b"}


def test_a_result_of_an_older_prompt_or_a_set_aside_attempt_does_not_count() -> None:
    job = a_job()
    finished = version(job.evolve(results=(done(job),)))
    edited = job.evolve(edit=1, spec=replace(job.spec, body="hello again"))
    for newer in (edited, job.evolve(attempt_floor=1)):
        merged = merge(finished, version(newer)).cells[job.id].job
        assert merged.best(grammar.prompt_sha256(merged.spec.body)) is None
        assert merged.results, "it is kept all the same"


def test_versions_of_different_queues_are_not_merged() -> None:
    with pytest.raises(ValueError, match="different queues"):
        merge(Part(queue_id="q1"), Part(queue_id="q2"))
