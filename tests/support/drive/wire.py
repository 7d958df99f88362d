"""Plain HTTP at the stand-in, for tests that look at what is on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

from tests.support.drive.standin import StandIn


@dataclass(frozen=True, kw_only=True)
class Told:
    """An answer."""

    status: int
    content: bytes
    headers: Any

    def __getitem__(self, name: str) -> Any:
        return json.loads(self.content)[name]

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def reason(self) -> str:
        """Google's name of the error; "" for none."""
        return str(self["error"]["errors"][0]["reason"]) if self.status >= 400 else ""


class Wire:
    """One client with a token. `path` is below /drive/v2/ unless it begins with a slash."""

    def __init__(self, drive: StandIn, token: str = "") -> None:
        self.drive, self.token = drive, token or drive.token()
        self.session = requests.Session()
        self.session.trust_env = False

    def close(self) -> None:
        self.session.close()

    def __call__(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: bytes | None = None,
        etag: str | None = None,
        **more: Any,
    ) -> Told:
        """`body` goes as JSON, `data` as it is; what else is given are headers (`content_type=…`) or `query`."""
        query = more.pop("query", {})
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {k.replace("_", "-"): v for k, v in more.items()}
        if etag is not None:
            headers["If-Match"] = etag
        if body is not None:
            data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"} | headers
        url = self.drive.url + (path if path.startswith("/") else f"/drive/v2/{path}")
        answer = self.session.request(
            method, url, params=query, data=data, headers=headers, timeout=30, allow_redirects=False
        )
        return Told(status=answer.status_code, content=answer.content, headers=answer.headers)

    def save(self, file_id: str, content: bytes, etag: str | None = None, **query: Any) -> Told:
        """A simple media upload."""
        path = f"/upload/drive/v2/files/{file_id}"
        query = {"uploadType": "media"} | query
        return self("PUT", path, data=content, etag=etag, query=query, content_type="application/json")

    def list(self, q: str = "", **query: Any) -> list[str]:
        """The ids of one page."""
        found = self("GET", "files", query={"q": q, "fields": "items(id)"} | query)
        return [item["id"] for item in found["items"]]
