"""`bridge top` at work: one thread shows, one looks at the queue and changes it, one reads keys; events go through one line.

Looking takes in what others wrote, into the journal only: no notebook is written unless the person says yes to a question.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live

from bridge.api.jobs import Jobs
from bridge.core.errors import BridgeError
from bridge.core.events import Event as Happened
from bridge.ui.top import keys
from bridge.ui.top.draw import draw
from bridge.ui.top.model import (
    ChangeJobs,
    Ended,
    Event,
    Looked,
    Order,
    Pressed,
    Shown,
    Told,
    TopScreen,
    Unreadable,
    update,
)

#: Ages on the screen move at least so often, and a changed size is noticed, in seconds.
_TICK_S = 0.5
#: A look at a large queue takes its time, and the queue's lock: at least so many times as long is left to others.
_REST = 4.0
#: How long the end waits for a look or a change that is under way, in seconds.
_LAST_S = 20.0


class Top:
    """The live view of one queue. `ask_to_stop` may be called from any thread or a signal handler."""

    def __init__(self, shown: Shown, *, poll_s: float) -> None:
        self.screen = TopScreen(shown=shown)
        self._poll_s = poll_s
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._over = threading.Event()

    def ask_to_stop(self) -> None:
        """End soon."""
        self._events.put(Ended())  # takes no lock of this thread's own: safe in a signal handler

    def tell(self, event: Happened) -> None:
        """Something happened in the queue: shown as the last thing said."""
        self._events.put(Told(message=event.message))

    def run(self, jobs: Jobs, console: Console) -> None:
        """Show until the person quits."""
        with keys.reading() as reader:
            threads = [threading.Thread(target=self._work, args=(jobs,), daemon=True)]
            if reader is not None:
                threads.append(threading.Thread(target=self._listen, args=(reader,), daemon=True))
            for thread in threads:
                thread.start()
            try:
                with Live(console=console, screen=True, auto_refresh=False) as live:
                    while not self.screen.over:
                        size = console.size
                        live.update(
                            draw(self.screen, width=size.width, height=size.height, now=datetime.now(UTC)), refresh=True
                        )
                        self._next()
            finally:
                self._over.set()
                self._orders.put(None)
                for thread in threads:
                    thread.join(_LAST_S)

    def _next(self) -> None:
        """Take the next event, if one comes in time, and all that have come with it."""
        with suppress(queue.Empty):
            event = self._events.get(timeout=_TICK_S)
            while True:
                self.screen, order = update(self.screen, event)
                if order is not None:
                    self._orders.put(order)
                event = self._events.get_nowait()

    def _listen(self, read: Callable[[float], list[str] | None]) -> None:
        while not self._over.is_set():
            pressed = read(0.2)
            if pressed is None:  # the terminal went away
                self._events.put(Ended())
                return
            for key in pressed:
                self._events.put(Pressed(key=key))

    def _work(self, jobs: Jobs) -> None:
        """Look at the queue every few seconds, and do what is ordered meanwhile."""
        shown = self.screen.shown
        while not self._over.is_set():
            began = time.monotonic()
            self._events.put(look(jobs, shown))
            pause_s = max(self._poll_s, _REST * (time.monotonic() - began))
            with suppress(queue.Empty):
                order = self._orders.get(timeout=pause_s)
                if order is None:
                    return
                if isinstance(order, ChangeJobs):
                    self._events.put(change(jobs, order))
                shown = order.shown


def look(jobs: Jobs, shown: Shown) -> Looked | Unreadable:
    """What is to be seen now, or why nothing is."""
    try:
        return Looked(shown=shown, overview=jobs.overview(state=shown.state, caller=shown.caller, job=shown.job))
    except BridgeError as error:
        return Unreadable(why=str(error))


def change(jobs: Jobs, order: ChangeJobs) -> Told:
    """Do what was asked, to those of the jobs that still are what they were when it was asked."""
    asking = order.asking
    try:
        now = jobs.overview(state=order.shown.state, caller=order.shown.caller)
        still = set(now.failed if asking.verb == "retry" else now.queued)
        wanted = [job for job in asking.jobs if job in still]
        done = (jobs.retry if asking.verb == "retry" else jobs.cancel)(*wanted) if wanted else []
    except BridgeError as error:
        return Told(message=f"nothing was changed: {error}")
    gone = len(asking.jobs) - len(done)
    what = "put back into the queue" if asking.verb == "retry" else "cancelled"
    return Told(message=f"{len(done):,} {what}" + (f"; {gone:,} had moved on meanwhile" if gone else ""))
