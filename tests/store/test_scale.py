"""What a queue of many jobs costs is counted, not timed: statements, rows and notebooks."""

from __future__ import annotations

import pytest

from bridge import Bridge, NewJob, State
from bridge.format import order
from bridge.store import query
from bridge.store.archiver import PartLimits
from bridge.store.query import Filter
from tests.support.queues import Queue

PARTS, EACH = 3, 10


@pytest.fixture
def many(queue: Queue) -> Bridge:
    bridge = queue.open()
    bridge.store.limits = PartLimits(part_jobs=EACH)
    bridge.add_many([NewJob(body=f"Write f{n}.") for n in range(PARTS * EACH)])
    return bridge


@pytest.mark.parametrize("change", ["cancel", "retry"])
def test_changing_all_jobs_touches_each_notebook_once(many: Bridge, change: str) -> None:
    ids = [line.id for line in many.jobs()]
    if change == "retry":
        many.cancel(*ids)
    said: list[str] = []
    many.store.journal.db.set_trace_callback(said.append)
    changed = getattr(many, change)(*ids)
    many.store.journal.db.set_trace_callback(None)

    assert changed == ids
    assert sum("SET rev = rev + 1" in statement for statement in said) == PARTS
    assert {line.state for line in many.jobs()} == {State.CANCELLED if change == "cancel" else State.QUEUED}


def test_as_many_ids_as_a_queue_has_are_asked_for_in_one_statement(many: Bridge) -> None:
    there = [line.id for line in many.jobs()]
    asked = [*there, *(f"{n:026}" for n in range(300_000))]  # more than SQLite takes values of one statement

    found = many.store.look(lambda reader: query.lines(reader, Filter(ids=asked), many.store.clock.now()))

    assert [line.id for line in found] == there


def test_the_keys_of_many_cells_without_a_stamp_take_memory_in_proportion_to_their_number() -> None:
    small, large = (sum(map(len, order.place([None] * count)[0])) / count for count in (2_000, 200_000))

    assert large < 2 * small < 20
