"""Lists: files with a query and pages, changes, and what else only tells."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from tests.support.drive import query
from tests.support.drive.stored import Stored, user
from tests.support.drive.values import FOLDER, Json, invalid

if TYPE_CHECKING:
    from tests.support.drive.methods import Asked

ORDERS = ("createdDate", "folder", "modifiedDate", "modifiedByMeDate", "quotaBytesUsed", "recency", "title", "title_natural")  # fmt: skip
MAX_PAGE = 1000


def files(ask: Asked) -> Json:
    """files.list. A page token stands for the ids that are left, and fits only the query that it came from."""
    call = ask.call
    wanted = query.parse(call["q"] or "")
    asked = json.dumps([call["q"], call["orderBy"]])
    rows = ask.files.listed(lambda f: f.sees(ask.caller))
    shown = {f.id: r for f in rows if wanted(r := ask.show(f))}
    if call["pageToken"]:
        try:
            before, ids = json.loads(base64.urlsafe_b64decode(call["pageToken"]))
        except ValueError:
            raise invalid("Invalid Value", location="pageToken") from None
        if before != asked:
            raise invalid("Invalid Value", location="pageToken")
    else:
        ids = [r["id"] for r in _ordered(list(shown.values()), call["orderBy"])]
    count = min(call["maxResults"] or MAX_PAGE, MAX_PAGE)
    link = f"{ask.base}/drive/v2/files"
    items = [shown[i] for i in ids[:count] if i in shown]
    answer: Json = {"kind": "drive#fileList", "etag": _etag(items), "selfLink": link, "incompleteSearch": False}
    answer["items"] = items
    if ids[count:]:
        token = base64.urlsafe_b64encode(json.dumps([asked, ids[count:]]).encode()).decode()
        answer |= {"nextPageToken": token, "nextLink": f"{link}?pageToken={token}"}
    return answer


def _ordered(items: list[Json], order: str | None) -> list[Json]:
    for key in reversed([k.strip() for k in (order or "").split(",") if k.strip()]):
        name, _, way = key.partition(" ")
        if name not in ORDERS or way not in ("", "desc"):
            raise invalid(f"Invalid sort key {key}", location="orderBy")
        items.sort(key=lambda item, name=name: _rank(item, name), reverse=way == "desc")  # type: ignore[misc]
    return items


def _rank(item: Json, name: str) -> Any:
    if name == "folder":
        return item["mimeType"] != FOLDER
    if name in ("title", "title_natural"):
        return item["title"].lower()
    if name == "quotaBytesUsed":
        return int(item[name])
    return item["createdDate" if name == "createdDate" else "modifiedDate"]


def changes(ask: Asked) -> Json:
    """changes.list: each file once, with its newest change; `newStartPageToken` on the last page only (facts 2)."""
    call = ask.call
    token = call["pageToken"] or call["startChangeId"] or "1"
    if not token.isdigit() or int(token) > ask.files.last_change + 1:
        raise invalid("Invalid Value", location="pageToken")
    rows, count = ask.files.changes(int(token)), min(call["maxResults"], MAX_PAGE)
    items = [_change(ask, number, file_id) for number, file_id in rows[:count]]
    if not call["includeDeleted"]:
        items = [i for i in items if not i["deleted"]]
    link = f"{ask.base}/drive/v2/changes"
    answer: Json = {"kind": "drive#changeList", "etag": _etag(items), "selfLink": link, "items": items}
    answer["largestChangeId"] = str(ask.files.last_change)
    if rows[count:]:
        return answer | {"nextPageToken": str(rows[count][0]), "nextLink": f"{link}?pageToken={rows[count][0]}"}
    return answer | {"newStartPageToken": str(ask.files.last_change + 1)}


def _change(ask: Asked, number: int, file_id: str) -> Json:
    file: Stored | None = ask.files.one(file_id) if ask.files.has(file_id) else None
    gone = file is None or not file.sees(ask.caller)
    change: Json = {
        "kind": "drive#change",
        "id": str(number),
        "selfLink": f"{ask.base}/drive/v2/changes/{number}",
        "changeType": "file",
        "type": "file",
        "fileId": file_id,
        "deleted": gone,
    }
    if file is None or gone:
        return change
    shown = ask.show(file)
    return change | {"modificationDate": shown["modifiedDate"], "file": shown}


def start_page_token(ask: Asked) -> Json:
    return {"kind": "drive#startPageToken", "startPageToken": str(ask.files.last_change + 1)}


def about(ask: Asked) -> Json:
    account = ask.caller.account
    used = ask.files.bytes_of(account)
    total = 0 if ask.caller.service and not ask.service_storage else 15 * 2**30
    return {
        "kind": "drive#about",
        "etag": _etag([]),
        "selfLink": f"{ask.base}/drive/v2/about",
        "name": account.split("@", maxsplit=1)[0],
        "user": user(account, ask.caller),
        "permissionId": user(account, ask.caller)["permissionId"],
        "rootFolderId": ask.files.root(account),
        "largestChangeId": str(ask.files.last_change),
        "quotaBytesTotal": str(total),
        "quotaBytesUsed": str(used),
        "quotaBytesUsedAggregate": str(used),
        "quotaBytesUsedInTrash": "0",
        "quotaType": "LIMITED",
        "languageCode": "en",
    }


def children(ask: Asked) -> Json:
    folder = ask.seen(ask.call["folderId"])
    rows = ask.files.listed(lambda f: folder.id in f.parents and f.sees(ask.caller))
    link = f"{ask.base}/drive/v2/files"
    items = [
        {
            "kind": "drive#childReference",
            "id": f.id,
            "selfLink": f"{link}/{folder.id}/children/{f.id}",
            "childLink": f"{link}/{f.id}",
        }
        for f in rows[: ask.call["maxResults"]]
    ]
    return {"kind": "drive#childList", "etag": _etag(items), "selfLink": f"{link}/{folder.id}/children", "items": items}


def parents(ask: Asked) -> Json:
    shown = ask.show(ask.seen(ask.call["fileId"]))
    return {"kind": "drive#parentList", "etag": shown["etag"], "selfLink": shown["selfLink"], "items": shown["parents"]}


def properties(ask: Asked) -> Json:
    shown = ask.show(ask.seen(ask.call["fileId"]))
    items = shown.get("properties", [])
    return {"kind": "drive#propertyList", "etag": shown["etag"], "selfLink": shown["selfLink"], "items": items}


def _etag(items: list[Json]) -> str:
    joined = "".join(str(i.get("etag", i.get("id", ""))) for i in items)
    return f'"{hashlib.sha256(joined.encode()).hexdigest()[:20]}"'
