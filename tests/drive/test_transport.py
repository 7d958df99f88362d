"""The transport over Drive: what Drive does to it, one thing at a time, and two machines at once."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bridge import State
from bridge.core.errors import (
    DriveDenied,
    DriveFileGone,
    DriveUnreachable,
    NotSignedIn,
    QueueChanged,
    QueueUnreadable,
    StorageFull,
    TooLarge,
)
from bridge.transports.drive.catalog import QUEUE, ROLE
from bridge.wiring.settings import Settings
from tests.support.drive import PERSON, How, StandIn
from tests.support.drive_queues import Machine, content, folder_of, on_drive, put_queue
from tests.support.queues import QUEUE_ID, ids_in


def public(drive: StandIn, file_id: str) -> dict[str, str]:
    found = drive.files.get(file_id).properties.items()
    return {key: value for (key, visibility, _), value in found if visibility == "PUBLIC"}


# ---- jobs on Drive


def test_a_job_that_is_added_on_drive_stands_in_the_file_there(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        job = bridge.add("Write a function")
        assert bridge.path is None
        assert bridge.status().path == f"drive:{queue}"
    assert ids_in(on_drive(drive, queue)) == [job]


def test_two_machines_see_each_others_jobs_and_answers(drive: StandIn, here: Machine, there: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as one, there.bridge(queue) as two:
        job = one.add("Write a function")
        assert two.get(job).state is State.QUEUED
        two.answer(job, "```python\nx = 1\n```")
        here.later()
        assert one.get(job).state is State.SUCCEEDED


def test_two_machines_that_write_at_the_same_moment_both_keep_their_jobs(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as one, there.bridge(queue) as two:
        mine, theirs = one.add("a"), two.add("b")  # two has not looked since: its write meets a file that changed
        here.later()
        assert {line.id for line in one.jobs()} == {mine, theirs}
    assert sorted(ids_in(on_drive(drive, queue))) == sorted([mine, theirs])


def test_a_queue_that_grows_opens_parts_beside_the_first_and_both_machines_agree_on_them(
    drive: StandIn, here: Machine, there: Machine
) -> None:
    queue = put_queue(drive)
    here.settings = there.settings = Settings(part_jobs=2)
    with here.bridge(queue) as one, there.bridge(queue) as two:
        jobs = [one.add(f"a {n}") for n in range(3)] + [two.add(f"b {n}") for n in range(3)]
        here.later(700)
        there.later(700)
        assert {line.id for line in one.jobs()} == {line.id for line in two.jobs()} == set(jobs)
        one.store.publish()
    parts = drive.files.titled("qwen_bridge.part-0002.ipynb")
    assert len(parts) == 1
    assert parts[0].parents == drive.files.get(queue).parents
    held = [f.id for n in (2, 3) for f in drive.files.titled(f"qwen_bridge.part-000{n}.ipynb")]
    assert sorted(job for f in [queue, *held] for job in ids_in(on_drive(drive, f))) == sorted(jobs)


def test_archives_go_into_a_folder_of_their_own(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        job = bridge.add("a")
        bridge.answer(job, "text")
        bridge.archive(job)
        assert bridge.get(job).state is State.ARCHIVED
    [folder] = drive.files.titled("archive")
    archived = list(drive.files.listed(lambda f: folder.id in f.parents))
    assert [ids_in(json.loads(f.revisions[-1].content)) for f in archived] == [[job]]
    assert ids_in(on_drive(drive, queue)) == []


# ---- compare-and-swap


def test_a_write_over_a_newer_version_is_refused_and_nothing_is_overwritten(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    drive.files.put(file_id=queue, content=b"theirs")
    with pytest.raises(QueueChanged):
        folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    assert content(drive, queue) == b"theirs"


def test_a_file_that_changed_between_look_and_write_is_refused_by_drive_itself(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    put = folder.calls.put

    def after_somebody_else(*args: object) -> object:
        drive.files.put(file_id=queue, content=b"theirs")
        return put(*args)  # type: ignore[arg-type]

    folder.calls.put = after_somebody_else  # type: ignore[method-assign,assignment]
    with pytest.raises(QueueChanged):
        folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    assert content(drive, queue) == b"theirs"
    assert [r.status for r in drive.log if r.call == "files.update"] == [412]


def test_a_change_of_metadata_alone_does_not_stop_a_write(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    drive.files.rename(queue, "renamed by a person.ipynb")
    drive.files.touch(queue)
    folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    assert content(drive, queue) == b"ours"


def test_the_right_etag_that_drive_calls_stale_is_tried_again_after_a_pause(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    drive.fault("uploadType=media", how=How.STALE_ETAG, times=3)
    folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    assert content(drive, queue) == b"ours"
    assert here.clock.slept_s > 0


def test_an_etag_that_stays_stale_is_told_and_nothing_is_forced(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    drive.fault("uploadType=media", how=How.STALE_ETAG, times=None)
    with pytest.raises(DriveUnreachable, match="keeps refusing"):
        folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    assert content(drive, queue) == read[0]


@pytest.mark.parametrize("how", [How.AFTER_COMMIT, How.RESET_AFTER_COMMIT, How.CUT])
def test_a_write_whose_answer_got_lost_is_not_written_twice(drive: StandIn, here: Machine, how: How) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    before = len(drive.files.get(queue).revisions)
    drive.fault("uploadType=media", how=how)
    stamp = folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    assert len(drive.files.get(queue).revisions) == before + 1
    assert folder.read("qwen_bridge.ipynb") == (b"ours", stamp)


@pytest.mark.parametrize("how", [How.ANSWER, How.RESET])
def test_a_write_that_did_not_happen_is_written_again(drive: StandIn, here: Machine, how: How) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    drive.fault("uploadType=media", how=how, times=2)
    folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    assert content(drive, queue) == b"ours"


def test_the_etag_in_a_writes_answer_is_not_relied_on(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    drive.fault("uploadType=media", how=How.OLD_ETAG, times=None)
    with here.bridge(queue) as bridge:
        jobs = [bridge.add(f"{n}") for n in range(3)]
    assert sorted(ids_in(on_drive(drive, queue))) == sorted(jobs)


def test_somebody_who_writes_right_after_us_is_taken_in(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    read = folder.read("qwen_bridge.ipynb")
    assert read is not None
    put = folder.calls.put

    def and_then_somebody_else(*args: object) -> object:
        done = put(*args)  # type: ignore[arg-type]
        drive.files.put(file_id=queue, content=b"theirs, on top of ours")
        return done

    folder.calls.put = and_then_somebody_else  # type: ignore[method-assign,assignment]
    stamp = folder.stage("qwen_bridge.ipynb", b"ours", unless_changed=read[1]).commit()
    here.later()
    assert folder.stat("qwen_bridge.ipynb") != stamp  # so the store looks into it


# ---- making files


@pytest.mark.parametrize("how", [How.AFTER_COMMIT, How.RESET_AFTER_COMMIT, How.RESET, How.ANSWER])
def test_a_file_is_made_once_whatever_becomes_of_the_answer(drive: StandIn, here: Machine, how: How) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    folder.entries()
    drive.fault("files.insert", how=how, times=2 if how in (How.RESET, How.ANSWER) else 1)
    folder.stage("qwen_bridge.part-0002.ipynb", b"{}", unless_changed=None).commit()
    assert len(drive.files.titled("qwen_bridge.part-0002.ipynb")) == 1


def test_two_machines_that_open_the_same_part_make_one_file(drive: StandIn, here: Machine, there: Machine) -> None:
    queue = put_queue(drive)
    one, two = folder_of(here.open(queue)), folder_of(there.open(queue))
    for folder in (one, two):
        folder.entries()
    drafts = [f.stage("qwen_bridge.part-0002.ipynb", d, unless_changed=None) for f, d in ((one, b"1"), (two, b"2"))]
    drafts[0].commit()
    with pytest.raises(QueueChanged):
        drafts[1].commit()
    assert two.read("qwen_bridge.part-0002.ipynb") is not None
    assert [f.revisions[-1].content for f in drive.files.titled("qwen_bridge.part-0002.ipynb")] == [b"1"]


def test_a_part_that_a_person_put_into_the_trash_is_made_anew(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    folder.entries()
    folder.stage("qwen_bridge.part-0002.ipynb", b"1", unless_changed=None).commit()
    [part] = drive.files.titled("qwen_bridge.part-0002.ipynb")
    drive.files.trash(part.id)
    here.later()
    assert folder.stat("qwen_bridge.part-0002.ipynb") is None
    folder.stage("qwen_bridge.part-0002.ipynb", b"2", unless_changed=None).commit()
    assert [f.revisions[-1].content for f in drive.files.titled("qwen_bridge.part-0002.ipynb") if not f.trashed] == [
        b"2"
    ]


def test_what_we_make_and_write_carries_the_queue_id_and_its_role(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive, title="a name that a person chose.ipynb")
    with here.bridge(queue) as bridge:
        bridge.add("a")
    assert public(drive, queue) == {QUEUE: QUEUE_ID, ROLE: "*.ipynb"}


# ---- copies


def test_a_second_copy_is_folded_in_and_moved_to_forks(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        job = bridge.add("a")
        copy = content(drive, queue).replace(b"qwen", b"qwen")
        theirs = drive.files.put("Copy of qwen_bridge.ipynb", copy, parent=drive.files.get(queue).parents[0])
        other = bridge.add("b")
        here.later(120)
        bridge.store.publish()
        assert {line.id for line in bridge.jobs()} == {job, other}
    [forks] = drive.files.titled("forks")
    assert drive.files.get(theirs).parents == [forks.id]
    assert not drive.files.get(theirs).trashed


def test_another_queue_in_the_same_folder_is_left_alone(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    other = content(drive, queue).replace(QUEUE_ID.encode(), b"99999999-2222-4333-8444-555555555555")
    stranger = drive.files.put("other.ipynb", other, parent=drive.files.get(queue).parents[0])
    with here.bridge(queue) as bridge:
        bridge.add("a")
        bridge.store.publish()
    assert content(drive, stranger) == other
    assert drive.files.get(stranger).parents == drive.files.get(queue).parents


# ---- what Drive refuses


def gone(drive: StandIn, queue: str) -> None:
    drive.files.delete(queue)


def hidden(drive: StandIn, queue: str) -> None:
    drive.files.give(queue, "somebody@else")
    drive.files.allow(queue, "none")
    drive.files.allow(queue, "none", PERSON)


def trashed(drive: StandIn, queue: str) -> None:
    drive.files.trash(queue)


@pytest.mark.parametrize(("what", "says"), [(gone, "deleted"), (hidden, "owner changed"), (trashed, "trash")])
def test_a_queue_that_is_gone_or_hidden_is_told_and_not_made_again(
    drive: StandIn, here: Machine, what: Callable[[StandIn, str], None], says: str
) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        bridge.add("a")
        files = drive.files.commits
        what(drive, queue)
        here.later()
        files = drive.files.commits
        with pytest.raises(DriveFileGone, match=says):
            bridge.add("b")
        assert drive.files.commits == files


def test_a_file_that_was_moved_or_renamed_is_still_the_queue(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        bridge.add("a")
        drive.files.move(queue, drive.files.folder("Elsewhere"))
        drive.files.rename(queue, "x.ipynb")
        here.later(700)
        bridge.add("b")
        assert len(ids_in(on_drive(drive, queue))) == 2


def test_a_read_only_queue_can_be_looked_at_and_says_who_to_ask(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    drive.files.give(queue, "somebody@else")
    drive.files.allow(queue, "reader")
    drive.files.allow(queue, "reader", PERSON)
    with here.bridge(queue) as bridge:
        assert bridge.jobs() == []
        with pytest.raises(DriveDenied, match="ask its owner"):
            bridge.add("a")


def test_a_full_drive_is_told_and_nothing_is_lost(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        drive.fault("uploadType=media", status=403, reason="storageQuotaExceeded", times=None)
        with pytest.raises(StorageFull, match="service account"):
            bridge.add("a")
        drive.faults.clear()
        here.later()
        assert len(bridge.jobs()) <= 1
        bridge.store.publish()
        assert ids_in(on_drive(drive, queue)) == [line.id for line in bridge.jobs()]


@pytest.mark.parametrize(
    ("status", "reason"), [(429, ""), (403, "userRateLimitExceeded"), (403, "rateLimitExceeded"), (503, "")]
)
def test_limits_and_hiccups_are_waited_out(drive: StandIn, here: Machine, status: int, reason: str) -> None:
    queue = put_queue(drive)
    drive.fault("files.", status=status, reason=reason, times=2, retry_after_s=0)
    drive.fault("uploadType=media", status=status, reason=reason, times=2)
    with here.bridge(queue) as bridge:
        job = bridge.add("a")
    assert ids_in(on_drive(drive, queue)) == [job]


def test_a_drive_that_is_away_is_unreachable_and_back_is_back(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        first = bridge.add("a")
        drive.stop()
        here.later()
        with pytest.raises(DriveUnreachable, match="local"):
            bridge.add("b")
        drive.start()
        second = bridge.add("c")
        assert {first, second} <= {line.id for line in bridge.jobs()}


def test_a_sign_in_that_is_refused_says_what_to_do(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    with here.bridge(queue) as bridge:
        drive.fault("files.", status=401, times=None)
        here.later()
        with pytest.raises(NotSignedIn, match="bridge auth login"):
            bridge.jobs()


# ---- what arrives


@pytest.mark.parametrize("how", [How.CORRUPT, How.CUT, How.RESET])
def test_a_download_that_was_damaged_is_fetched_again(drive: StandIn, here: Machine, how: How) -> None:
    queue = put_queue(drive)
    opened = here.open(queue)
    drive.fault("files.download", how=how, times=2)
    read = folder_of(opened).read("qwen_bridge.ipynb")
    assert read is not None
    assert read[0] == content(drive, queue)


def test_a_download_that_is_always_damaged_is_an_error_and_never_taken_for_the_queue(
    drive: StandIn, here: Machine
) -> None:
    queue = put_queue(drive)
    opened = here.open(queue)
    drive.fault("files.download", how=How.CORRUPT, times=None)
    with pytest.raises(QueueUnreadable, match="checksum"):
        folder_of(opened).read("qwen_bridge.ipynb")


def test_a_notebook_over_five_megabytes_is_refused_before_it_is_sent(drive: StandIn, here: Machine) -> None:
    queue = put_queue(drive)
    folder = folder_of(here.open(queue))
    with pytest.raises(TooLarge, match="bridge archive"):
        folder.stage("qwen_bridge.ipynb", b" " * 5_000_001, unless_changed=folder.stat("qwen_bridge.ipynb"))
    assert drive.requests("files.update") == 0
