"""What a batch came to: its output and its error file, written a line at a time. Blocking; written anew after a kill."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from bridge.api.bridge import Bridge
from bridge.api.views import JobView
from bridge.core.errors import UnknownJob
from bridge.core.states import State
from bridge.format.codec import keyed_id
from bridge.gateway import batch_lines
from bridge.gateway.batch_parts import LINE_KIND, BatchParts
from bridge.gateway.file_store import KEPT_S
from bridge.gateway.queued import QueuedReply, reply_of
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead
from bridge.protocols.openai_batch import ApiBatch, BatchLine, BatchStatus, answered_line, failed_line

_WHY_NONE = {
    BatchStatus.EXPIRED: ("batch_expired", "this line was not answered before the batch expired"),
    BatchStatus.CANCELLED: ("batch_cancelled", "this line was not answered before the batch was cancelled"),
}


def ending(batch: ApiBatch) -> BatchStatus:
    """How a batch whose files are being written ends."""
    if BatchStatus.CANCELLING.value in batch.moments:
        return BatchStatus.CANCELLED
    return BatchStatus.EXPIRED if batch.is_late else BatchStatus.COMPLETED


def write_output(parts: BatchParts, batch: ApiBatch) -> ApiBatch:
    """Write both files; gives the batch with their names and what they come to. A file without lines is not there."""
    written = _Written(batch, ending(batch))
    suffix = batch.id.removeprefix("batch_")
    output_id, error_id = f"file-{suffix}-output", f"file-{suffix}-errors"
    writing = partial(
        parts.files.writing, caller="", now=parts.now(), kept_s=batch.output_kept_s or KEPT_S, purpose="batch_output",
        unless_empty=True,
    )  # fmt: skip
    with (
        writing(filename=f"{batch.id}_output.jsonl", name=output_id) as output,
        writing(filename=f"{batch.id}_error.jsonl", name=error_id) as errors,
    ):
        for line in batch_lines.lines_of(parts.input_of(batch), batch.endpoint):
            good, data = written.line(line, _outcome(parts, batch, line))
            (output if good else errors).write(data)
    return replace(
        batch,
        completed=written.completed,
        failed=written.failed,
        output_file_id=output_id if written.completed else None,
        error_file_id=error_id if written.failed else None,
        model=written.model,
        prompt_tokens=written.prompt_tokens,
        completion_tokens=written.completion_tokens,
    )


def _outcome(parts: BatchParts, batch: ApiBatch, line: BatchLine) -> JobView | Json | None:
    """What became of a line: a job, or what an embedding came to."""
    key = batch_lines.key_of(batch, line)
    if batch.endpoint not in batch_lines.WIRES:
        record = parts.records.get(LINE_KIND, key, now=parts.now())
        return record.body if record else None
    bridge: Bridge = parts.bridge
    try:
        return bridge.get(keyed_id(bridge.store.journal.queue_id, key))
    except UnknownJob:
        return None


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
            note["verdict"] = view.verdict or "unchecked"
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
