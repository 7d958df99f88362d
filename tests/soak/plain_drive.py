"""Drive for clients that know nothing of queues: plain HTTP, no `If-Match`. The sync client and the tab use it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

FOLDER_TYPE = "application/vnd.google-apps.folder"
NOTEBOOK_TYPE = "application/vnd.google.colaboratory"
_FIELDS = "id,title,mimeType,headRevisionId,md5Checksum,labels(trashed),parents(id)"
#: No call of a stand-in takes longer; it may be made to stall.
TIMEOUT_S = 30.0


class DriveCallFailed(Exception):
    """The call did not work, or it is not known whether it did."""


@dataclass(frozen=True, kw_only=True)
class PlainDrive:
    """Calls with one token. Raises DriveCallFailed."""

    url: str
    token: str = ""

    def files_in(self, folder: str) -> list[dict[str, Any]]:
        """What lies in a folder, without what lies in the trash; may lag behind."""
        found: list[dict[str, Any]] = []
        page: str | None = None
        while True:
            asked = {"q": f"'{folder}' in parents and trashed = false", "fields": f"nextPageToken,items({_FIELDS})"}
            told = self._json("GET", "/drive/v2/files", asked | ({"pageToken": page} if page else {}))
            found += told.get("items", ())
            page = told.get("nextPageToken")
            if not page:
                return found

    def get(self, file_id: str) -> dict[str, Any]:
        """A file's description."""
        return self._json("GET", f"/drive/v2/files/{file_id}", {"fields": _FIELDS})

    def download(self, file_id: str) -> bytes:
        """A file's content, whole; nobody says that it is undamaged."""
        return self._send("GET", f"/drive/v2/files/{file_id}", {"alt": "media"})

    def put(self, file_id: str, data: bytes, type_: str = NOTEBOOK_TYPE) -> dict[str, Any]:
        """Write a file, whatever is there."""
        asked = {"uploadType": "media", "fields": _FIELDS}
        sent = self._send("PUT", f"/upload/drive/v2/files/{file_id}", asked, data, type_)
        return _object(sent)

    def insert(self, title: str, data: bytes, *, parent: str, type_: str = NOTEBOOK_TYPE) -> dict[str, Any]:
        """Make a new file; there may be one of that title already."""
        about = json.dumps({"title": title, "mimeType": type_, "parents": [{"id": parent}]}).encode()
        line = "==stand-in=="
        body = b"".join(
            (
                f"--{line}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n".encode(), about,
                f"\r\n--{line}\r\nContent-Type: {type_}\r\n\r\n".encode(), data, f"\r\n--{line}--".encode(),
            )
        )  # fmt: skip
        asked = {"uploadType": "multipart", "fields": _FIELDS}
        return _object(
            self._send("POST", "/upload/drive/v2/files", asked, body, f'multipart/related; boundary="{line}"')
        )

    def folder(self, title: str, *, parent: str) -> str:
        """Make a new folder; gives its id."""
        about = {"title": title, "mimeType": FOLDER_TYPE, "parents": [{"id": parent}]}
        made = self._json("POST", "/drive/v2/files", {"fields": "id"}, about)
        return str(made["id"])

    def trash(self, file_id: str) -> None:
        """Put a file into the trash."""
        self._send("POST", f"/drive/v2/files/{file_id}/trash", {})

    def admin(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """A request to the stand-in itself, which is no part of Google's API."""
        return self._json(method, f"/stand-in/{path}", {}, body or None)

    def _json(self, method: str, path: str, query: dict[str, str], body: Any = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        return _object(self._send(method, path, query, data, "application/json"))

    def _send(self, method: str, path: str, query: dict[str, str], data: bytes | None = None, type_: str = "") -> bytes:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if data is not None:
            headers["Content-Type"] = type_
        try:
            connection.request(method, quote(path) + (f"?{urlencode(query)}" if query else ""), data or b"", headers)
            reply = connection.getresponse()
            told = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise DriveCallFailed(f"{method} {path}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if reply.status >= 300:
            raise DriveCallFailed(f"{method} {path}: {reply.status} {told[:200]!r}")
        return told


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:  # damaged on its way
        raise DriveCallFailed(str(error)) from error
    if not isinstance(value, dict):
        raise DriveCallFailed(f"not an object: {data[:80]!r}")
    return value
