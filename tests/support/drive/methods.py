"""What each call of the API does to the store. Not here: answered 501 and counted as a violation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.drive import listings, sharing
from tests.support.drive.discovery import Call
from tests.support.drive.files import Files
from tests.support.drive.stored import KEPT, RANK, Revision, Stored, resource, revision
from tests.support.drive.values import (
    FOLDER,
    Caller,
    Json,
    Refusal,
    forbidden,
    invalid,
    not_found,
    precondition_failed,
)

MAX_PROPERTY_BYTES = 124
MAX_PUBLIC, MAX_PRIVATE, MAX_PROPERTIES = 30, 30, 100


@dataclass(frozen=True, kw_only=True)
class Media:
    """What an upload brings."""

    content: bytes
    mime_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """All that a call needs."""

    files: Files
    caller: Caller
    call: Call
    base: str  #: http://127.0.0.1:PORT
    body: Json
    media: Media | None = None
    if_match: str | None = None
    service_storage: bool = False  #: service accounts may own content

    def show(self, file: Stored) -> Json:
        root = self.files.root(self.caller.account)
        return resource(file, self.caller, self.base, root=root, trashed=self.files.is_trashed(file))

    def seen(self, file_id: str) -> Stored:
        """The file, if this caller may see it. Raises Refusal (404)."""
        if file_id == "root":
            file_id = self.files.root(self.caller.account)
        file = self.files.one(file_id)
        if not file.sees(self.caller) and file.id != self.files.root(self.caller.account):
            raise not_found(file_id)
        return file

    def writable(self, file_id: str, *, owner: bool = False) -> Stored:
        """The file, if this caller may change it and If-Match fits. Raises Refusal (404, 403, 412, 500)."""
        file = self.seen(file_id)
        if not file.writes(self.caller) or (owner and file.owner != self.caller.account):
            raise forbidden(file_id)
        check_etag(self.if_match, file)
        return file


def check_etag(if_match: str | None, file: Stored) -> None:
    """Raises Refusal: 412 for another etag, 500 for what is none (fact 2)."""
    if if_match is None or if_match.strip() == "*":
        return
    tags = [tag.strip() for tag in if_match.split(",")]
    if not all(re.fullmatch(r'"[^"]*"', tag) for tag in tags):
        raise Refusal(500, "internalError", "Internal Error")
    if file.etag not in tags:
        raise precondition_failed()


# ---- reading ------------------------------------------------------------------------------------------------------


def get(ask: Asked) -> Json:
    return ask.show(ask.seen(ask.call["fileId"]))


def download(ask: Asked) -> Revision:
    """The revision whose content is sent."""
    file = ask.seen(ask.call["fileId"])
    if not file.revisions:
        raise Refusal(403, "fileNotDownloadable", "Only files with binary content can be directly downloaded.")
    wanted = ask.call["revisionId"] or file.head_revision_id
    return _revision(file, wanted)


def _revision(file: Stored, wanted: str) -> Revision:
    for rev in file.revisions:
        if rev.id == wanted:
            return rev
    raise Refusal(404, "notFound", f"Revision not found: {wanted}", location="revisionId", location_type="parameter")


def revisions_list(ask: Asked) -> Json:
    file = ask.writable(ask.call["fileId"])
    start, count = int(ask.call["pageToken"] or 0), ask.call["maxResults"]
    page = [revision(file, r, ask.base, ask.caller) for r in file.revisions[start : start + count]]
    answer: Json = {
        "kind": "drive#revisionList",
        "etag": file.etag,
        "selfLink": f"{ask.base}/drive/v2/files/{file.id}/revisions",
        "items": page,
    }
    return answer | ({"nextPageToken": str(start + count)} if start + count < len(file.revisions) else {})


def revisions_get(ask: Asked) -> Json:
    file = ask.writable(ask.call["fileId"])
    return revision(file, _revision(file, ask.call["revisionId"]), ask.base, ask.caller)


# ---- writing ------------------------------------------------------------------------------------------------------


def insert(ask: Asked) -> Json:
    body, files, caller = ask.body, ask.files, ask.caller
    file_id = body.get("id") or ""
    if file_id and files.has(file_id):
        raise Refusal(409, "fileIdInUse", "A file already exists with the provided ID.")
    if file_id and not files.was_generated(file_id):
        raise invalid("The provided file ID is not usable.", location="id")
    parents = [p["id"] for p in body.get("parents") or () if p.get("id")]
    if len(parents) > 1:
        raise invalid("A file cannot have several parents.", location="parents", violation=False)
    if ask.media and caller.service and not ask.service_storage:
        message = "Service Accounts do not have storage quota."
        raise Refusal(403, "storageQuotaExceeded", message, domain="usageLimits")
    parent = _new_parent(ask, parents[0]) if parents else ""
    mime = body.get("mimeType") or (ask.media.mime_type if ask.media else "") or "application/octet-stream"
    file = files.make(body.get("title") or "", mime, caller.account, parent, file_id)
    file.clients = {caller.client}
    if parent:  # a file inherits who may see it
        above = files.one(parent)
        file.roles = {**above.roles, above.owner: "writer"}
    if mime != FOLDER:
        files.write(file, ask.media.content if ask.media else b"", by=caller.account, pinned=bool(ask.call["pinned"]))
    _metadata(ask, file)
    files.commit(file)
    return ask.show(file)


def update(ask: Asked) -> Json:
    files, call = ask.files, ask.call
    current = ask.writable(call["fileId"])
    labels = ask.body.get("labels") or {}
    if "trashed" in labels and current.owner != ask.caller.account:
        raise forbidden(current.id)
    with files.changing(current.id, by=ask.caller.account, keep_date=True) as file:
        if ask.media:
            file.mime_type = ask.body.get("mimeType") or ask.media.mime_type or file.mime_type
            files.write(
                file,
                ask.media.content,
                by=ask.caller.account,
                replace_head=call["newRevision"] is False,
                pinned=bool(call["pinned"]),
            )
        _metadata(ask, file)
        _parents(ask, file)
        file.modified = _modified(ask, file)
        if "trashed" in labels:
            file.trashed = bool(labels["trashed"])
    return ask.show(files.one(current.id))


def _modified(ask: Asked, file: Stored) -> datetime:
    if ask.call["setModifiedDate"] and ask.body.get("modifiedDate"):
        return datetime.fromisoformat(ask.body["modifiedDate"])
    return file.modified if ask.call["modifiedDateBehavior"] == "noChange" else ask.files.clock.now()


def _metadata(ask: Asked, file: Stored) -> None:
    body = ask.body
    file.title = body.get("title") or file.title
    if body.get("mimeType") and (file.mime_type == FOLDER) == (body["mimeType"] == FOLDER):
        file.mime_type = body["mimeType"]
    file.extra |= {k: body[k] for k in KEPT if k in body}
    if "starred" in (body.get("labels") or {}):
        file.extra["starred"] = body["labels"]["starred"]
    for entry in body.get("properties") or ():
        visibility = entry.get("visibility") or "PRIVATE"
        if not entry.get("key") or visibility not in ("PRIVATE", "PUBLIC"):
            raise invalid("A property needs a key, and visibility PRIVATE or PUBLIC.", location="properties")
        key = (entry["key"], visibility, ask.caller.client if visibility == "PRIVATE" else "")
        value = entry.get("value")
        if value is None:
            file.properties.pop(key, None)
            continue
        if len((entry["key"] + value).encode()) > MAX_PROPERTY_BYTES:
            raise invalid(f"Property {entry['key']} is longer than {MAX_PROPERTY_BYTES} bytes.", location="properties")
        file.properties[key] = value
    shared = sum(v == "PUBLIC" for _, v, _ in file.properties)
    own = sum(c == ask.caller.client for _, _, c in file.properties)
    if shared > MAX_PUBLIC or own > MAX_PRIVATE or len(file.properties) > MAX_PROPERTIES:
        raise invalid("The file has too many properties.", location="properties")


def _parents(ask: Asked, file: Stored) -> None:
    added = [_new_parent(ask, p) for p in (ask.call["addParents"] or "").split(",") if p]
    removed = [p for p in (ask.call["removeParents"] or "").split(",") if p]
    if ask.body.get("parents"):  # a list in the body replaces
        added, removed = [_new_parent(ask, p["id"]) for p in ask.body["parents"]], list(file.parents)
    root = ask.files.root(ask.caller.account)
    removed = [root if p == "root" else p for p in removed]
    parents = [p for p in file.parents if p not in removed]
    parents += [p for p in added if p not in parents]
    if len(parents) > max(1, len(file.parents)):
        raise Refusal(403, "cannotAddParent", "Increasing the number of parents is not allowed")
    file.parents = parents or [ask.files.root(file.owner)]


def _new_parent(ask: Asked, parent_id: str) -> str:
    folder = ask.seen(parent_id)
    if folder.mime_type != FOLDER:
        raise Refusal(403, "parentNotAFolder", "The specified parent is not a folder.")
    if RANK[folder.role(ask.caller.account)] < RANK["writer"]:
        raise Refusal(403, "insufficientParentPermissions", "Insufficient permissions for the specified parent.")
    return folder.id


def trash(ask: Asked) -> Json:
    file = ask.writable(ask.call["fileId"], owner=True)
    with ask.files.changing(file.id, by=ask.caller.account, keep_date=True) as draft:
        draft.trashed = ask.call.name == "files.trash"
    return ask.show(ask.files.one(file.id))


def delete(ask: Asked) -> None:
    ask.files.delete(ask.writable(ask.call["fileId"], owner=True).id)


def touch(ask: Asked) -> Json:
    file = ask.writable(ask.call["fileId"])
    with ask.files.changing(file.id, by=ask.caller.account):
        pass
    return ask.show(ask.files.one(file.id))


def copy(ask: Asked) -> Json:
    source = ask.seen(ask.call["fileId"])
    if source.mime_type == FOLDER:
        raise Refusal(403, "cannotCopyFile", "This file cannot be copied by the user.")
    media = Media(content=source.content, mime_type=source.mime_type)
    body = {"title": ask.body.get("title") or f"Copy of {source.title}", "parents": ask.body.get("parents")}
    return insert(
        Asked(
            files=ask.files, caller=ask.caller, call=ask.call, base=ask.base, body=body, media=media,
            service_storage=ask.service_storage,
        )
    )  # fmt: skip


def generate_ids(ask: Asked) -> Json:
    ids = [ask.files.generate_id(ask.caller.account) for _ in range(ask.call["maxResults"])]
    return {"kind": "drive#generatedIds", "space": ask.call["space"], "ids": ids}


METHODS: dict[str, Callable[[Asked], Any]] = {
    "about.get": listings.about,
    "changes.list": listings.changes,
    "changes.getStartPageToken": listings.start_page_token,
    "files.list": listings.files,
    "children.list": listings.children,
    "parents.list": listings.parents,
    "properties.list": listings.properties,
    "files.get": get,
    "files.download": download,
    "files.insert": insert,
    "files.update": update,
    "files.patch": update,
    "files.trash": trash,
    "files.untrash": trash,
    "files.delete": delete,
    "files.touch": touch,
    "files.copy": copy,
    "files.generateIds": generate_ids,
    "revisions.list": revisions_list,
    "revisions.get": revisions_get,
    "permissions.list": sharing.permissions_list,
    "permissions.insert": sharing.permissions_insert,
    "permissions.delete": sharing.permissions_delete,
}
