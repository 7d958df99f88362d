"""A local run: jobs answered, checked and handed over in one process, by a worker and a wait side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bridge import wiring
from bridge.api.bridge import Bridge
from bridge.api.views import JobView
from bridge.core.errors import WaitTimedOut
from bridge.core.events import Listener
from bridge.delivery.channels import Channel
from bridge.delivery.dispatch import Dispatch
from bridge.engines.base import Engine
from bridge.worker.config import WorkerConfig, WorkSummary
from bridge.worker.loop import Worker

#: How long the last answers may be looked at when the worker has ended, in seconds.
LAST_LOOKS_S = 10.0


@dataclass(kw_only=True)
class LocalRun:
    """One local run. The worker has a journal connection of its own, so that the wait sees what it writes."""

    bridge: Bridge
    worker: Worker
    dispatch: Dispatch
    now_s: Callable[[], float]
    rules: wiring.Rules
    _stopping: bool = False
    _failure: BaseException | None = None
    _over_at: float | None = None

    def ask_to_stop(self) -> None:
        """From a signal handler too. End soon: what is under way goes back into the queue, and what is not ready stays in it."""
        self._stopping = True

    def run(self, ids: Sequence[str], *, on_ready: Callable[[JobView], None]) -> tuple[list[JobView], WorkSummary]:
        """See jobs through; gives them in the order asked for, and what the worker did.

        Raises:
            WaitTimedOut: it was asked to stop, or the worker's time is over, before all was handed over.
            BridgeError: what stopped the worker.
        """
        thread = threading.Thread(target=self._work, name="worker")
        thread.start()
        try:
            try:
                views = self._see_through(ids, on_ready)
            finally:
                self.worker.ask_to_stop()
                thread.join()
        except WaitTimedOut:
            if self._failure is not None:
                raise self._failure from None
            raise
        return views, self.worker.summary

    def _see_through(self, ids: Sequence[str], on_ready: Callable[[JobView], None]) -> list[JobView]:
        def ready(view: JobView) -> None:
            self.dispatch.send_due({view.id})
            on_ready(view)

        views = self.bridge.wait(
            ids,
            max_rounds=self.rules.max_rounds,
            project_lint=self.rules.project,
            project=self.rules.patch_root,
            on_ready=ready,
            give_up=lambda: self._stopping or self._worker_is_over(),
        )
        wanted = [view.id for view in views]
        while left := self.dispatch.left(wanted):
            self.dispatch.send_due(left)
            if self._stopping:
                raise WaitTimedOut(f"jobs not handed over on every way yet: {len(left)} of {len(wanted)}")
            self.bridge.store.clock.sleep(0.2)
        return self.bridge.views(wanted)

    def _work(self) -> None:
        try:
            self.worker.run()
        except BaseException as error:  # noqa: BLE001  # raised again where `run` was called
            self._failure = error
        finally:
            self._over_at = self.now_s()

    def _worker_is_over(self) -> bool:
        return self._over_at is not None and (self._failure is not None or self.now_s() > self._over_at + LAST_LOOKS_S)


@contextmanager
def prepared(
    bridge: Bridge,
    engine: Engine,
    plan: WorkerConfig,
    *,
    queue: str | None,
    channels: Sequence[Channel],
    rules: wiring.Rules,
    listener: Listener,
) -> Iterator[LocalRun]:
    """A local run on the queue that `bridge` has opened, ready to run. `queue`: as it was opened. Raises what opening raises."""
    opened = wiring.open_queue(queue, listener=listener)  # the worker's own connection to the journal
    try:
        yield LocalRun(
            bridge=bridge,
            worker=wiring.open_worker(opened, engine, plan, listener=listener),
            dispatch=wiring.open_dispatch(bridge.opened, channels, listener),
            now_s=time.monotonic,
            rules=rules,
        )
    finally:
        opened.close()
