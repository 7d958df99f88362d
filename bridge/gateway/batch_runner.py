"""Batches on their way: validated, added to the queue, watched, and written out. Each step is done again, unharmed, after a kill.

What a batch is stands in its record, written before each step; what became of its lines stands in the queue. Nothing else is
remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar

from bridge.api.bridge import Bridge
from bridge.api.views import JobView
from bridge.core.errors import BridgeError, UnknownJob
from bridge.core.states import UNDER_WAY, State
from bridge.format.codec import keyed_id
from bridge.gateway import batch_lines
from bridge.gateway.embedding import embed
from bridge.gateway.file_store import KEPT_S, FileStore
from bridge.gateway.live import Live
from bridge.gateway.queued import QueuedReply, reply_of
from bridge.gateway.records import Record, Records
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead
from bridge.protocols.openai_batch import ApiBatch, BatchLine, BatchStatus, answered_line, failed_line, load, store
from bridge.protocols.refusal import RefusedAsk
from bridge.store import query

T = TypeVar("T")

KIND = "batch"
#: Jobs that are added in one step.
_AT_ONCE = 1_000
#: How often a batch is looked at, in seconds.
_LOOK_S = 2.0


@dataclass(frozen=True, kw_only=True)
class BatchParts:
    """What a runner works with."""

    bridge: Bridge
    live: Live
    records: Records
    files: FileStore
    now: Callable[[], datetime]


class BatchRunner:
    """Runs the batches of one gateway, each in a task of its own."""

    def __init__(self, parts: BatchParts) -> None:
        self._parts = parts
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """Go on with every batch that is not over: in the event loop, once, at the start."""
        after = None
        while page := self._parts.records.listed(KIND, after=after, limit=100):
            for record in page:
                if not load(record.body).status.is_over:
                    self.start(record.id)
            after = page[-1].id

    def start(self, name: str) -> None:
        """Run a batch that has a record."""
        self._tasks[name] = asyncio.create_task(self._run(name), name=name)

    async def close(self) -> None:
        """Leave all of them where they are; the next start goes on."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def get(self, name: str) -> ApiBatch | None:
        """A batch as it stands."""
        record = self._parts.records.get(KIND, name, now=self._parts.now())
        return load(record.body) if record else None

    def put(self, batch: ApiBatch) -> ApiBatch:
        """Write it down."""
        created = batch.created_at
        body = store(batch)
        record = Record(id=batch.id, kind=KIND, created=created, expires=created + 4 * KEPT_S, caller="", body=body)
        self._parts.records.put(record)
        return batch

    async def _run(self, name: str) -> None:
        while (batch := await self._in_thread(lambda: self.get(name))) is not None and not batch.status.is_over:
            try:
                is_waiting = await self._step(batch)
            except BridgeError:  # the queue or the disk does not answer: it is tried again
                is_waiting = True
            if is_waiting:
                await asyncio.sleep(_LOOK_S)
        self._tasks.pop(name, None)

    async def _step(self, batch: ApiBatch) -> bool:
        """One step; gives whether there is nothing to do but wait."""
        if batch.status is BatchStatus.VALIDATING:
            await self._in_thread(lambda: self._validate(batch))
            return False
        if batch.status is BatchStatus.FINALIZING:
            await self._in_thread(lambda: self._finalize(batch))
            return False
        if batch.endpoint not in batch_lines.WIRES:
            await self._embed(batch)
            return False
        has = frozenset(await self._models())
        return await self._in_thread(lambda: self._answer(batch, has))

    def _validate(self, batch: ApiBatch) -> None:
        path = self._parts.files.path(batch.input_file_id)
        found = batch_lines.judge(path, batch.endpoint)
        if found.problems:
            failed = replace(batch, problems=tuple(found.problems)).moved(BatchStatus.FAILED, self._now_s())
            self.put(failed)
        else:
            self.put(replace(batch, total=found.total).moved(BatchStatus.IN_PROGRESS, self._now_s()))

    def _answer(self, batch: ApiBatch, has: frozenset[str]) -> bool:
        """See to it that each line has a job; gives whether some are still under way."""
        bridge = self._parts.bridge
        counts = self._counts(batch)
        if batch.status is BatchStatus.IN_PROGRESS and sum(counts.values()) < batch.total:
            jobs = batch_lines.jobs_of(batch, self._parts.files.path(batch.input_file_id), has=has)
            while some := list(islice(jobs, _AT_ONCE)):
                bridge.add_many(some, allow_secrets=True)  # each was scanned when the file was judged
            counts = self._counts(batch)
        under_way = sum(counts[state] for state in UNDER_WAY if state in counts)
        failed = counts[State.FAILED] + counts[State.BROKEN] + counts[State.CANCELLED]
        done = sum(counts.values()) - under_way - failed
        batch = self._noted(batch, completed=done, failed=failed)
        is_late = self._now_s() >= batch.expires_at
        if under_way and not is_late and batch.status is not BatchStatus.CANCELLING:
            return True
        if under_way:
            self._take_back(batch)
        self.put(batch.moved(BatchStatus.FINALIZING, self._now_s()))
        return False

    def _counts(self, batch: ApiBatch) -> dict[State, int]:
        store_ = self._parts.bridge.store
        caller = batch_lines.caller_of(batch)
        return store_.read(lambda reader: query.counts(reader, store_.clock.now(), caller))

    def _noted(self, batch: ApiBatch, *, completed: int, failed: int) -> ApiBatch:
        """The batch with these counts; written down, if they are new, unless somebody cancelled it meanwhile."""
        if (batch.completed, batch.failed) == (completed, failed):
            return batch
        now = self.get(batch.id) or batch
        return self.put(replace(now, completed=completed, failed=failed))

    def _take_back(self, batch: ApiBatch) -> None:
        """Cancel the jobs that have no answer."""
        bridge = self._parts.bridge
        waiting = [line.id for line in bridge.jobs(state=UNDER_WAY, caller=batch_lines.caller_of(batch))]
        for job in waiting:
            with contextlib.suppress(BridgeError):  # it was answered in this moment
                bridge.cancel(job)

    def _finalize(self, batch: ApiBatch) -> None:
        """Write both files, anew if a kill left one, and end."""
        ended = _END[next((word for word in (BatchStatus.CANCELLING.value,) if word in batch.moments), "")]
        if ended is BatchStatus.COMPLETED and self._now_s() >= batch.expires_at and batch.completed < batch.total:
            ended = BatchStatus.EXPIRED
        written = _Written(batch, ended)
        store_, kept_s = self._parts.files, batch.output_kept_s or KEPT_S
        suffix = batch.id.removeprefix("batch_")
        names = {"output": f"file-{suffix}-output", "error": f"file-{suffix}-errors"}
        told = {"caller": "", "now": self._parts.now(), "kept_s": kept_s, "purpose": "batch_output"}
        with (
            store_.writing(filename=f"{batch.id}_output.jsonl", name=names["output"], **told) as output,  # type: ignore[arg-type]  # by name
            store_.writing(filename=f"{batch.id}_error.jsonl", name=names["error"], **told) as errors,  # type: ignore[arg-type]  # by name
        ):
            for line in batch_lines.lines_of(store_.path(batch.input_file_id), batch.endpoint):
                good, data = written.line(line, self._outcome(batch, line))
                (output if good else errors).write(data)
        for name, count in ((names["output"], written.completed), (names["error"], written.failed)):
            if not count:
                store_.delete(name)
        self.put(
            replace(
                batch,
                completed=written.completed,
                failed=written.failed,
                output_file_id=names["output"] if written.completed else None,
                error_file_id=names["error"] if written.failed else None,
                model=written.model,
                prompt_tokens=written.prompt_tokens,
                completion_tokens=written.completion_tokens,
            ).moved(ended, self._now_s())
        )

    def _outcome(self, batch: ApiBatch, line: BatchLine) -> JobView | Json | None:
        """What became of a line: a job, or what an embedding came to."""
        if batch.endpoint not in batch_lines.WIRES:
            record = self._parts.records.get(f"{KIND}_line", batch_lines.key_of(batch, line), now=self._parts.now())
            return record.body if record else None
        bridge = self._parts.bridge
        try:
            return bridge.get(keyed_id(bridge.store.journal.queue_id, batch_lines.key_of(batch, line)))
        except UnknownJob:
            return None

    async def _embed(self, batch: ApiBatch) -> None:
        """Embed each line that has not been: live, because vectors are no cells."""
        records = self._parts.records
        path = self._parts.files.path(batch.input_file_id)
        completed = failed = 0
        for line in batch_lines.lines_of(path, batch.endpoint):
            now = self.get(batch.id) or batch
            if now.status is BatchStatus.CANCELLING or self._now_s() >= batch.expires_at:
                break
            name = batch_lines.key_of(batch, line)
            if (known := records.get(f"{KIND}_line", name, now=self._parts.now())) is None:
                try:
                    found = await embed(self._parts.live, line.body.get("input"), line.body.get("model"))
                    body: Json = {"body": found.as_openai()}
                except RefusedAsk as refused:
                    body = {"error": {"code": refused.refusal.openai_code, "message": refused.refusal.message}}
                known = Record(
                    id=name,
                    kind=f"{KIND}_line",
                    created=self._now_s(),
                    caller="",
                    body=body,
                    expires=batch.expires_at + KEPT_S,
                )
                records.put(known)
            completed, failed = completed + ("body" in known.body), failed + ("error" in known.body)
        now = self.get(batch.id) or batch
        self.put(replace(now, completed=completed, failed=failed).moved(BatchStatus.FINALIZING, self._now_s()))

    async def _models(self) -> list[str]:
        try:
            return [model.name for model in await self._parts.live.models()]
        except RefusedAsk:
            return []

    def _now_s(self) -> int:
        return int(self._parts.now().timestamp())

    @staticmethod
    async def _in_thread(call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, call)


_END = {BatchStatus.CANCELLING.value: BatchStatus.CANCELLED, "": BatchStatus.COMPLETED}
_WHY_NONE = {
    BatchStatus.EXPIRED: ("batch_expired", "this line was not answered before the batch expired"),
    BatchStatus.CANCELLED: ("batch_cancelled", "this line was not answered before the batch was cancelled"),
}


class _Written:
    """The lines of both files, and what they come to."""

    def __init__(self, batch: ApiBatch, ended: BatchStatus) -> None:
        self._batch, self._ended = batch, ended
        self.completed = self.failed = self.prompt_tokens = self.completion_tokens = 0
        self.model: str | None = None

    def line(self, line: BatchLine, outcome: JobView | Json | None) -> tuple[bool, bytes]:
        """(whether it was answered, the line of the file)."""
        answer = outcome.get("body") if isinstance(outcome, dict) else self._body(line, outcome)
        if isinstance(answer, dict):
            self.completed += 1
            return True, answered_line(self._batch.id, line.number, line.custom_id, answer)
        self.failed += 1
        code, message = self._why(outcome)
        return False, failed_line(self._batch.id, line.number, line.custom_id, code, message)

    def _body(self, line: BatchLine, view: JobView | None) -> Json | None:
        if view is None:
            return None
        found = reply_of(view)
        if found.reply is None or not found.is_over:
            return None
        self.prompt_tokens += found.usage.prompt or 0
        self.completion_tokens += found.usage.completion or 0
        self.model = self.model or found.model
        return self._answered(line, view, found)

    def _answered(self, line: BatchLine, view: JobView, found: QueuedReply) -> Json:
        wire = batch_lines.WIRES[self._batch.endpoint]
        asked: Asked = batch_lines.asked_of(line, self._batch.endpoint)
        note: dict[str, object] = {"job": view.id}
        if self._batch.wants_check:
            note["verdict"] = view.verdict
        created = (
            view.line.finished_at or view.line.created_at or datetime.fromtimestamp(self._batch.created_at).astimezone()
        )
        head = ReplyHead(id=f"{wire.id_prefix}{view.id}", created=created, model=found.model or "unknown", note=note)
        assert found.reply is not None
        return wire.whole(asked, Answered(head=head, replies=(found.reply,), usage=found.usage))

    def _why(self, outcome: JobView | Json | None) -> tuple[str, str]:
        if isinstance(outcome, JobView) and outcome.state is not State.CANCELLED and outcome.error:
            return "job_failed", outcome.error
        if isinstance(outcome, dict) and isinstance(error := outcome.get("error"), dict):
            return str(error["code"] or "server_error"), str(error["message"])
        return _WHY_NONE.get(self._ended, ("job_cancelled", "somebody cancelled this line's job in the queue"))
