"""Drive v2 as googleapiclient gives it, which builds its methods at run time: those that we call, and the shape of what they answer.

Source: https://developers.google.com/workspace/drive/api/reference/rest/v2.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Protocol, TypedDict, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Property(TypedDict):
    """A custom property of a file."""

    key: str
    value: str
    visibility: str


class FileReference(TypedDict):
    """A file that is named and not described, such as a parent."""

    id: str


class FileResource(FileReference, total=False):
    """A file; only what was asked for is there."""

    title: str
    etag: str
    mimeType: str
    headRevisionId: str
    md5Checksum: str
    fileSize: str
    createdDate: str
    editable: bool
    labels: dict[str, bool]
    parents: Sequence[FileReference]
    properties: Sequence[Property]


class FileList(TypedDict, total=False):
    """A page of a search."""

    items: Sequence[FileResource]
    nextPageToken: str


class Change(TypedDict, total=False):
    """A file that changed; deleted ones are not described."""

    file: FileResource


class ChangeList(TypedDict, total=False):
    """A page of changes."""

    items: Sequence[Change]
    nextPageToken: str
    newStartPageToken: str


class StartToken(TypedDict):
    """Where the list of changes stands."""

    startPageToken: str


class NewIds(TypedDict):
    """Ids for files that are yet to be made."""

    ids: Sequence[str]


class User(TypedDict):
    """Whoever is signed in."""

    emailAddress: str


class About(TypedDict):
    """What Drive tells of an account."""

    user: User


class Http(Protocol):
    """A connection of httplib2."""

    def close(self) -> object:
        """End it."""


class DriveRequest(Protocol[T_co]):
    """One call, not sent yet."""

    @property
    def headers(self) -> MutableMapping[str, str]:
        """They can be changed before it is sent."""

    def execute(self, *, http: Http, num_retries: int = 0) -> T_co:
        """Send it; gives the reply. Raises what httplib2 and googleapiclient raise."""


class Files(Protocol):
    """`service.files()`."""

    def get(self, **asked: object) -> DriveRequest[FileResource]:
        """A file's description."""

    def get_media(self, **asked: object) -> DriveRequest[bytes]:
        """A file's content."""

    def list(self, **asked: object) -> DriveRequest[FileList]:
        """A page of a search."""

    def generateIds(self, **asked: object) -> DriveRequest[NewIds]:  # noqa: N802  # Google's name
        """Ids for new files."""

    def insert(self, **asked: object) -> DriveRequest[FileResource]:
        """Make a file."""

    def update(self, **asked: object) -> DriveRequest[FileResource]:
        """Replace description and content."""

    def patch(self, **asked: object) -> DriveRequest[FileResource]:
        """Change a part of the description."""

    def delete(self, **asked: object) -> DriveRequest[object]:
        """Delete a file for good."""


class Changes(Protocol):
    """`service.changes()`."""

    def getStartPageToken(self, **asked: object) -> DriveRequest[StartToken]:  # noqa: N802  # Google's name
        """Where the list of changes stands now."""

    def list(self, **asked: object) -> DriveRequest[ChangeList]:
        """A page of changes."""


class Accounts(Protocol):
    """`service.about()`."""

    def get(self, **asked: object) -> DriveRequest[About]:
        """Who is signed in."""


class DriveService(Protocol):
    """What `build_from_document` makes of Drive's description."""

    def files(self) -> Files:
        """Calls on files."""

    def changes(self) -> Changes:
        """Calls on the list of changes."""

    def about(self) -> Accounts:
        """Calls on the account."""
