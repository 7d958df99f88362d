"""The calls of Drive's API v2 that a queue needs: one method, one request, errors translated.

v2, because only its files carry an etag that a media PUT with `If-Match` honours: that is the compare-and-swap
(facts on Drive, section 2). What failed without an effect is tried again here, with jitter and `Retry-After`; a write that
may have had its effect is not: it ends in `DriveUnreachable`, and the caller looks what happened.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import stamina
from googleapiclient.http import MediaInMemoryUpload

from bridge.core.errors import DriveFileGone, DriveUnreachable
from bridge.format.fields import Fields
from bridge.transports.drive.refusals import Limited, translated
from bridge.transports.drive.resources import DriveRequest, DriveService, FileResource, Http, Property

T = TypeVar("T")

#: Characters of a title: Drive takes 32,767.
_TITLE_CHARS = 40_000
FOLDER_TYPE = "application/vnd.google-apps.folder"
#: Drive knows notebooks by this type, and opens Colab for them.
NOTEBOOK_TYPE = "application/vnd.google.colaboratory"
_FIELDS = (
    "id,title,etag,mimeType,headRevisionId,md5Checksum,fileSize,createdDate,editable,labels(trashed),parents(id),"
    "properties(key,value,visibility)"
)


@dataclass(frozen=True, kw_only=True)
class DriveFile:
    """A file as Drive describes it."""

    id: str
    title: str
    etag: str
    type: str
    revision: str  #: of the content; a change of metadata leaves it
    md5: str
    size: int  #: bytes
    created: str  #: RFC 3339
    editable: bool
    trashed: bool
    parents: tuple[str, ...]
    properties: Mapping[str, str]  #: the public ones


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a call is tried: tries in all, and seconds in all."""

    attempts: int = 6
    total_s: float = 40.0


#: For calls under a lock that others wait for: the loop around them tries again.
NONE = Patience(attempts=1, total_s=1.0)


class Connections:
    """One connection a thread: httplib2's are not for several."""

    def __init__(self, connect: Callable[[], Http]) -> None:
        self._connect = connect
        self._own = threading.local()
        self._all: list[Http] = []

    def mine(self) -> Http:
        """This thread's."""
        own: Http | None = getattr(self._own, "http", None)
        if own is None:
            own = self._own.http = self._connect()
            self._all.append(own)
        return own

    def close(self) -> None:
        """End them all."""
        while self._all:
            self._all.pop().close()
        self._own = threading.local()


@dataclass(kw_only=True)
class Calls:
    """Calls through one signed-in service. Safe for several threads.

    Whoever holds a lock that others wait for sets `patience` to `NONE`.

    Args:
        service: Drive v2, as googleapiclient builds it.
        connections: authorized, with a time limit for every call.
    """

    service: DriveService
    connections: Connections
    patience: Patience = field(default_factory=Patience)
    #: Requests by method, and bytes by direction, since the start.
    counts: Counter[str] = field(default_factory=Counter)

    def get(self, file_id: str) -> DriveFile:
        """A file's description, fresh. Raises DriveFileGone."""
        request = self.service.files().get(fileId=file_id, fields=_FIELDS, supportsAllDrives=True)
        return _file(self._ask("files.get", request, about=file_id))

    def search(self, query: str) -> list[DriveFile]:
        """The files that match, oldest first. New ones may be missing for minutes (facts on Drive, section 2)."""
        found: list[DriveFile] = []
        token = None
        while True:
            request = self.service.files().list(
                q=query, maxResults=500, pageToken=token, orderBy="createdDate", fields=f"nextPageToken,items({_FIELDS})",
                supportsAllDrives=True, includeItemsFromAllDrives=True,
            )  # fmt: skip
            page = self._ask("files.list", request, about="the folder")
            with _in_shape():
                found += [_file(item) for item in page.get("items", ())]
                token = page.get("nextPageToken")
            if not token:
                return found

    def download(self, file: DriveFile) -> bytes:
        """The content as it is now: compare with `file.md5` whether it is that of the description."""
        data = self._ask(
            "files.get media", self.service.files().get_media(fileId=file.id, supportsAllDrives=True), about=file.title
        )
        self.counts["bytes down"] += len(data)
        return data

    def new_id(self) -> str:
        """An id for a file that is yet to be made."""
        reply = self._ask("files.generateIds", self.service.files().generateIds(maxResults=1), about="new files")
        with _in_shape():
            return str(reply["ids"][0])

    def create(
        self,
        file_id: str,
        title: str,
        *,
        parent: str | None,
        type_: str,
        properties: Mapping[str, str],
        data: bytes | None,
    ) -> DriveFile:
        """Make a file under an id from `new_id`. Raises Taken, and DriveUnreachable if it may have been made."""
        body: dict[str, object] = {
            "id": file_id, "title": title, "mimeType": type_, "properties": _properties(properties),
        }  # fmt: skip
        if parent:
            body["parents"] = [{"id": parent}]
        media = MediaInMemoryUpload(data, mimetype=type_, resumable=False) if data is not None else None
        request = self.service.files().insert(body=body, media_body=media, fields=_FIELDS, supportsAllDrives=True)
        self.counts["bytes up"] += len(data or b"")
        return _file(self._ask("files.insert", request, about=title, once=True))

    def put(self, file: DriveFile, data: bytes) -> DriveFile:
        """Replace the content of a file that is still at this etag.

        Raises:
            Changed: it is not, or Drive says so.
            DriveUnreachable: it may have been replaced, or not.
        """
        media = MediaInMemoryUpload(data, mimetype=file.type, resumable=False)
        request = self.service.files().update(fileId=file.id, media_body=media, fields=_FIELDS, supportsAllDrives=True)
        request.headers["If-Match"] = file.etag
        self.counts["bytes up"] += len(data)
        return _file(self._ask("files.update", request, about=file.title, once=True))

    def describe(self, file: DriveFile, *, properties: Mapping[str, str]) -> DriveFile:
        """Set public properties of a file that is still at this etag. Raises Changed."""
        request = self.service.files().patch(
            fileId=file.id, body={"properties": _properties(properties)}, fields=_FIELDS, supportsAllDrives=True
        )
        request.headers["If-Match"] = file.etag
        return _file(self._ask("files.patch", request, about=file.title, once=True))

    def move(self, file: DriveFile, *, into: str, properties: Mapping[str, str]) -> DriveFile:
        """Move a file to another folder."""
        request = self.service.files().patch(
            fileId=file.id, addParents=into, removeParents=",".join(file.parents) or None,
            body={"properties": _properties(properties)}, fields=_FIELDS, supportsAllDrives=True,
        )  # fmt: skip
        return _file(self._ask("files.patch", request, about=file.title))

    def delete(self, file: DriveFile) -> None:
        """Delete a file for good; none there is fine."""
        try:
            self._ask(
                "files.delete", self.service.files().delete(fileId=file.id, supportsAllDrives=True), about=file.title
            )
        except DriveFileGone:
            return

    def changes_from_now(self) -> str:
        """A token for `changes`."""
        reply = self._ask(
            "changes.getStartPageToken",
            self.service.changes().getStartPageToken(supportsAllDrives=True),
            about="changes",
        )
        with _in_shape():
            return str(reply["startPageToken"])

    def changes(self, token: str) -> tuple[list[DriveFile], str]:
        """The files that changed since a token, and the next token. Minutes late, perhaps never: a hint (facts, 2)."""
        found: list[DriveFile] = []
        while True:
            request = self.service.changes().list(
                pageToken=token, maxResults=500, includeDeleted=False, supportsAllDrives=True, includeItemsFromAllDrives=True,
                fields=f"nextPageToken,newStartPageToken,items(fileId,deleted,file({_FIELDS}))",
            )  # fmt: skip
            page = self._ask("changes.list", request, about="changes")
            with _in_shape():
                found += [_file(item["file"]) for item in page.get("items", ()) if item.get("file")]
                if not page.get("nextPageToken"):
                    return found, str(page.get("newStartPageToken", token))
                token = page["nextPageToken"]

    # ---- one request

    def _ask(self, method: str, request: DriveRequest[T], *, about: str, once: bool = False) -> T:
        """Send it. `once`: it is not sent again if it may have had its effect."""

        def again(error: Exception) -> bool | float:
            if isinstance(error, Limited):
                return True if error.retry_after_s is None else error.retry_after_s
            return isinstance(error, DriveUnreachable) and not once

        for attempt in stamina.retry_context(
            on=again, attempts=self.patience.attempts, timeout=self.patience.total_s, wait_initial=0.5, wait_max=20.0
        ):
            with attempt, translated(about):
                self.counts[method] += 1
                return request.execute(http=self.connections.mine(), num_retries=0)
        raise AssertionError("stamina lets the last error through")


@contextmanager
def _in_shape() -> Iterator[None]:
    """Raises DriveUnreachable for what a reply lacks or holds in another type: it may be a proxy's, or a later version's."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DriveUnreachable(
            f"Google Drive answered in a shape that is not known ({error}): it is asked again"
        ) from error


def _file(item: FileResource) -> DriveFile:
    """Raises DriveUnreachable."""
    with _in_shape():
        said = Fields(values=item, where="file.")
        labels = said.group("labels")
        return DriveFile(
            id=_needed(said, "id"),
            title=said.text("title", _TITLE_CHARS) or "",
            etag=said.text("etag") or "",
            type=said.text("mimeType") or "",
            revision=said.text("headRevisionId") or "",
            md5=said.text("md5Checksum") or "",
            size=int(said.text("fileSize") or 0),
            created=said.text("createdDate") or "",
            editable=bool(item.get("editable", True)),
            trashed=bool(labels and labels.values.get("trashed")),
            parents=tuple(_needed(parent, "id") for parent in said.groups("parents")),
            properties={
                _needed(p, "key"): p.text("value") or ""
                for p in said.groups("properties") if p.text("visibility") == "PUBLIC"
            },
        )  # fmt: skip


def _needed(said: Fields, name: str) -> str:
    text = said.text(name)
    if not text:
        raise ValueError(f"{said.where}{name} is missing")
    return text


def _properties(values: Mapping[str, str]) -> Sequence[Property]:
    return [{"key": key, "value": value, "visibility": "PUBLIC"} for key, value in values.items()]
