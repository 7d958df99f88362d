"""The lines of a batch of embeddings: asked live, because vectors are no cells."""

from __future__ import annotations

from dataclasses import replace

from bridge.gateway import batch_lines
from bridge.gateway.batch_parts import LINE_KIND, BatchParts
from bridge.gateway.embedding import embed
from bridge.gateway.file_store import KEPT_S
from bridge.gateway.records import Record
from bridge.protocols.asked import Json
from bridge.protocols.openai_batch import ApiBatch, BatchLine, BatchStatus
from bridge.protocols.openai_request import read_private
from bridge.protocols.refusal import RefusedAsk


async def embed_lines(parts: BatchParts, batch: ApiBatch) -> None:
    """Embed each line that has not been, until all are, or the batch is cancelled or expires."""
    completed = failed = 0
    is_late = False
    for line in batch_lines.lines_of(parts.input_of(batch), batch.endpoint):
        name = batch_lines.key_of(batch, line)
        known = parts.records.get(LINE_KIND, name, now=parts.now())
        if known is None:
            is_late = parts.now_s() >= batch.expires_at
            if is_late or (parts.get(batch.id) or batch).status is BatchStatus.CANCELLING:
                break
            known = await _embed(parts, batch, line)
        completed, failed = completed + ("body" in known.body), failed + ("error" in known.body)
    at = parts.now_s()

    def ended(now: ApiBatch) -> ApiBatch:
        return replace(now, completed=completed, failed=failed, is_late=is_late).moved(BatchStatus.FINALIZING, at)

    parts.change(batch, ended)


async def _embed(parts: BatchParts, batch: ApiBatch, line: BatchLine) -> Record:
    """A line's vector or its error, on disk."""
    try:
        found = await embed(parts.live, line.body.get("input"), line.body.get("model"), private=read_private(line.body))
        body: Json = {"body": found.as_openai()}
    except RefusedAsk as refused:
        body = {"error": {"code": refused.refusal.openai_code, "message": refused.refusal.message}}
    known = Record(
        id=batch_lines.key_of(batch, line),
        kind=LINE_KIND,
        created=parts.now_s(),
        caller="",
        body=body,
        expires=batch.expires_at + KEPT_S,
    )
    parts.records.put(known)
    return known
