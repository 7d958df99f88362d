"""Parts that several machines may open: made once each, and known at once, however late Drive's lists are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from bridge import Bridge
from tests.support.drive import StandIn
from tests.support.drive_queues import Machine, put_queue


def small(machine: Machine, queue: str) -> Bridge:
    """Two jobs fill a part."""
    machine.settings = replace(machine.settings, part_jobs=2)
    return machine.bridge(queue)


def parts(drive: StandIn) -> Counter[str]:
    """How many files have the title of each part, the trash left out."""
    titles = [f"qwen_bridge.part-000{n}.ipynb" for n in range(2, 10)]
    return Counter(title for title in titles for file in drive.files.titled(title) if not file.trashed)


@pytest.mark.parametrize("lag", [0, 1_000])
def test_parts_that_another_machine_opened_are_known_without_a_list(
    drive: StandIn, here: Machine, there: Machine, lag: int
) -> None:
    queue = put_queue(drive)
    with small(here, queue) as one, small(there, queue) as two:
        two.status()
        drive.files.listing.requests = drive.files.feed.requests = lag
        jobs = [one.add(f"a {n}") for n in range(7)]  # parts 1 to 4
        there.later()
        assert {line.id for line in two.jobs()} == set(jobs)
        jobs += [two.add(f"b {n}") for n in range(3)]
        here.later()
        assert {line.id for line in one.jobs()} == set(jobs)
    assert parts(drive) == {f"qwen_bridge.part-000{n}.ipynb": 1 for n in range(2, 6)}


def test_a_part_that_was_trashed_is_made_anew_under_an_id_that_both_machines_agree_on(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    with small(here, queue) as one, small(there, queue) as two:
        jobs = [one.add(f"a {n}") for n in range(4)]
        there.later()
        assert {line.id for line in two.jobs()} == set(jobs)
        [second] = drive.files.titled("qwen_bridge.part-0002.ipynb")
        drive.files.trash(second.id)
        for machine, bridge in ((here, one), (there, two), (here, one)):
            machine.later()
            bridge.store.publish()
        assert {line.id for line in one.jobs()} == {line.id for line in two.jobs()} == set(jobs)
    assert parts(drive) == {"qwen_bridge.part-0002.ipynb": 1}


def test_a_claim_whose_file_was_never_made_is_taken_up_by_the_next_machine(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    with small(here, queue) as one, small(there, queue) as two:
        one.add("a 1")
        one.add("a 2")
        drive.fault(r"files\.insert$", status=403, reason="insufficientFilePermissions", times=1)
        with pytest.raises(Exception, match="change"):
            one.add("a 3")
        there.later()
        jobs = [two.add("b 1"), two.add("b 2")]
        assert set(jobs) <= {line.id for line in two.jobs()}
    assert parts(drive)["qwen_bridge.part-0002.ipynb"] == 1
