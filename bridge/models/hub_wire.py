"""What the headers of a hub's replies mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from bridge.core.errors import DownloadFailed

if TYPE_CHECKING:
    import requests


def goes_on(reply: requests.Response, start: int, etag: str | None) -> bool:
    """Whether a partial answer begins where ours ends, and is of the same version as far as the two say."""
    found = re.match(r"bytes (\d+)-", reply.headers.get("Content-Range", ""))
    theirs = strong(reply)
    return found is not None and int(found[1]) == start and (etag is None or theirs is None or etag == theirs)


def strong(reply: requests.Response) -> str | None:
    """The entity tag, if it is one that `If-Range` may name (RFC 9110, 13.1.5: no weak one)."""
    etag = reply.headers.get("ETag", "")
    return etag if etag.startswith('"') else None


def unquoted(etag: str) -> str:
    """An entity tag without its quotes."""
    return etag.removeprefix("W/").strip('"')


def onward(url: str, location: str) -> str:
    """Where a redirect leads; never from an encrypted address to a plain one."""
    target = urljoin(url, location)
    parts = urlsplit(target)
    if parts.scheme == "https" or (parts.scheme == "http" and urlsplit(url).scheme == "http"):
        return target
    raise DownloadFailed(f"{urlsplit(url).netloc} redirects to an address that is not encrypted: not followed")
