from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

from bridge.api.status import WorkerLine
from bridge.core.job import NewJob, Options
from bridge.ui.report import Facts, JobFacts, gather
from bridge.ui.report import facts_of as facts_of_job
from tests.support.answers import BROKEN, GOOD, cut, fail, give, rounds
from tests.support.overviews import overview
from tests.support.queues import Queue, make_queue
from tests.support.reports import NOW, job, told

PAGE = (Path(__file__).parents[3] / "docs" / "report.md").read_text(encoding="utf-8")


def facts_of(queue: Queue) -> Facts:
    bridge = queue.open()
    views = bridge.views([line.id for line in bridge.jobs()])
    return gather(
        map(facts_of_job, views), queue=str(queue.path), queue_id="q", at=bridge.store.clock.now(), chosen="all jobs"
    )


def test_the_facts_of_a_queue_are_those_of_its_jobs(tmp_path: Path):
    queue = Queue(make_queue(tmp_path))
    bridge = queue.open()
    jobs = [
        added.id
        for added in bridge.add_many(
            [NewJob(body=f"Write {n}.", options=Options(lang="python"), caller="me") for n in range(6)]
        )
    ]
    queue.hand.moment += timedelta(seconds=30)
    good, broken, cut_, failed, waits, unchecked = jobs
    timing = {
        "timing_s": {"total": 10.0, "answer": 8.0},
        "usage": {"completion_tokens": 160, "prompt_tokens": 9},
        "model": "m",
    }
    give(bridge, good, GOOD, **timing)
    give(bridge, broken, BROKEN, **timing)
    cut(bridge, cut_)
    fail(bridge, failed, "out of memory")
    queue.hand.moment += timedelta(seconds=5)
    bridge.wait([good, broken, failed], max_rounds=0)
    give(bridge, unchecked, GOOD)

    facts = facts_of(queue)

    by_id = {fact.id: fact for fact in facts.jobs}
    assert [fact.id for fact in facts.jobs] == jobs
    assert facts.outcomes == {"clean": 1, "errors": 1, "failed": 1, "queued": 1, "succeeded": 1, "truncated": 1}
    assert facts.verdicts == {"clean": 1, "errors": 1}
    assert facts.diagnostics["blocking"] == 1
    assert [(pace.name, pace.jobs, pace.tokens_per_s) for pace in facts.models] == [("m", 2, 20.0)]
    assert facts.until_answered is not None
    assert (facts.until_answered.median_s, facts.until_answered.jobs) == (30.0, 5)
    assert facts.until_checked is not None
    assert (facts.until_checked.median_s, facts.until_checked.jobs) == (5.0, 2)
    assert (by_id[good].delivered_to, by_id[failed].error, by_id[waits].answer) == ("wait", "out of memory", None)
    assert by_id[unchecked].files[0].status is None  # nobody checked it, and nothing says so
    [finding] = [found for found in by_id[broken].diagnostics if found.blocking]
    assert finding.block == by_id[broken].files[0].block
    json.dumps(facts.to_json())
    queue.close()


def test_a_job_in_the_archive_keeps_its_verdict_and_its_times(tmp_path: Path):
    """Also where the journal was made anew from the notebooks."""
    queue = Queue(make_queue(tmp_path))
    bridge = queue.open()
    done = bridge.add("Write f.", lang="python")
    give(bridge, done, GOOD)
    bridge.wait([done])
    bridge.archive(done)
    queue.close()
    from bridge.api.rebuild import rebuild

    rebuild(str(queue.path), journal=True)

    [fact] = facts_of(queue).jobs
    assert (fact.state, fact.verdict, fact.outcome, fact.delivered_to) == ("archived", "clean", "clean", "wait")
    assert fact.checked_at is not None
    queue.close()


def test_rounds_of_repair_are_told_with_the_job_they_mend(tmp_path: Path):
    queue = Queue(make_queue(tmp_path))
    bridge = queue.open()
    broken = bridge.add("Write f.", lang="python")
    give(bridge, broken, BROKEN)

    def answer_rounds() -> bool:
        for child in rounds(bridge, broken):
            if bridge.get(child).answer is None:
                give(bridge, child, GOOD)
        return False

    bridge.wait([broken], max_rounds=1, give_up=answer_rounds)

    facts = facts_of(queue)

    first, child = sorted(facts.jobs, key=lambda fact: fact.round)
    assert (first.verdict, first.rounds, first.repaired, child.parent, child.round) == ("clean", 1, True, broken, 1)
    assert facts.outcomes == {"clean": 1, "round": 1}  # the round was checked with its job, and is not "not checked"
    assert (facts.repair_rounds, facts.repaired) == (1, 1)
    queue.close()


def test_clocks_that_disagree_give_no_negative_times():
    facts = told(job(created_at=NOW, answered_at=NOW - timedelta(hours=1)))

    assert facts.until_answered is not None
    assert facts.until_answered.median_s == 0.0


def test_the_page_of_documents_tells_every_field_and_no_other():
    first, _, second = PAGE.partition("## The terminal")

    def names(text: str) -> set[str]:
        return {n for row in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE) for n in re.findall(r"`(\w+)`", row)}

    of_a_job = first.partition("Of a job: ")[2]
    assert names(first) - {"failed", "round"} == {field.name for field in fields(Facts)} == told().to_json().keys()
    assert set(re.findall(r"`(\w+)`", of_a_job)) - {"status"} == {field.name for field in fields(JobFacts)}
    assert names(second) == overview().to_json().keys()
    assert all(f"`{field.name}`" in second for field in fields(WorkerLine))
