"""What was put away on one machine is no deletion on another, and is found again by whoever put it away."""

from __future__ import annotations

from bridge import Bridge, State
from tests.drive.test_transport import public
from tests.support.drive import StandIn
from tests.support.drive_queues import Machine, content, put_queue

ANSWER = "```python\nx = 1\n```"


def archives(drive: StandIn) -> list[str]:
    """Titles of the archives on Drive."""
    return [
        file.title for file in drive.files.listed(lambda f: f.title.startswith("qwen_bridge.20")) if not file.trashed
    ]


def answered(bridge: Bridge) -> str:
    job = bridge.add("Write a function")
    bridge.answer(job, ANSWER)
    return job


def test_a_job_that_another_machine_archives_is_archived_here_and_not_cancelled(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as one, there.bridge(queue) as two:
        job = answered(one)
        assert two.get(job).state is State.SUCCEEDED
        one.archive(job)
        there.later()  # not so late that the list of changes would be looked at anyway
        assert two.get(job).state is State.ARCHIVED
        assert two.get(job).job.cancelled is None
        two.store.publish()
    assert len(archives(drive)) == 1


def test_while_the_archive_is_not_to_be_seen_an_answered_job_is_put_away_here_too_and_never_counts_as_cancelled(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as one, there.bridge(queue) as two:
        job = answered(one)
        assert two.get(job).state is State.SUCCEEDED
        drive.files.listing.requests = drive.files.feed.requests = 1_000
        one.archive(job)
        there.later()
        two.store.publish()
        view = two.get(job)
        assert (view.state, view.job.cancelled, view.answer) == (State.ARCHIVED, None, ANSWER)


def test_a_process_that_comes_back_writes_on_in_the_archive_that_it_made(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    for _ in range(2):
        with here.bridge(queue) as bridge:
            bridge.archive(answered(bridge))
        here.later()
    assert len(archives(drive)) == 1
    assert len(drive.files.titled("archive")) == 1


def test_two_machines_that_archive_share_a_folder(drive: StandIn, here: Machine, there: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as one, there.bridge(queue) as two:
        first, second = answered(one), answered(two)
        one.archive(first)
        two.archive(second)
    assert len(archives(drive)) == 2
    assert len(drive.files.titled("archive")) == 1


def test_an_archive_that_a_sync_client_brought_is_found_by_its_title(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as one:
        one.archive(job := answered(one))
    [made] = drive.files.listed(lambda f: f.title in archives(drive))
    assert public(drive, made.id)
    copy = drive.files.put(made.title, content(drive, made.id), parent=made.parents[0])
    drive.files.delete(made.id)
    assert not public(drive, copy)
    with there.bridge(queue) as two:
        assert two.get(job).answer == ANSWER


def test_a_command_sees_at_once_what_came_to_the_archive_since_the_last_one(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as one:
        one.archive(answered(one))
    with there.bridge(queue) as two:
        two.jobs()
    [folder] = drive.files.titled("archive")
    drive.files.put("qwen_bridge.2026-03-01.wother.001.ipynb", b"{}", parent=folder.id)  # by a sync client
    there.later(5)  # less than between two looks at the list of changes
    names = [entry.name for entry in there.open(queue).store.transport.entries("archive")]
    assert "archive/qwen_bridge.2026-03-01.wother.001.ipynb" in names
