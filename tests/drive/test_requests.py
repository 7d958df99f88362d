"""What Drive is asked for, counted by the stand-in: an idle hour, an added job, an answered job. No test waits: hands move time.

`python -m tests.drive.test_requests` prints the table of docs/drive.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bridge import Bridge, wiring
from bridge.core.events import ignore
from bridge.core.job import NewJob
from bridge.engines.scripted import ScriptedEngine
from bridge.transports.drive.folder import DriveFolder
from bridge.wiring.drive import signed_in, site_of
from bridge.wiring.settings import DriveAddress, FoundQueue, Settings
from bridge.wiring.site import Opened, open_site
from bridge.wiring.sync import open_both, open_sync
from bridge.worker.loop import WorkerConfig
from tests.support.drive import StandIn
from tests.support.harness import SteppedClock, SteppedLine
from tests.support.queues import QUEUE_ID, make_queue

HOUR_S = 3600.0
#: Of a user, each minute (facts on Drive, section 2): the older page's requests.
QUOTA_A_MINUTE = 12_000
BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one thing cost."""

    requests: Counter[str]
    up: int  #: bytes
    down: int

    @property
    def total(self) -> int:
        return sum(self.requests.values())


@dataclass
class Bill:
    """A Drive with one queue on it, and what was asked of it."""

    drive: StandIn
    home: Path
    clock: SteppedClock
    file_id: str = ""

    @contextmanager
    def of(self) -> Iterator[list[Cost]]:
        """What happens in the block; the cost is in the list after it."""
        found: list[Cost] = []
        before = len(self.drive.log)
        yield found
        log = [r for r in self.drive.log[before:] if r.call]
        found.append(
            Cost(
                requests=Counter(r.call for r in log),
                up=sum(r.bytes_in for r in log),
                down=sum(r.bytes_out for r in log),
            )
        )

    def on_drive(self) -> Opened:
        """The queue on Drive, as a machine of its own has it."""
        calls = signed_in()
        site = site_of(calls, calls.get(self.file_id), QUEUE_ID, self.clock.clock())
        found = FoundQueue(place=DriveAddress(id=self.file_id), source="test", settings=Settings())
        state = self.home / f"state-{len(list(self.home.iterdir()))}"
        state.mkdir()
        return open_site(site, found, state=state, clock=self.clock.clock(), listener=ignore)


@contextmanager
def opened() -> Iterator[Bill]:
    """A stand-in, a signed-in machine, and a queue that `bridge sync` has put there."""
    with StandIn(service_storage=True) as drive, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "key.json").write_text(json.dumps(drive.service_account()))
        environ = {
            "BRIDGE_GOOGLE_SERVICE_ACCOUNT": str(home / "key.json"), "BRIDGE_DRIVE_URL": drive.url,
            "BRIDGE_CONFIG_DIR": str(home / "config"), "BRIDGE_STATE_DIR": str(home / "state"),
        }  # fmt: skip
        with mock.patch.dict(os.environ, environ):
            make_queue(home / "queue")
            bill = Bill(drive, home, SteppedClock(most_s=1e9))
            with syncing(bill) as once:
                once()
            yield bill


@contextmanager
def syncing(bill: Bill) -> Iterator[Callable[[], None]]:
    """A `bridge sync --watch` that is under way: each call is a round."""
    both = open_both(str(bill.home / "queue" / "qwen_bridge.ipynb"), None, listener=ignore)
    try:
        folder = both.remote.store.transport
        assert isinstance(folder, DriveFolder)
        folder.directory.now_s = lambda: bill.clock.clock().now().timestamp()
        bill.file_id = both.file_id
        yield open_sync(both, shrink=lambda _: [], poll_s=10.0, listener=ignore).once
    finally:
        both.close()


def idle_sync(bill: Bill) -> Cost:
    with syncing(bill) as once:
        once()
        with bill.of() as cost:
            for _ in range(int(HOUR_S / 10)):
                bill.clock.spend(10)
                once()
    return cost[0]


def idle_watch(bill: Bill) -> Cost:
    with Bridge(_opened=bill.on_drive()) as bridge:
        watcher = wiring.open_watcher(
            bridge.opened, bridge.archive_delivered, bridge.toolchain(), wiring.Rules(), channels=[],
            poll_s=5.0, archive_after_s=HOUR_S, listener=ignore,
        )  # fmt: skip
        watcher.once()
        with bill.of() as cost:
            for _ in range(int(HOUR_S / watcher.poll_s)):
                bill.clock.spend(watcher.poll_s)
                watcher.once()
    return cost[0]


def work(bill: Bill, queue: Opened, *, seconds: float | None = None) -> Cost:
    """A worker, for so long or until the queue is empty."""
    worker = wiring.open_worker(
        queue, ScriptedEngine(), WorkerConfig(model="scripted", lanes=4, forever=seconds is not None), listener=ignore,
        now_s=bill.clock.now_s,
    )  # fmt: skip
    worker.lanes.outcomes = SteppedLine(bill.clock, lambda: bool(worker.lanes.running()))  # type: ignore[assignment]
    if seconds is not None:
        bill.clock.at(bill.clock.seconds + seconds, worker.ask_to_stop)
    with bill.of() as cost:
        worker.run()
    queue.close()
    return cost[0]


def adding(bill: Bill, count: int) -> Cost:
    """So many single adds, by one process, ten seconds apart."""
    with Bridge(_opened=bill.on_drive()) as bridge:
        bridge.status()
        with bill.of() as cost:
            for number in range(count):
                bill.clock.spend(10)
                bridge.add(f"prompt {number}")
    return cost[0]


def batch(bill: Bill) -> tuple[Cost, Cost]:
    """A batch, added in one go, and answered."""
    with Bridge(_opened=bill.on_drive()) as bridge, bill.of() as cost:
        bridge.add_many([NewJob(body=f"prompt {n}") for n in range(BATCH)])
    return cost[0], work(bill, bill.on_drive())


def table() -> dict[str, tuple[Cost, int]]:
    """{what: (cost, how many jobs or hours it was for)}."""
    found: dict[str, tuple[Cost, int]] = {}
    with opened() as bill:
        found["idle hour, `bridge sync --watch --poll 10s`"] = (idle_sync(bill), 1)
        found["idle hour, `bridge watch --queue drive:…`"] = (idle_watch(bill), 1)
        found["idle hour, `bridge work --forever --queue drive:…`"] = (work(bill, bill.on_drive(), seconds=HOUR_S), 1)
        found["a job added alone"] = (adding(bill, 10), 10)
    with opened() as bill:
        added, answered = batch(bill)
        found[f"a job of {BATCH} added in one go"] = (added, BATCH)
        found[f"a job of {BATCH} answered by one worker"] = (answered, BATCH)
    return found


@pytest.mark.parametrize(
    ("loop", "most"),
    [
        (idle_sync, 460),  # a look at part 1 every 10 s, the list of changes every minute, a listing every 10 minutes
        (idle_watch, 830),  # the same, every 5 s
        (lambda bill: work(bill, bill.on_drive(), seconds=HOUR_S), 1_200),  # and four for each heartbeat
    ],
    ids=["sync", "watch", "work"],
)
def test_an_idle_hour_costs_a_look_at_each_poll_and_no_download(loop: Callable[[Bill], Cost], most: int) -> None:
    with opened() as bill:
        cost = loop(bill)
    assert 0 < cost.total <= most, cost
    assert cost.requests["files.update"] <= 62  # heartbeats
    assert cost.total / 60 < QUOTA_A_MINUTE / 100


def test_a_job_that_is_added_alone_costs_three_requests() -> None:
    with opened() as bill:
        cost = adding(bill, 10)
    assert cost.requests["files.update"] == 10
    assert cost.total <= 10 * 5, cost


def test_a_batch_is_added_in_one_write_and_answered_with_less_than_one_request_a_job() -> None:
    with opened() as bill:
        added, answered = batch(bill)
    assert added.requests["files.update"] == 1
    assert added.total <= 10, added
    assert answered.total <= BATCH, answered


def main() -> int:
    print_: Any = sys.stdout.write
    print_("| what | requests | of them | up | down |\n|---|---|---|---|---|\n")
    for what, (cost, count) in table().items():
        each = ", ".join(f"{n / count:.3g} {name}" for name, n in cost.requests.most_common())
        print_(f"| {what} | {cost.total / count:.3g} | {each} | {cost.up / count / 1000:,.1f} kB | ")
        print_(f"{cost.down / count / 1000:,.1f} kB |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
