"""Programs, servers, services and the clock: what else can fail outside."""

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


class WaitTimedOut(BridgeError):
    """The wait ran out of time."""

    exit_code = 124
