"""`/v1/files`: upload, list, look, read, delete. Nothing of a file is ever whole in memory.

Source: https://platform.openai.com/docs/api-reference/files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from typing import IO

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from bridge.gateway.context import GatewayContext, caller_of
from bridge.gateway.endpoint import endpoint
from bridge.gateway.file_store import KEPT_S, LONGEST_S, MOST_BYTES, SHORTEST_S, FileStore, as_json
from bridge.gateway.paging import read_page
from bridge.gateway.records import Record
from bridge.gateway.reply import json_response
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

_WIRE = ChatCompletions()
_PURPOSES = ("batch", "assistants", "user_data", "evals", "fine-tune", "vision")
_PIECE = 1 << 20
#: How long a client may take to send a file, in seconds: 200 MB at 3 Mbit/s.
PATIENCE_S = 600.0


def routes(context: GatewayContext) -> list[Route]:
    """All of them."""
    return FilePaths(context).routes()


class FilePaths:
    """What the paths of files do."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/v1/files", endpoint(_WIRE, self._upload), methods=["POST"]),
            Route("/v1/files", endpoint(_WIRE, self._listed), methods=["GET"]),
            Route("/v1/files/{id}", endpoint(_WIRE, self._one), methods=["GET"]),
            Route("/v1/files/{id}", endpoint(_WIRE, self._delete), methods=["DELETE"]),
            Route("/v1/files/{id}/content", endpoint(_WIRE, self._content), methods=["GET"]),
        ]

    def _store(self) -> FileStore:
        if self._context.files is None:
            raise RefusedAsk.bad("this gateway keeps no files: start it where there is a queue")
        return self._context.files

    def _find(self, request: Request) -> Record:
        name = request.path_params["id"]
        found = self._store().get(name, self._context.now())
        if found is None:
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.NOT_FOUND, message=f"there is no file {name[:80]!r}"))
        return found

    async def _upload(self, request: Request) -> Response:
        files = self._store()
        form = await _form(request)
        try:
            sent, purpose = form.get("file"), form.get("purpose")
            if not isinstance(sent, UploadFile):
                raise RefusedAsk.bad("file is needed, as a part of a form", "file")
            if purpose not in _PURPOSES:
                raise RefusedAsk.bad(f"purpose must be one of {', '.join(_PURPOSES)}", "purpose")
            kept_s = _kept_s(form)
            name = files.new_id()
            writing = files.writing(
                filename=sent.filename or "upload.jsonl", purpose=str(purpose), caller=caller_of(request).name,
                now=self._context.now(), kept_s=kept_s, name=name,
            )  # fmt: skip
            await asyncio.get_running_loop().run_in_executor(None, _save, sent, writing)
        finally:
            await form.close()
        found = files.get(name, self._context.now())
        assert found is not None
        return json_response(as_json(found))

    async def _listed(self, request: Request) -> Response:
        page = read_page(request, most=10_000)
        purpose = request.query_params.get("purpose")
        found = self._store().newest(
            after=page.after, limit=page.limit + 1, newest_first=page.newest_first, purpose=purpose
        )
        return json_response(page.body([as_json(record) for record in found]))

    async def _one(self, request: Request) -> Response:
        return json_response(as_json(self._find(request)))

    async def _content(self, request: Request) -> Response:
        found = self._find(request)
        return FileResponse(self._store().path(found.id), media_type="application/octet-stream")

    async def _delete(self, request: Request) -> Response:
        found = self._find(request)
        self._store().delete(found.id)
        return json_response({"id": found.id, "object": "file", "deleted": True})


async def _form(request: Request) -> FormData:
    """The parts of a form; files of more than a megabyte go to the disk. Raises RefusedAsk."""
    too_large = ApiRefusal(kind=RefusalKind.TOO_LARGE, message=f"a file has at most {MOST_BYTES >> 20} MB")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and (len(told) > 18 or int(told) > MOST_BYTES + _PIECE):
        raise RefusedAsk(too_large)
    got = 0

    async def counted() -> AsyncGenerator[bytes, None]:
        nonlocal got
        async for piece in request.stream():
            got += len(piece)
            if got > MOST_BYTES + _PIECE:
                raise RefusedAsk(too_large)
            yield piece

    try:
        async with asyncio.timeout(PATIENCE_S):
            return await MultiPartParser(request.headers, counted(), max_files=1, max_fields=20).parse()
    except TimeoutError:
        why = f"the file took longer than {PATIENCE_S:.0f} s"
        raise RefusedAsk(ApiRefusal(kind=RefusalKind.TIMED_OUT, message=why)) from None
    except (MultiPartException, KeyError) as error:
        raise RefusedAsk.bad(f"the form cannot be read: {error}") from None


def _save(sent: UploadFile, writing: AbstractContextManager[IO[bytes]]) -> None:
    """Blocking."""
    with writing as stream:
        sent.file.seek(0)
        while piece := sent.file.read(_PIECE):
            stream.write(piece)


def _kept_s(form: FormData) -> int:
    told = form.get("expires_after[seconds]")
    if told is None:
        return KEPT_S
    if form.get("expires_after[anchor]", "created_at") != "created_at":
        raise RefusedAsk.bad("expires_after.anchor must be created_at", "expires_after")
    if not str(told).isdecimal() or len(str(told)) > 9 or not SHORTEST_S <= int(str(told)) <= LONGEST_S:
        raise RefusedAsk.bad(f"expires_after.seconds must be from {SHORTEST_S} to {LONGEST_S}", "expires_after")
    return int(str(told))
