from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, State, wiring
from bridge.checking import Level, Toolchain
from bridge.checking.checkers.base import CheckContext, CheckOutcome, CheckStep, Source
from bridge.core.clock import Clock
from bridge.core.events import EventKind
from bridge.core.job import JobForm
from bridge.delivery.review import Reviewer
from bridge.store import review_state
from tests.support.answers import BROKEN, CUT, GOOD, REST, WORSE, cut, fail, give, rounds
from tests.support.patience import LONG_S
from tests.support.queues import Queue

Reviewers = Callable[..., Reviewer]


def payload(bridge: Bridge, job: str) -> dict[str, Any]:
    view = bridge.get(job)
    assert view.payload is not None
    return view.payload.to_json()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (GOOD, "clean"),
        ("There is nothing to write.", "no_code"),
        ("", "no_code"),  # an engine may answer nothing at all
        (
            "```python\nx = '\ud800'\n```\n",
            "errors",
        ),  # a lone surrogate, which no file can hold, goes through journal and payload
    ],
)
def test_an_answer_is_checked_once(bridge: Bridge, reviewer: Reviewer, queue: Queue, answer: str, verdict: str):
    job = give(bridge, bridge.add("Write f."), answer)

    assert reviewer.settle() == [job]
    assert reviewer.settle() == []
    assert (bridge.get(job).state, bridge.get(job).verdict) == (State.CHECKED, verdict)
    assert len(queue.told(EventKind.CHECKED)) == 1


def test_two_reviewers_write_down_one_end(bridge: Bridge, queue: Queue, reviewer_of: Reviewers):
    job = give(bridge, bridge.add("Write f."), GOOD)
    first, second = reviewer_of(bridge), reviewer_of(queue.open())
    looked: list[list[str]] = []

    def meanwhile() -> datetime:
        """The other reviewer settles the same answer when the first one has checked it and looks at the clock."""
        if not looked:
            looked.append([])
            looked[0] += second.settle()
        return queue.hand.moment

    first.store.clock = Clock(now=meanwhile, sleep=queue.hand.sleep)

    assert first.settle() == []
    assert looked == [[job]]
    assert len(queue.told(EventKind.CHECKED)) == 1


def test_two_reviewers_ask_for_one_round_of_repair(bridge: Bridge, queue: Queue, reviewer_of: Reviewers):
    job = give(bridge, bridge.add("Write f."), BROKEN)

    assert [reviewer_of(bridge).settle(), reviewer_of(queue.open()).settle()] == [[], []]
    assert len(rounds(bridge, job)) == 1


def test_a_broken_answer_becomes_a_child_job_whose_reply_is_taken_if_it_is_better(bridge: Bridge, reviewer: Reviewer):
    job = give(bridge, bridge.add("Write f.", lang="python", caller="me", model="m:1"), BROKEN)
    reviewer.settle()
    [child] = rounds(bridge, job)
    asked = bridge.get(child)

    assert bridge.get(job).state is State.SUCCEEDED  # not checked to its end yet
    assert "Undefined name `z`" in asked.prompt
    assert "Write f." in asked.prompt
    spec = asked.job.spec
    assert (spec.round, spec.caller, spec.options.lang, spec.options.model) == (1, "me", "python", "m:1")

    give(bridge, child, GOOD)

    assert reviewer.settle() == [job]
    what = payload(bridge, job)
    assert (what["verdict"], what["answer"], what["rounds"], what["repaired"], what["stop"]) == (
        "clean", GOOD, 1, True, "clean",
    )  # fmt: skip
    assert [file["code"] for file in what["files"]] == [GOOD.split("```python\n")[1].removesuffix("```\n")]


@pytest.mark.parametrize(
    ("answer", "replies", "best", "verdict"),
    [
        (BROKEN, [WORSE, WORSE.replace("q", "r")], BROKEN, "errors"),  # no reply is better: the first answer stays
        (WORSE, [BROKEN, WORSE], BROKEN, "errors"),  # the best version is kept, not the last
        (BROKEN, [BROKEN], BROKEN, "errors"),  # the same findings again end it after one round
        (BROKEN, ["I am sorry.", GOOD], GOOD, "clean"),  # a reply without code does not count
    ],
)
def test_the_best_version_is_kept(
    bridge: Bridge, reviewer: Reviewer, answer: str, replies: list[str], best: str, verdict: str
):
    job = give(bridge, bridge.add("Write f."), answer)
    reviewer.settle()
    for n, reply in enumerate(replies, 1):
        asked = rounds(bridge, job)
        assert len(asked) == n
        give(bridge, asked[-1], reply)
        reviewer.settle()

    what = payload(bridge, job)
    assert (what["answer"], what["verdict"]) == (best, verdict)
    assert len(rounds(bridge, job)) == len(replies)


def test_a_cut_answer_is_continued_once_with_more_room(bridge: Bridge, reviewer: Reviewer):
    job = cut(bridge, bridge.add("Write add and mul.", max_tokens=100))
    reviewer.settle()
    [child] = rounds(bridge, job)
    assert bridge.get(child).job.spec.options.max_tokens == 200

    give(bridge, child, REST)

    assert reviewer.settle() == [job]
    what = payload(bridge, job)
    assert (what["verdict"], what["stop"], what["complete"]) == ("clean", "joined", True)
    assert what["answer"].startswith(CUT)


@pytest.mark.parametrize("answer", [BROKEN, CUT])
@pytest.mark.parametrize("end", ["cancelled", "failed", "cell deleted"])
def test_a_round_that_is_cancelled_or_fails_ends_the_conversation(
    bridge: Bridge, reviewer: Reviewer, queue: Queue, answer: str, end: str
):
    job = bridge.add("Write f.")
    (cut if answer == CUT else give)(bridge, job, answer)
    reviewer.settle()
    [child] = rounds(bridge, job)
    if end == "cancelled":
        bridge.cancel(child)
    elif end == "failed":
        fail(bridge, child)
    else:
        notebook = queue.load()
        notebook["cells"] = [cell for cell in notebook["cells"] if child not in "".join(cell["source"])]
        queue.save(notebook)
        bridge.status()

    assert reviewer.settle() == [job]
    what = payload(bridge, job)
    assert (what["answer"], what["stop"]) == (answer, "unanswered")
    assert len(rounds(bridge, job)) == 1


@pytest.mark.parametrize(("most", "asked"), [(0, 0), (1, 1)])
def test_rounds_are_limited(bridge: Bridge, reviewer_of: Reviewers, most: int, asked: int):
    reviewer = reviewer_of(bridge, max_rounds=most)
    job = give(bridge, bridge.add("Write f."), BROKEN)
    reviewer.settle()
    for child in rounds(bridge, job):
        give(bridge, child, WORSE)
        reviewer.settle()

    assert len(rounds(bridge, job)) == asked
    assert payload(bridge, job)["verdict"] == "errors"


def test_a_retried_job_gets_a_new_answer_that_is_checked_anew(bridge: Bridge, reviewer: Reviewer):
    job = give(bridge, bridge.add("Write f."), GOOD)
    reviewer.settle()
    bridge.wait([job], timeout_s=120)
    assert bridge.get(job).state is State.DELIVERED

    bridge.retry(job)
    assert (bridge.get(job).state, bridge.get(job).payload) == (State.QUEUED, None)
    give(bridge, job, BROKEN)
    reviewer.settle()
    [child] = rounds(bridge, job)
    give(bridge, child, GOOD)

    assert reviewer.settle() == [job]
    assert (bridge.get(job).state, payload(bridge, job)["rounds"]) == (State.CHECKED, 1)


def test_a_failed_job_is_said_to_have_failed(bridge: Bridge, reviewer: Reviewer):
    job = fail(bridge, bridge.add("Write f."), "out of memory")

    assert reviewer.settle() == [job]
    what = payload(bridge, job)
    assert (what["status"], what["verdict"], what["answer"], what["files"]) == ("failed", None, None, [])
    assert what["error"]["message"] == "out of memory"
    assert not bridge.get(job).good


def test_only_the_jobs_that_are_asked_for_are_settled(bridge: Bridge, reviewer: Reviewer):
    mine, theirs = (give(bridge, bridge.add(text), GOOD) for text in ("one", "two"))

    assert reviewer.settle({mine}) == [mine]
    assert bridge.get(theirs).state is State.SUCCEEDED


def test_a_prompt_that_is_too_long_to_ask_again_ends_the_conversation(
    bridge: Bridge, reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch
):
    job = give(bridge, bridge.add("Write f."), BROKEN)
    monkeypatch.setattr("bridge.intake.prompt.MAX_BYTES", 50)

    assert reviewer.settle() == [job]
    assert payload(bridge, job)["stop"] == "unanswered"


def test_the_projects_own_linter_joins_the_verdict(bridge: Bridge, reviewer_of: Reviewers, tmp_path: Path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["ANN001"]\n')
    answer = "```python\ndef twice(x):\n    return 2 * x\n```\n"
    jobs = [give(bridge, bridge.add("Write f.", out="src/f.py", key=key), answer) for key in "ab"]

    reviewer_of(bridge).settle({jobs[0]})
    reviewer_of(bridge, project=project, max_rounds=0).settle({jobs[1]})

    assert [bridge.get(job).verdict for job in jobs] == ["clean", "errors"]
    assert {d["code"] for d in payload(bridge, jobs[1])["diagnostics"]} == {"ANN001"}
    assert review_state.get(bridge.store.journal, jobs[1]) is not None
    assert sorted(p.name for p in project.rglob("*")) == ["pyproject.toml"]


def test_a_round_about_code_with_fragile_characters_is_stored_so_that_editors_keep_it(
    bridge: Bridge, reviewer: Reviewer
):
    job = give(bridge, bridge.add("Write f."), "```python\ndef f(x):\n    return z  # \x0c\u2028 \x1b[0m\n```\n")
    reviewer.settle()

    [child] = rounds(bridge, job)
    spec = bridge.get(child).job.spec
    assert spec.form is JobForm.CHAT
    assert not any(char in spec.body for char in "\x0c\u2028\x1b\r")


def test_a_round_about_code_that_no_file_can_hold_is_not_asked_for(bridge: Bridge, reviewer: Reviewer):
    job = give(bridge, bridge.add("Write f."), "```python\ndef f(x):\n    return z + '\ud800'\n```\n")

    assert reviewer.settle() == [job]
    assert rounds(bridge, job) == []
    assert payload(bridge, job)["stop"] in ("unanswered", "nothing")


def test_a_chat_that_a_person_edited_into_no_chat_is_checked_all_the_same(
    bridge: Bridge, reviewer: Reviewer, queue: Queue
):
    job = bridge.add("Write f.", system="Be brief.")
    notebook = queue.load()
    [cell] = [c for c in notebook["cells"] if job in "".join(c["source"])]
    cell["source"] = "".join(cell["source"]).split("\n")[0] + "\nnot JSON at all"
    queue.save(notebook)
    give(bridge, job, BROKEN)
    reviewer.settle()

    for child in rounds(bridge, job):
        bridge.cancel(child)
    assert reviewer.settle() == [job]
    assert bridge.get(job).verdict == "errors"


def test_a_reply_that_ended_at_its_limit_is_judged_as_cut(bridge: Bridge, reviewer: Reviewer):
    """Its code looks whole; that it was cut is known from how it ended, and it does not take the answer's place."""
    job = give(bridge, bridge.add("Write f."), BROKEN)
    reviewer.settle()
    [child] = rounds(bridge, job)

    cut(bridge, child, GOOD.removesuffix("```\n"))

    assert reviewer.settle() == []
    assert len(rounds(bridge, job)) == 2  # asked again


def test_a_round_whose_prompt_would_hold_a_new_secret_is_not_asked_for(
    bridge: Bridge, reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch
):
    """What a checker says is looked at like any prompt; a secret that the task or the answer holds was let through before."""
    told = ["plain words"]
    monkeypatch.setattr("bridge.checking.faults.of_the_answer", lambda _message, _answer: told[0])
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    for message, asked in ((f"it says {secret}", 0), ("plain words", 1)):
        told[0] = message
        job = bridge.add(f"Write a function. {len(message)}", lang="python")
        bridge.answer(job, "```python\ndef f(:\n    return 1\n```\n")
        reviewer.settle([job])
        assert len([line for line in bridge.jobs() if line.parent == job]) == asked, message
    known = bridge.add(f"Mend this:\nKEY = '{secret}'", lang="python", allow_secrets=True)
    bridge.answer(known, f"```python\nKEY = '{secret}'\ndef f(:\n    return 1\n```\n")
    reviewer.settle([known])
    assert len([line for line in bridge.jobs() if line.parent == known]) == 1


@pytest.mark.parametrize(("given", "warmer"), [(None, 0.9), (0.0, 0.2), (1.9, 2.0)])
def test_the_second_round_is_a_little_warmer(bridge: Bridge, reviewer: Reviewer, given: float | None, warmer: float):
    job = give(bridge, bridge.add("Write f.", temperature=given), BROKEN)
    reviewer.settle()
    [first] = rounds(bridge, job)
    give(bridge, first, WORSE)
    reviewer.settle()

    asked = [bridge.get(child).job.spec for child in rounds(bridge, job)]
    assert [spec.options.temperature for spec in asked] == [given, warmer]
    assert asked[0].body != asked[1].body


@dataclass(frozen=True)
class Meeting:
    """A checker that is content when it looks at two texts at the same time."""

    both: threading.Barrier
    name: str = "meeting"
    step: CheckStep = CheckStep.SYNTAX
    level: Level = Level.LINTER

    def serves(self, language: str) -> bool:
        return language == "python"

    def trust(self, language: str) -> float:
        return 1.0

    def available(self, context: CheckContext) -> bool:
        return True

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        self.both.wait(LONG_S)
        return CheckOutcome()


def test_answers_that_are_due_together_are_checked_side_by_side(bridge: Bridge, queue: Queue):
    jobs = [give(bridge, bridge.add(f"Write f{n}."), GOOD) for n in range(2)]
    with Toolchain(checkers=(Meeting(threading.Barrier(2)),), lanes=2) as toolchain:
        reviewer = wiring.open_reviewer(bridge.opened, toolchain, wiring.Rules(), queue.events.append)
        assert sorted(reviewer.settle()) == sorted(jobs)
    assert {bridge.get(job).verdict for job in jobs} == {"clean"}
