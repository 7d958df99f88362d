"""What a worker says of how much is left, between two looks at the queue."""

from __future__ import annotations

from bridge.worker.publisher import Publisher
from tests.support.harness import Harness


def test_what_ended_since_the_last_count_is_no_longer_left(harness: Harness) -> None:
    harness.add("a", "b", "c")
    done = 0
    with harness.open() as bridge:
        publisher = Publisher(
            store=bridge.store, tell=lambda _kind, _text: None, now_s=lambda: 0.0, publish_s=3.0, done=lambda: done
        )
        publisher.publish()
        assert publisher.left() == 3
        done = 2  # in the journal of this worker, not counted anew yet
        assert publisher.left() == 1
        done = 9  # never below none
        assert publisher.left() == 0
