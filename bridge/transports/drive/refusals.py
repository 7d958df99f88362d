"""What Drive, the net and a sign-in refuse, as our errors: the one place that knows theirs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager

import httplib2
from googleapiclient.errors import HttpError

from bridge.core.errors import DriveDenied, DriveFileGone, DriveUnreachable, NotSignedIn, StorageFull

_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded"})
_FULL = frozenset({"storageQuotaExceeded", "quotaExceeded", "teamDriveFileLimitExceeded"})


class Changed(Exception):  # an answer to a question, caught by the caller
    """412: the file is not at this etag."""


class Taken(Exception):  # the same
    """409: a file of this id is there already."""


class Limited(DriveUnreachable):
    """Drive wants fewer requests; nothing was done."""

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@contextmanager
def translated(about: str) -> Iterator[None]:
    """Raises our errors for theirs. `about`: what the call is about, for people."""
    try:
        yield
    except HttpError as error:
        raise _of_status(error, about) from error
    except (OSError, httplib2.HttpLib2Error, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise DriveUnreachable(f"Google Drive cannot be reached ({reason}): what is local goes on") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # What googleapiclient stumbles over: a page of a proxy, half a reply, another shape.
        raise DriveUnreachable(f"Google Drive said something about {about} that nobody can read") from error


def _of_status(error: HttpError, about: str) -> Exception:
    status, reason = int(error.resp.status), _reason(error)
    if status == 401:
        return NotSignedIn("Google does not accept the sign-in: run `bridge auth login`")
    if status == 404:
        return DriveFileGone(
            f"Drive shows no {about}: it was deleted, or this sign-in may not see it (its owner changed, sharing ended, or "
            "the scope drive.file with another OAuth client): `bridge auth status` says who is signed in"
        )
    if status == 409:
        return Taken(about)
    if status == 412:
        return Changed(about)
    if status == 429 or reason in _RATE:
        after = error.resp.get("retry-after", "")
        return Limited(
            f"Drive wants fewer requests ({reason or status})",
            float(after) if after.isdecimal() and len(after) < 10 else None,
        )
    if reason in _FULL:
        return StorageFull(
            f"no space left on Drive for {about}: free some. A service account has none of its own: let a person own the file"
        )
    if status == 403:
        return DriveDenied(
            f"Drive does not let this sign-in change {about} ({reason}): ask its owner for edit access, or sign in with "
            "`bridge auth login` as somebody who has it"
        )
    if status >= 500 or status == 408:
        return DriveUnreachable(f"Drive answered {status} ({reason or 'no reason'}) about {about}")
    return DriveDenied(f"Drive refused a request about {about}: {status} {reason}")


def _reason(error: HttpError) -> str:
    try:
        detail = json.loads(error.content)["error"]
        return str(detail["errors"][0]["reason"])
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return ""
