"""The tool that waits, and tells how far it is meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from bridge.api.bridge import Bridge
from bridge.api.views import READY, JobView
from bridge.core.errors import WaitTimedOut
from bridge.core.text import counted
from bridge.delivery.payload import HandOver
from bridge.mcp_server import words
from bridge.mcp_server.asked import Ids
from bridge.mcp_server.replies import WaitReply
from bridge.mcp_server.strict import refusals

#: Between two notes of progress when nothing becomes ready, in seconds: clients give up a call that is silent for a minute or more.
BEAT_S = 10.0


class WaitingTools:
    """It does what `Bridge.wait` does."""

    def __init__(self, bridge: Bridge, root: Path, *, beat_s: float = BEAT_S) -> None:
        self._bridge = bridge
        self._root = root
        self._beat_s = beat_s
        bridge.toolchain()  # made before several threads ask for it

    async def wait_for_results(
        self,
        jobs: Ids,
        context: Context[object, object],
        timeout_s: Annotated[float, Field(gt=0, le=3600, description="Return with what is ready after so long.")] = 50,
    ) -> WaitReply:
        """Wait until jobs are answered and checked; tells progress meanwhile, and returns early when all are ready.

        When `timeout_s` is over it gives what is ready and names the rest: call it again, or go on with other work first. Code
        that does not pass is sent back to the model for repair, at most twice, before it counts as ready.
        """
        told = _Progress(context, len(jobs))
        given_up = False

        def ready(view: JobView) -> None:
            anyio.from_thread.run(told.job, view)

        def wait() -> list[JobView]:
            with refusals():
                try:
                    return self._bridge.wait(
                        jobs, timeout_s=timeout_s, project=self._root, on_ready=ready, give_up=lambda: given_up
                    )
                except WaitTimedOut:
                    return self._bridge.views(jobs)

        await told.note(f"waiting for {counted(len(jobs), 'job')}")
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._beat, told)
                views = await anyio.to_thread.run_sync(wait, abandon_on_cancel=True)
                group.cancel_scope.cancel()
        finally:
            given_up = True  # the client went or cancelled: the thread ends at its next look
        return _reply([view for view in views if view.id in told.done or view.state in READY], views)

    async def _beat(self, told: _Progress) -> None:
        """Say every few seconds that the wait goes on, and whether anybody works."""
        while True:
            await anyio.sleep(self._beat_s)
            workers = (await anyio.to_thread.run_sync(self._bridge.status)).workers
            alive = f"{counted(workers, 'worker')} alive" if workers else "no worker is alive: start one"
            await told.note(f"{len(told.done)} of {told.total} ready; {alive}")


class _Progress:
    """Notes of progress. Their number always grows, as the protocol wants it: by one a job, by less for a sign of life."""

    def __init__(self, context: Context[object, object], total: int) -> None:
        self.done: set[str] = set()
        self.total = total
        self._context = context
        self._since = 0  # notes since the last job became ready
        self._one_at_a_time = anyio.Lock()

    async def job(self, view: JobView) -> None:
        """A job is ready."""
        async with self._one_at_a_time:
            self.done.add(view.id)
            self._since = 0
            await self._tell(f"{view.id} {view.verdict or view.state.value}")

    async def note(self, message: str) -> None:
        """The wait goes on."""
        async with self._one_at_a_time:
            if len(self.done) < self.total:
                await self._tell(message)

    async def _tell(self, message: str) -> None:
        part = self._since / (self._since + 1)
        self._since += 1
        await self._context.report_progress(len(self.done) + part, float(self.total), message)


def _reply(ready: list[JobView], views: list[JobView]) -> WaitReply:
    names = {view.id for view in ready}
    left = [view.id for view in views if view.id not in names]
    return WaitReply(ready=[_brief(view) for view in ready], not_ready=left, next=words.after_waiting(ready, left))


def _brief(view: JobView) -> HandOver:
    """A hand-over without the raw answer, which `get_result` gives: its code is in `files`."""
    what = view.handover()
    return what.evolve(answer=None) if what.files else what
