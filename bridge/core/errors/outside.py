"""Programs, servers, services, the clock and a job: what else can fail outside."""

from __future__ import annotations

from bridge.core.errors.base import BridgeError


class NotDelivered(BridgeError):
    """A program or server did not take a result; it is tried again."""


class ServiceFailed(BridgeError):
    """The system did not do with the service what was asked."""


class DownloadFailed(BridgeError):
    """The model could not be fetched; the same command goes on where it stopped."""


class NotOnHub(DownloadFailed):
    """The hub has no such model or file."""


class DownloadDamaged(DownloadFailed):
    """What was fetched is not what the hub has; it was deleted."""


class DownloadTooLarge(DownloadFailed):
    """The disk has no room for the model."""


class JobFailed(BridgeError):
    """The job ended without an answer."""

    exit_code = 1

    def __init__(self, job: str, state: str, reason: str | None) -> None:
        self.job, self.state, self.reason = job, state, reason
        why = f": {reason}" if reason else ""
        super().__init__(
            f"job {job} has no answer, it is {state}{why}: `bridge retry {job}` puts it back into the queue"
        )


class WaitTimedOut(BridgeError, TimeoutError):
    """The wait ran out of time."""

    exit_code = 124
