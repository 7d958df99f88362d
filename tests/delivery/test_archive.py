from __future__ import annotations

import json
from datetime import timedelta

from bridge import Bridge, State
from bridge.delivery.review import Reviewer
from tests.support.answers import BROKEN, GOOD, give, rounds
from tests.support.queues import Queue, ids_in, load


def test_a_delivered_job_goes_to_the_archive_with_its_rounds_verdict_and_hand_over(
    queue: Queue, bridge: Bridge, reviewer: Reviewer
):
    job = give(bridge, bridge.add("Write f."), BROKEN)
    waits = bridge.add("Write g.")
    reviewer.settle()
    [child] = rounds(bridge, job)
    give(bridge, child, GOOD)
    reviewer.settle()
    assert bridge.archive_delivered(timedelta()) == []  # checked, but with nobody yet
    bridge.wait([job], timeout_s=120)
    assert bridge.archive_delivered(timedelta(hours=1)) == []  # not long enough ago

    queue.hand.moment += timedelta(hours=1)
    assert sorted(bridge.archive_delivered(timedelta(hours=1))) == sorted([job, child])

    [archive] = (queue.path.parent / "archive").glob("*.ipynb")
    assert sorted(ids_in(load(archive))) == sorted([job, child])
    assert ids_in(queue.load()) == [waits]
    [cell] = [c for c in load(archive)["cells"] if f"%%qwen {job}" in "".join(c["source"])]
    facts = json.dumps(cell["metadata"])
    assert all(f'"{name}": {value}' in facts for name, value in [
        ("verdict", '"clean"'), ("level", '"linter"'), ("delivered_to", '"wait"'), ("repaired", "true"),
    ])  # fmt: skip
    assert bridge.get(job).state is State.ARCHIVED
    assert bridge.get(job).verdict == "clean"
    assert bridge.archive_delivered(timedelta()) == []


def test_a_round_that_nobody_answered_stays(queue: Queue, bridge: Bridge, reviewer: Reviewer):
    job = give(bridge, bridge.add("Write f."), BROKEN)
    reviewer.settle()
    [child] = rounds(bridge, job)
    [view] = bridge.wait([job], timeout_s=120, max_rounds=0)
    assert view.verdict == "errors"

    assert bridge.archive_delivered(timedelta()) == [job]
    assert ids_in(queue.load()) == [child]


def test_a_job_that_was_put_back_meanwhile_is_not_archived(bridge: Bridge, queue: Queue):
    job = give(bridge, bridge.add("Write f."), GOOD)
    bridge.wait([job], timeout_s=120)
    bridge.retry(job)

    assert bridge.archive_delivered(timedelta()) == []
    assert ids_in(queue.load()) == [job]
