"""`/v1/batches`: make, look, list, cancel. Source: https://platform.openai.com/docs/api-reference/batch."""

from __future__ import annotations

import secrets
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.gateway.batch_parts import KIND
from bridge.gateway.batch_runner import BatchRunner
from bridge.gateway.body import read_json
from bridge.gateway.context import GatewayContext
from bridge.gateway.endpoint import endpoint
from bridge.gateway.file_store import LONGEST_S, SHORTEST_S
from bridge.gateway.paging import read_page
from bridge.gateway.reply import json_response
from bridge.protocols.asked import Json
from bridge.protocols.openai_batch import ENDPOINTS, WINDOW_S, ApiBatch, BatchStatus, load, read_metadata
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

_WIRE = ChatCompletions()


def routes(context: GatewayContext) -> list[Route]:
    """All of them."""
    return BatchPaths(context).routes()


class BatchPaths:
    """What the paths of batches do."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/v1/batches", endpoint(_WIRE, self._create), methods=["POST"]),
            Route("/v1/batches", endpoint(_WIRE, self._listed), methods=["GET"]),
            Route("/v1/batches/{id}", endpoint(_WIRE, self._one), methods=["GET"]),
            Route("/v1/batches/{id}/cancel", endpoint(_WIRE, self._cancel), methods=["POST"]),
        ]

    def _runner(self) -> BatchRunner:
        if self._context.batches is None:
            raise RefusedAsk.bad(
                "there is no queue here: `bridge init` makes one, and `bridge serve --queue PATH` uses it"
            )
        return self._context.batches

    def _find(self, request: Request) -> ApiBatch:
        name = request.path_params["id"]
        found = self._runner().parts.get(name)
        if found is None:
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.NOT_FOUND, message=f"there is no batch {name[:80]!r}"))
        return found

    async def _create(self, request: Request) -> Response:
        run = self._runner()
        batch = replace(_read(await read_json(request), self._context), queue=run.queue_id)
        await self._context.live.in_thread(lambda: run.parts.hold_input(batch))
        run.parts.put(batch)
        run.start(batch.id)
        return json_response(batch.as_json())

    async def _listed(self, request: Request) -> Response:
        page = read_page(request, most=100, default=20)
        found = (
            self._context.records.listed(KIND, after=page.after, limit=page.limit + 1) if self._context.records else []
        )
        return json_response(page.body([load(record.body).as_json() for record in found]))

    async def _one(self, request: Request) -> Response:
        return json_response(self._find(request).as_json())

    async def _cancel(self, request: Request) -> Response:
        parts = self._runner().parts

        def cancelled(batch: ApiBatch) -> ApiBatch:
            if batch.status.is_over or batch.status is BatchStatus.FINALIZING:
                message = f"batch {batch.id} is {batch.status.value}: there is nothing left to cancel"
                raise RefusedAsk(ApiRefusal(kind=RefusalKind.CONFLICT, message=message))
            return batch.moved(BatchStatus.CANCELLING, parts.now_s())

        return json_response(parts.change(self._find(request), cancelled).as_json())


def _read(body: Json, context: GatewayContext) -> ApiBatch:
    """A new batch. Raises RefusedAsk."""
    name, endpoint_ = body.get("input_file_id"), body.get("endpoint")
    if endpoint_ not in ENDPOINTS:
        raise RefusedAsk.bad(f"endpoint must be one of {', '.join(ENDPOINTS)}, not {endpoint_!r}", "endpoint")
    if body.get("completion_window") != "24h":
        raise RefusedAsk.bad("completion_window must be 24h", "completion_window")
    if not isinstance(name, str) or context.files is None or context.files.get(name, context.now()) is None:
        raise RefusedAsk(
            ApiRefusal(
                kind=RefusalKind.NOT_FOUND, message=f"there is no file {str(name)[:80]!r}", param="input_file_id"
            )
        )
    created = int(context.now().timestamp())
    return ApiBatch(
        id=f"batch_{secrets.token_hex(12)}",
        endpoint=str(endpoint_),
        input_file_id=name,
        created_at=created,
        expires_at=created + WINDOW_S,
        metadata=read_metadata(body.get("metadata")),
        output_kept_s=_kept_s(body.get("output_expires_after")),
    )


def _kept_s(value: object) -> int | None:
    if value is None:
        return None
    seconds = value.get("seconds") if isinstance(value, dict) else None
    anchor = value.get("anchor", "created_at") if isinstance(value, dict) else None
    if anchor != "created_at":
        raise RefusedAsk.bad("output_expires_after.anchor must be created_at", "output_expires_after")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not SHORTEST_S <= seconds <= LONGEST_S:
        raise RefusedAsk.bad(
            f"output_expires_after.seconds must be from {SHORTEST_S} to {LONGEST_S}", "output_expires_after"
        )
    return seconds
