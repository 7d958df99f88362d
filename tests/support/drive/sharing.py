"""Permissions: list, add, take away. Groups, domains and inheritance from folders are not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.drive.stored import RANK, permission, permission_id, permissions
from tests.support.drive.values import EVERYBODY, Json, Refusal, invalid

if TYPE_CHECKING:
    from tests.support.drive.methods import Asked


def permissions_list(ask: Asked) -> Json:
    file = ask.writable(ask.call["fileId"])
    link = f"{ask.base}/drive/v2/files/{file.id}/permissions"
    return {"kind": "drive#permissionList", "etag": file.etag, "selfLink": link, "items": permissions(file, ask.base)}


def permissions_insert(ask: Asked) -> Json:
    file, body = ask.writable(ask.call["fileId"]), ask.body
    role, kind = body.get("role") or "", body.get("type") or ""
    if role not in RANK or kind not in ("user", "anyone") or (kind == "user" and not body.get("value")):
        raise invalid("A permission needs a role, a type (user or anyone) and a value.", location="permission")
    account = body["value"] if kind == "user" else EVERYBODY
    with ask.files.changing(file.id, by=ask.caller.account, keep_date=True) as draft:
        if role == "owner":
            if file.owner != ask.caller.account:
                raise Refusal(403, "insufficientFilePermissions", "Only the owner gives a file away.")
            draft.roles[draft.owner] = "writer"
            draft.owner = account
        else:
            draft.roles[account] = role
    return permission(account, role, ask.base, file.id)


def permissions_delete(ask: Asked) -> None:
    file, wanted = ask.writable(ask.call["fileId"]), ask.call["permissionId"]
    for account in file.roles:
        if permission_id(account) == wanted:
            with ask.files.changing(file.id, by=ask.caller.account, keep_date=True) as draft:
                draft.roles.pop(account)
            return
    raise Refusal(404, "notFound", f"Permission not found: {wanted}")
