"""The words of the stand-in: who asks, what is refused, what was asked, and the time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

FOLDER = "application/vnd.google-apps.folder"
SCOPE = "https://www.googleapis.com/auth/drive"
PERSON = "person@example.com"  #: owns what is put from outside, and every token that names nobody else
CLIENT = "stand-in.apps.googleusercontent.com"
EVERYBODY = "*"

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whose access token a request carries."""

    account: str = PERSON
    client: str = CLIENT  #: the OAuth client: private properties and `drive.file` belong to one
    scopes: frozenset[str] = frozenset({SCOPE})
    service: bool = False  #: a service account that nobody delegated to: has no storage of its own

    @property
    def only_own_app(self) -> bool:
        """Sees only files which this OAuth client created or was given (scope `drive.file`)."""
        wide = {SCOPE, f"{SCOPE}.readonly", f"{SCOPE}.metadata", f"{SCOPE}.metadata.readonly"}
        return not self.scopes & wide


class Refusal(Exception):
    """An error answer, in the shape of Google's."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str = "",
        location_type: str = "",
        headers: dict[str, str] | None = None,
        violation: bool = False,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status, self.reason, self.message, self.domain = status, reason, message, domain
        self.location, self.location_type, self.headers, self.violation = (
            location,
            location_type,
            headers or {},
            violation,
        )

    def body(self) -> Json:
        error = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            error |= {"locationType": self.location_type, "location": self.location}
        return {"error": {"errors": [error], "code": self.status, "message": self.message}}


def not_found(file_id: str) -> Refusal:
    """What Google says of a file that is not there, and of one that the caller may not see."""
    return Refusal(404, "notFound", f"File not found: {file_id}", location="file", location_type="other")


def invalid(message: str, *, location: str = "", violation: bool = True) -> Refusal:
    """A request that can never be right; counted as a violation unless said otherwise."""
    kind = "parameter" if location else ""
    return Refusal(400, "invalid", message, location=location, location_type=kind, violation=violation)


def forbidden(file_id: str) -> Refusal:
    return Refusal(
        403, "insufficientFilePermissions", f"The user does not have sufficient permissions for file {file_id}."
    )


def precondition_failed() -> Refusal:
    return Refusal(412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One line of the log."""

    method: str  #: GET, POST, …
    path: str
    query: dict[str, str] = field(default_factory=dict)
    call: str = ""  #: of the API, such as `files.update`; a download (alt=media) is `files.download`; "" outside Drive
    account: str = ""
    if_match: str | None = None
    bytes_in: int = 0  #: of the body
    bytes_out: int = 0  #: of the body that was really sent
    status: int = 0  #: 0: the connection was reset before an answer
    reason: str = ""  #: of a refusal
    fault: str = ""  #: the fault that it suffered


class Clock:
    """Strictly rising UTC time in milliseconds; `advance` moves it without anybody waiting."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._now = now or (lambda: datetime.now(UTC))
        self._ahead = timedelta()
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """A time for a stamp: later than every earlier one by at least a millisecond."""
        with self._lock:
            self._last = max(self._now() + self._ahead, self._last + timedelta(milliseconds=1))
            return self._last

    def peek(self) -> datetime:
        """The time, for comparing."""
        with self._lock:
            return max(self._now() + self._ahead, self._last)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ahead += timedelta(seconds=seconds)


def stamp(time: datetime) -> str:
    """RFC 3339 with milliseconds, as Drive writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
