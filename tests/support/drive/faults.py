"""What the stand-in can be made to suffer. Nothing here sleeps: what stalls waits for `Faults.released`."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass
from enum import Enum

from tests.support.drive.values import Refusal


class How(Enum):
    """What happens to a request that a fault meets."""

    ANSWER = "answer"  # an error answer; nothing was done
    AFTER_COMMIT = "after commit"  # done, and then an error answer all the same
    STALE_ETAG = "stale etag"  # a request with If-Match is answered 412, also with the right etag
    OTHER_WRITE = (
        "other write"  # somebody else writes the file just before a request with If-Match, which so comes too late
    )
    OLD_ETAG = "old etag"  # done, but the answer's etag is not the file's
    CORRUPT = "corrupt"  # one byte of the downloaded content is another
    CUT = "cut"  # half of the promised body, then the end of the connection
    STALL = "stall"  # half of the body, then silence until `released`
    MUTE = "mute"  # no answer at all until `released`; then the connection ends and nothing was done
    RESET = "reset"  # the connection is reset; nothing was done
    RESET_AFTER_COMMIT = "reset after commit"  # done, and then the connection is reset


EARLY = (How.ANSWER, How.STALE_ETAG, How.MUTE, How.RESET)
LATE = tuple(h for h in How if h not in EARLY)
REASONS = {
    401: ("authError", "Invalid Credentials"),
    403: ("userRateLimitExceeded", "User Rate Limit Exceeded"),
    404: ("notFound", "File not found"),
    429: ("rateLimitExceeded", "Rate Limit Exceeded"),
    500: ("internalError", "Internal Error"),
    502: ("badGateway", "Bad Gateway"),
    503: ("backendError", "Backend Error"),
}
MESSAGES = {
    "rateLimitExceeded": "Rate Limit Exceeded",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "dailyLimitExceeded": "Daily Limit Exceeded",
    "storageQuotaExceeded": "The user's Drive storage quota has been exceeded.",
}


@dataclass(kw_only=True)
class Fault:
    """One fault; `hits` counts whom it met."""

    pattern: str  #: searched in "PUT /upload/drive/v2/files/ID?uploadType=media files.update"
    how: How = How.ANSWER
    status: int = 503
    reason: str = ""  #: default: what Google says with that status
    times: int | None = 1  #: None: for ever
    skip: int = 0  #: so many matching requests pass first
    retry_after_s: int | None = None
    hits: int = 0

    def refusal(self) -> Refusal:
        reason, message = REASONS.get(self.status, ("backendError", "Backend Error"))
        reason, message = self.reason or reason, MESSAGES.get(self.reason, message)
        limited = "LimitExceeded" in reason or "QuotaExceeded" in reason
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        return Refusal(self.status, reason, message, domain="usageLimits" if limited else "global", headers=headers)


class Faults:
    """Those that wait for their requests, and a share of chance."""

    def __init__(self, rate: float = 0.0, seed: int = 0) -> None:
        self.rate = rate  #: share of Drive requests that suffer one of `by_chance`
        self.hits: dict[str, int] = {}
        self.released = threading.Event()
        self._chance = random.Random(seed)
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        re.compile(fault.pattern)
        with self._lock:
            self._waiting.append(fault)
        return fault

    def unmet(self) -> list[str]:
        """Those that nobody has met yet, by what they do."""
        with self._lock:
            return [fault.how.value for fault in self._waiting if not fault.hits]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self.rate = 0.0

    def meet(self, line: str, *, if_match: bool, download: bool, drive: bool) -> Fault | None:
        """The fault that this request suffers: the first that fits, or one by chance."""
        with self._lock:
            for fault in self._waiting:
                if not re.search(fault.pattern, line) or not _fits(fault.how, if_match=if_match, download=download):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None and fault.hits >= fault.times:
                    continue
                fault.hits += 1
                self._count(fault)
                return fault
            if drive and self.rate and self._chance.random() < self.rate:
                fault = self._chance.choice(by_chance())
                if _fits(fault.how, if_match=if_match, download=download):
                    self._count(fault)
                    return fault
            return None

    def _count(self, fault: Fault) -> None:
        told = fault.how in (How.ANSWER, How.AFTER_COMMIT)
        name = f"{fault.how.value} {fault.status}" if told else fault.how.value
        self.hits[name] = self.hits.get(name, 0) + 1


def _fits(how: How, *, if_match: bool, download: bool) -> bool:
    if how in (How.STALE_ETAG, How.OTHER_WRITE):
        return if_match
    return download if how is How.CORRUPT else True


def by_chance() -> list[Fault]:
    """What a soak test meets; none of them stalls for ever."""
    return [
        Fault(pattern="", status=503),
        Fault(pattern="", status=500),
        Fault(pattern="", status=403),
        Fault(pattern="", status=429, retry_after_s=1),
        Fault(pattern="", how=How.AFTER_COMMIT, status=503),
        Fault(pattern="", how=How.STALE_ETAG),
        Fault(pattern="", how=How.OLD_ETAG),
        Fault(pattern="", how=How.CORRUPT),
        Fault(pattern="", how=How.CUT),
        Fault(pattern="", how=How.RESET),
        Fault(pattern="", how=How.RESET_AFTER_COMMIT),
    ]
