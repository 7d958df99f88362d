"""How often a wait takes the queue's lock, beside a `bridge watch` of its own process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from bridge import Bridge, State, wiring
from bridge.core.errors import WaitTimedOut
from tests.support.answers import GOOD, give
from tests.support.commands import environment
from tests.support.patience import LONG_S, until
from tests.support.queues import Queue

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals")]


@pytest.fixture
def watch(queue: Queue, bridge: Bridge, tmp_path: Path) -> Iterator[None]:
    """A watcher at the desk of the queue."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "watch", "--queue", str(queue.path)], cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    desk = FileLock(wiring.review_lock(bridge.opened))

    def is_held() -> bool:
        try:
            desk.acquire(timeout=0)
        except Timeout:
            return True
        desk.release()
        return False

    until(is_held)
    yield
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONG_S)


@pytest.mark.usefixtures("watch")
def test_a_wait_of_five_seconds_beside_a_watcher_takes_at_most_two_locks(bridge: Bridge):
    job = bridge.add("Write f.")
    before = bridge.store.lock.taken

    with pytest.raises(WaitTimedOut):
        bridge.wait([job], timeout_s=5)

    assert bridge.store.lock.taken - before <= 2


@pytest.mark.usefixtures("watch")
def test_a_wait_that_ends_with_the_watchers_verdict_takes_one_lock_to_write_the_hand_over_down(
    queue: Queue, bridge: Bridge
):
    job = give(bridge, bridge.add("Write f."), GOOD)
    until(lambda: bridge.get(job).state is State.CHECKED)
    waiting = queue.open()

    [view] = waiting.wait([job], timeout_s=LONG_S)

    assert (view.state, view.verdict) == (State.DELIVERED, "clean")
    assert waiting.store.lock.taken <= 2
