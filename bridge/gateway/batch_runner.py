"""Batches on their way: validated, added to the queue, watched, and written out. Each step is done again, unharmed, after a kill.

What a batch is stands in its record, written before each step; what became of its lines stands in the queue. Nothing else is
remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TypeVar

from bridge.core.errors import BridgeError
from bridge.core.states import UNDER_WAY, State
from bridge.gateway import batch_lines
from bridge.gateway.batch_embedding import embed_lines
from bridge.gateway.batch_output import ending, write_output
from bridge.gateway.batch_parts import KIND, BatchParts
from bridge.gateway.batch_review import UNCHECKED, BatchReview
from bridge.protocols.openai_batch import ApiBatch, BadLine, BatchStatus, LineProblem, load
from bridge.store import query

T = TypeVar("T")

#: Jobs that are added, or cancelled, in one step.
_AT_ONCE = 1_000
#: How often a batch is looked at, in seconds.
_LOOK_S = 2.0


class BatchRunner:
    """Runs the batches of one gateway, each in a task of its own."""

    def __init__(self, parts: BatchParts) -> None:
        self.parts = parts
        self._review = BatchReview(parts.bridge)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def queue_id(self) -> str:
        """Of the queue that batches made here go through."""
        return self.parts.bridge.store.journal.queue_id

    def resume(self) -> None:
        """Go on with every batch of this queue that is not over: in the event loop, once, at the start."""
        after = None
        while page := self.parts.records.listed(KIND, after=after, limit=100):
            for batch in (load(record.body) for record in page):
                if not batch.status.is_over and batch.queue in ("", self.queue_id):
                    self.start(batch.id)
            after = page[-1].id

    def start(self, name: str) -> None:
        """Run a batch that has a record."""
        self._tasks[name] = asyncio.create_task(self._run(name), name=name)

    async def close(self) -> None:
        """Leave all of them where they are; the next start goes on."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, name: str) -> None:
        while (batch := await self._in_thread(lambda: self.parts.get(name))) is not None and not batch.status.is_over:
            try:
                is_waiting = await self._step(batch)
            except (FileNotFoundError, BadLine) as error:  # its input is gone, or no more what was judged
                why = f"the input file cannot be read: {error}"
                await self._in_thread(partial(self._give_up, batch, why))
                is_waiting = False
            except (BridgeError, OSError):  # the queue or the disk does not answer: it is tried again
                is_waiting = True
            if is_waiting:
                await asyncio.sleep(_LOOK_S)
        self._tasks.pop(name, None)

    async def _step(self, batch: ApiBatch) -> bool:
        """One step; gives whether there is nothing to do but wait."""
        if batch.status is BatchStatus.VALIDATING or not batch.total:
            await self._in_thread(lambda: self._validate(batch))
            return False
        if batch.status is BatchStatus.FINALIZING:
            await self._in_thread(lambda: self._finalize(batch))
            return False
        if batch.endpoint not in batch_lines.WIRES:
            await embed_lines(self.parts, batch)
            return False
        has = await self.parts.live.model_names()
        return await self._in_thread(lambda: self._answer(batch, has))

    def _validate(self, batch: ApiBatch) -> None:
        found = batch_lines.judge(self.parts.input_of(batch), batch.endpoint)
        at = self.parts.now_s()
        if found.problems:
            problems = tuple(found.problems)
            self._over(
                self.parts.change(batch, lambda now: replace(now, problems=problems).moved(BatchStatus.FAILED, at))
            )
            return

        def judged(now: ApiBatch) -> ApiBatch:
            known = replace(now, total=found.total)
            return known.moved(BatchStatus.IN_PROGRESS, at) if now.status is BatchStatus.VALIDATING else known

        self.parts.change(batch, judged)

    def _answer(self, batch: ApiBatch, has: frozenset[str]) -> bool:
        """See to it that each line has a job; gives whether there is nothing to do but wait."""
        counts = self._counts(batch)
        is_late = self.parts.now_s() >= batch.expires_at
        is_open = batch.status is BatchStatus.IN_PROGRESS and not is_late
        if is_open and sum(counts.values()) < batch.total:
            self._add(batch, has)
            counts = self._counts(batch)
        was_checked = is_open and batch.wants_check and self._review.step(batch)
        counts = self._counts(batch) if was_checked else counts
        under_way = sum(counts[state] for state in UNDER_WAY)
        failed = counts[State.FAILED] + counts[State.BROKEN] + counts[State.CANCELLED]
        self._note(batch, completed=sum(counts.values()) - under_way - failed, failed=failed)
        unchecked = sum(counts[state] for state in UNCHECKED) if batch.wants_check else 0
        if is_open and (under_way or unchecked):
            return not was_checked
        if under_way:
            self._take_back(batch)
        left_undone = is_late and (under_way > 0 or sum(counts.values()) < batch.total)
        at = self.parts.now_s()
        self.parts.change(batch, lambda now: replace(now, is_late=left_undone).moved(BatchStatus.FINALIZING, at))
        return False

    def _add(self, batch: ApiBatch, has: frozenset[str]) -> None:
        jobs = batch_lines.jobs_of(batch, self.parts.input_of(batch), has=has)
        while some := list(islice(jobs, _AT_ONCE)):
            self.parts.bridge.add_many(some, allow_secrets=True)  # each was scanned when the file was judged

    def _counts(self, batch: ApiBatch) -> dict[State, int]:
        """Of its lines; rounds of repair, which a watcher may ask for, are none."""
        queue = self.parts.bridge.store
        caller = batch_lines.caller_of(batch)
        return queue.read(lambda reader: query.counts(reader, queue.clock.now(), caller, original=True))

    def _note(self, batch: ApiBatch, *, completed: int, failed: int) -> None:
        if (batch.completed, batch.failed) != (completed, failed):
            self.parts.change(batch, lambda now: replace(now, completed=completed, failed=failed))

    def _take_back(self, batch: ApiBatch) -> None:
        """Cancel the jobs that have no answer."""
        bridge = self.parts.bridge
        waiting = iter([line.id for line in bridge.jobs(state=UNDER_WAY, caller=batch_lines.caller_of(batch))])
        while some := list(islice(waiting, _AT_ONCE)):
            try:
                bridge.cancel(*some)
            except BridgeError:  # one was answered in this moment
                for job in some:
                    with contextlib.suppress(BridgeError):
                        bridge.cancel(job)

    def _finalize(self, batch: ApiBatch) -> None:
        """Write both files, anew if a kill left one, and end."""
        written = write_output(self.parts, batch)
        at = self.parts.now_s()
        self._over(self.parts.change(batch, lambda _now: written.moved(ending(batch), at)))

    def _give_up(self, batch: ApiBatch, why: str) -> None:
        problem = LineProblem(code="input_unreadable", message=why, line=None)
        at = self.parts.now_s()
        self._take_back(batch)
        self._over(
            self.parts.change(batch, lambda now: replace(now, problems=(problem,)).moved(BatchStatus.FAILED, at))
        )

    def _over(self, batch: ApiBatch) -> None:
        self.parts.let_input_go(batch)

    @staticmethod
    async def _in_thread(call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, call)
