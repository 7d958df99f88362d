"""One file as the store keeps it, and the resource that Drive v2 shows of it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from tests.support.drive.values import EVERYBODY, FOLDER, Caller, Json, stamp

RANK = {"none": 0, "reader": 1, "writer": 2, "owner": 3}
KEPT = ("description", "starred", "indexableText", "folderColorRgb", "writersCanShare", "originalFilename")


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One content of a file."""

    id: str
    content: bytes
    modified: datetime
    mime_type: str
    by: str
    pinned: bool = False

    @cached_property
    def md5(self) -> str:
        return hashlib.md5(self.content).hexdigest()

    @cached_property
    def sha1(self) -> str:
        return hashlib.sha1(self.content).hexdigest()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(kw_only=True)
class Stored:
    """A file or folder. A copy from `Files.get` is the reader's own: changing it changes nothing."""

    id: str
    title: str
    mime_type: str
    owner: str
    created: datetime
    modified: datetime
    version: int = 0
    trashed: bool = False  #: itself; see `Files.is_trashed` for one inside a trashed folder
    parents: list[str] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    properties: dict[tuple[str, str, str], str] = field(default_factory=dict)  #: by key, visibility, OAuth client
    roles: dict[str, str] = field(default_factory=dict)  #: by account or "*"; "none" takes away
    clients: set[str] = field(default_factory=set)  #: OAuth clients that may see it with the scope `drive.file`
    extra: Json = field(default_factory=dict)
    by: str = ""  #: who changed it last

    def copy(self) -> Stored:
        return replace(
            self,
            parents=list(self.parents),
            revisions=list(self.revisions),
            properties=dict(self.properties),
            roles=dict(self.roles),
            clients=set(self.clients),
            extra=dict(self.extra),
        )

    @property
    def etag(self) -> str:
        """Moves with every change, also of metadata alone; quoted, as on the wire."""
        digest = hashlib.sha256(f"{self.id}:{self.version}".encode()).digest()[:15]
        return f'"{base64.urlsafe_b64encode(digest).decode()}"'

    @property
    def content(self) -> bytes:
        """b"" for a folder."""
        return self.revisions[-1].content if self.revisions else b""

    @property
    def md5(self) -> str:
        """ "" for a folder."""
        return self.revisions[-1].md5 if self.revisions else ""

    @property
    def head_revision_id(self) -> str:
        """ "" for a folder."""
        return self.revisions[-1].id if self.revisions else ""

    def role(self, account: str) -> str:
        """owner, writer, reader or none."""
        if account == self.owner:
            return "owner"
        return self.roles.get(account, self.roles.get(EVERYBODY, "none"))

    def sees(self, caller: Caller) -> bool:
        own_app = not caller.only_own_app or caller.client in self.clients
        return own_app and RANK[self.role(caller.account)] > 0

    def writes(self, caller: Caller) -> bool:
        return self.sees(caller) and RANK[self.role(caller.account)] > 1


def user(account: str, caller: Caller) -> Json:
    return {
        "kind": "drive#user",
        "displayName": account.split("@", maxsplit=1)[0],
        "emailAddress": account,
        "isAuthenticatedUser": account == caller.account,
        "permissionId": permission_id(account),
    }


def permission_id(account: str) -> str:
    if account == EVERYBODY:
        return "anyone"
    return str(int.from_bytes(hashlib.sha256(account.encode()).digest()[:8], "big")).zfill(20)


def permission(account: str, role: str, base: str, file_id: str) -> Json:
    known: Json = {"kind": "drive#permission", "id": permission_id(account), "role": role}
    known["selfLink"] = f"{base}/drive/v2/files/{file_id}/permissions/{known['id']}"
    if account == EVERYBODY:
        return known | {"type": "anyone"}
    return known | {"type": "user", "emailAddress": account, "name": account.split("@", maxsplit=1)[0]}


def permissions(file: Stored, base: str) -> list[Json]:
    rows = [(file.owner, "owner"), *((a, r) for a, r in file.roles.items() if r != "none" and a != file.owner)]
    return [permission(account, role, base, file.id) for account, role in rows]


def revision(file: Stored, rev: Revision, base: str, caller: Caller) -> Json:
    return {
        "kind": "drive#revision",
        "etag": f'"{rev.id}-{rev.md5[:8]}"',
        "id": rev.id,
        "selfLink": f"{base}/drive/v2/files/{file.id}/revisions/{rev.id}",
        "mimeType": rev.mime_type,
        "modifiedDate": stamp(rev.modified),
        "pinned": rev.pinned,
        "md5Checksum": rev.md5,
        "fileSize": str(len(rev.content)),
        "originalFilename": file.extra.get("originalFilename", file.title),
        "downloadUrl": f"{base}/drive/v2/files/{file.id}?alt=media&revisionId={rev.id}",
        "lastModifyingUserName": rev.by.split("@", maxsplit=1)[0],
        "lastModifyingUser": user(rev.by, caller),
    }


def resource(file: Stored, caller: Caller, base: str, *, root: str, trashed: bool) -> Json:
    """The v2 File resource as this caller sees it. `root` is the id of the caller's root folder."""
    role = file.role(caller.account)
    edits, owns, folder = RANK[role] > 1, role == "owner", file.mime_type == FOLDER
    link = f"{base}/drive/v2/files/{file.id}"
    shown: Json = {
        "kind": "drive#file",
        "id": file.id,
        "etag": file.etag,
        "selfLink": link,
        "alternateLink": f"{base}/file/d/{file.id}/view",
        "title": file.title,
        "mimeType": file.mime_type,
        "labels": {
            "starred": bool(file.extra.get("starred")),
            "hidden": False,
            "trashed": trashed,
            "restricted": False,
            "viewed": True,
        },
        "explicitlyTrashed": file.trashed,
        "createdDate": stamp(file.created),
        "modifiedDate": stamp(file.modified),
        "version": str(file.version),
        "parents": [_parent(file, parent, base, root) for parent in file.parents],
        "userPermission": permission(caller.account, role, base, file.id) | {"type": "user"},
        "quotaBytesUsed": str(sum(len(r.content) for r in file.revisions)),
        "ownerNames": [file.owner.split("@", maxsplit=1)[0]],
        "owners": [user(file.owner, caller)],
        "lastModifyingUserName": file.by.split("@", maxsplit=1)[0],
        "lastModifyingUser": user(file.by, caller),
        "ownedByMe": owns,
        "editable": edits,
        "copyable": not folder,
        "shareable": edits,
        "shared": any(r != "none" for r in file.roles.values()),
        "writersCanShare": file.extra.get("writersCanShare", True),
        "spaces": ["drive"],
        "appDataContents": False,
        "capabilities": {
            "canEdit": edits,
            "canRename": edits,
            "canModifyContent": edits and not folder,
            "canDownload": not folder,
            "canReadRevisions": edits and not folder,
            "canTrash": owns,
            "canUntrash": owns,
            "canDelete": owns,
            "canAddChildren": edits and folder,
            "canListChildren": folder,
        },
    }
    if edits:
        shown["permissions"] = permissions(file, base)
    shown |= {k: v for k, v in file.extra.items() if k in ("description", "folderColorRgb")}
    properties = [
        {
            "kind": "drive#property",
            "etag": f'"p{file.version}"',
            "selfLink": f"{link}/properties/{k}?visibility={v}",
            "key": k,
            "visibility": v,
            "value": value,
        }
        for (k, v, client), value in file.properties.items()
        if client in ("", caller.client)
    ]
    if properties:
        shown["properties"] = properties
    return shown | _of_content(file, link)


def _of_content(file: Stored, link: str) -> Json:
    if not file.revisions:
        return {}
    head = file.revisions[-1]
    dot = file.title.rpartition(".")[2] if "." in file.title else ""
    return {
        "originalFilename": file.extra.get("originalFilename", file.title),
        "fileExtension": dot,
        "fullFileExtension": dot,
        "md5Checksum": file.md5,
        "sha1Checksum": head.sha1,
        "sha256Checksum": head.sha256,
        "fileSize": str(len(head.content)),
        "headRevisionId": file.head_revision_id,
        "downloadUrl": f"{link}?alt=media",
    }


def _parent(file: Stored, parent: str, base: str, root: str) -> Json:
    return {
        "kind": "drive#parentReference",
        "id": parent,
        "selfLink": f"{base}/drive/v2/files/{file.id}/parents/{parent}",
        "parentLink": f"{base}/drive/v2/files/{parent}",
        "isRoot": parent == root,
    }
