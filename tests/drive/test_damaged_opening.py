"""A queue whose first download arrives damaged: fetched again, and never taken for no queue."""

from __future__ import annotations

import pytest

from bridge.core.errors import QueueUnreadable
from bridge.transports.drive import find
from bridge.wiring.drive import queue_id_of
from tests.support.drive import How, StandIn
from tests.support.drive_queues import Machine, content, put_queue
from tests.support.queues import QUEUE_ID


@pytest.mark.parametrize("how", [How.CORRUPT, How.CUT])
def test_a_damaged_download_is_fetched_again_when_a_queue_is_looked_for(
    drive: StandIn, here: Machine, how: How
) -> None:
    queue, calls = put_queue(drive), here.calls()
    drive.fault(r"download$", how=how, times=2)
    assert find.content(calls, calls.get(queue)) == content(drive, queue)
    drive.fault(r"download$", how=how, times=2)
    folder = drive.files.get(queue).parents[0]
    assert find.by_name(calls, folder, "qwen_bridge.ipynb", queue_id_of).id == queue
    assert queue_id_of(find.content(calls, calls.get(queue))) == QUEUE_ID


def test_a_download_that_is_always_damaged_is_said_to_be_so(drive: StandIn, here: Machine) -> None:
    queue, calls = put_queue(drive), here.calls()
    drive.fault(r"download$", how=How.CORRUPT, times=100)
    with pytest.raises(QueueUnreadable, match="by its checksum"):
        find.by_id(calls, drive.files.get(queue).parents[0], queue_id_of)
