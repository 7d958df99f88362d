"""Second copies by the hour: moved away up to a bound, then left where they are, with a sentence that says so."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

from bridge.core.events import EventKind
from bridge.format import limits
from bridge.setup import doctor
from tests.support.queues import Queue, ids_in, load


def copies(queue: Queue) -> list[str]:
    return sorted(file.name for file in queue.path.parent.glob("qwen_bridge (*).ipynb"))


def test_a_part_has_a_mark_that_its_file_was_born_with_and_keeps(queue: Queue) -> None:
    (queue.path.parent.parent / "bridge.toml").write_text("part_jobs = 2\n")
    bridge = queue.open()
    part = queue.path.with_name("qwen_bridge.part-0002.ipynb")
    for number in range(3):
        bridge.add(f"{number}")
    born = load(part)["metadata"]["bridge"]["birth"]
    bridge.add("3")
    assert load(part)["metadata"]["bridge"]["birth"] == born
    assert "birth" not in queue.load()["metadata"]["bridge"]

    queue.hand.sleep(5)
    part.unlink()
    bridge.store.publish()
    assert load(part)["metadata"]["bridge"]["birth"] > born


def test_a_part_that_lies_there_under_the_name_of_a_twin_only_is_used_under_that_name(queue: Queue) -> None:
    (queue.path.parent.parent / "bridge.toml").write_text("part_jobs = 2\n")
    bridge = queue.open()
    jobs = [bridge.add(f"{n}") for n in range(3)]
    part = queue.path.with_name("qwen_bridge.part-0002.ipynb")
    twin = part.with_name("qwen_bridge.part-0002 (1).ipynb")
    part.rename(twin)

    jobs.append(bridge.add("one more"))

    assert sorted(ids_in(load(twin))) == sorted(jobs[2:])
    assert not part.exists()
    assert {line.id for line in bridge.jobs()} == set(jobs)
    assert queue.told(EventKind.CONFLICT_COPY) == []


def test_beyond_the_bound_of_an_hour_second_copies_are_folded_in_and_stay_and_everybody_is_told(queue: Queue) -> None:
    queue.hand.moment = datetime.now(UTC)  # as the doctor sees it
    bridge = queue.open()
    job = bridge.add("one")
    for number in range(limits.COPIES + 3):
        shutil.copy(queue.path, queue.path.with_name(f"qwen_bridge ({number}).ipynb"))
        queue.hand.sleep(1)
    bridge.store.publish()

    assert len(copies(queue)) == 3
    [told, *_] = queue.told(EventKind.BLOCKED)
    assert "was folded in and stays: 120 second copies were moved to forks/ within an hour" in told
    said = bridge.status().copies_stay
    assert said is not None
    assert said in told
    assert json.loads(json.dumps(bridge.status().to_json()))["copies_stay"] == said
    found = [fact for fact in doctor.examine(str(queue.path)) if fact.check == "second copies"]
    assert [fact.found for fact in found] == [said]
    assert ids_in(queue.load()) == [job]

    queue.hand.sleep(limits.COPIES_S + 1)  # by itself
    assert bridge.status().copies_stay is None
    bridge.store.publish()
    assert copies(queue) == []
