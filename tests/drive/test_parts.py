"""Parts that several machines may open: made once each, and known at once, however late Drive's lists are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from bridge import Bridge
from tests.support.drive import StandIn
from tests.support.drive_queues import Machine, on_drive, put_queue
from tests.support.queues import ids_in


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


def test_a_part_that_a_sync_client_moved_to_its_forks_is_made_anew_and_not_written_there(
    drive: StandIn, here: Machine
) -> None:
    queue = put_queue(drive)
    with small(here, queue) as bridge:
        jobs = [bridge.add(f"{n}") for n in range(3)]
        [part] = drive.files.titled("qwen_bridge.part-0002.ipynb")
        aside = drive.files.folder("forks", parent=part.parents[0])  # made by the client: it has no mark
        drive.files.move(part.id, aside)
        before = drive.files.get(part.id).revisions[-1].content
        here.later(700)
        jobs.append(bridge.add("another"))
        bridge.store.publish()
    with here.bridge(queue) as bridge:
        here.later(5)
        bridge.store.publish()
        assert {line.id for line in bridge.jobs()} == set(jobs)
    [anew] = [f for f in drive.files.titled("qwen_bridge.part-0002.ipynb") if f.id != part.id]
    assert anew.parents == part.parents
    assert drive.files.get(part.id).revisions[-1].content == before
    assert sorted(ids_in(on_drive(drive, queue)) + ids_in(on_drive(drive, anew.id))) == sorted(jobs)
