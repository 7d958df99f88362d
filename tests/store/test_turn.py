"""Who waits longest for the queue's lock gets it next."""

from __future__ import annotations

import threading
from pathlib import Path

from filelock import FileLock

from bridge.core.events import Event
from bridge.store.lock import QueueLock

#: Enough that they come in this order by chance once in 40,320 times.
WAITERS = 8


def waiter(path: Path, waits: threading.Event, got: list[int], number: int) -> threading.Thread:
    """A thread that takes the lock, and says when it has begun to wait."""

    def take() -> None:
        def told(_: Event) -> None:
            waits.set()

        with QueueLock(path, notify=told, now=lambda: 0.0, quiet_s=0.01).held(f"adding {number}"):
            got.append(number)

    return threading.Thread(target=take)


def test_the_lock_goes_to_those_who_wait_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    path, got = tmp_path / "lock", list[int]()
    holder = FileLock(path, thread_local=False)
    holder.acquire()
    threads = []
    for number in range(WAITERS):
        waits = threading.Event()
        threads.append(waiter(path, waits, got, number))
        threads[-1].start()
        assert waits.wait(30)
    holder.release()
    for thread in threads:
        thread.join(30)
    assert got == list(range(WAITERS))


def test_a_newcomer_does_not_get_a_free_lock_before_somebody_who_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    (tmp_path / "lock.line").mkdir()
    ticket = FileLock(tmp_path / "lock.line" / f"{0:020}-first", thread_local=False)
    ticket.acquire()
    waits, got = threading.Event(), list[int]()
    thread = waiter(path, waits, got, 1)
    thread.start()
    assert waits.wait(30)
    assert got == []
    ticket.release()
    thread.join(30)
    assert got == [1]


def test_the_tickets_of_processes_that_died_keep_nobody_waiting_and_are_removed(tmp_path: Path) -> None:
    line = tmp_path / "lock.line"
    line.mkdir()
    for number in range(20):
        (line / f"{number:020}-dead").touch()
    with QueueLock(tmp_path / "lock", notify=lambda _: None, now=lambda: 0.0).held("adding"):
        assert list(line.iterdir()) == []


def test_where_no_ticket_can_be_written_the_lock_is_taken_without(tmp_path: Path) -> None:
    (tmp_path / "lock.line").write_text("in the way")
    holder = FileLock(tmp_path / "lock", thread_local=False)
    holder.acquire()
    lock = QueueLock(tmp_path / "lock", notify=lambda _: holder.release(), now=lambda: 0.0, quiet_s=0.01)
    with lock.held("adding"):
        assert not holder.is_locked
