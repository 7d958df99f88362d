"""Google Drive does not do what was asked: exit 3."""

from __future__ import annotations

from bridge.core.errors.queue_files import QueueError


class DriveError(QueueError):
    """Google Drive does not do what was asked."""


class NotSignedIn(DriveError):
    """Nobody is signed in to Google Drive: run `bridge auth login`."""


class SignInFailed(DriveError):
    """Signing in to Google was refused, ran out of time, or could not be stored."""


class DriveUnreachable(DriveError):
    """Google Drive is offline, overloaded or out of order; it is tried again."""


class DriveDenied(DriveError):
    """Google Drive does not allow this sign-in to do that."""


class DriveFileGone(DriveError):
    """The file is not on Google Drive: deleted, in the trash, or not to be seen by this sign-in."""
