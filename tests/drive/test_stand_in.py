"""The stand-in Drive: PyDrive2 as it is, each call on the wire, If-Match, pages, lists and changes."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.drive import FOLDER, PERSON, SCOPE, StandIn, Stored, methods
from tests.support.drive.pydrive import pydrive
from tests.support.drive.wire import Wire

OTHER = "other@example.com"
UPLOAD = "/upload/drive/v2/files"


# ---- PyDrive2 as it is --------------------------------------------------------------------------------------------


def test_pydrive_inserts_lists_reads_and_downloads(drive: StandIn, tmp_path: Path) -> None:
    door = pydrive(drive)
    file = door.CreateFile({"title": "queue.ipynb", "mimeType": "application/json"})
    file.SetContentString('{"v":1}')
    file.Upload()
    found = door.ListFile({"q": "title='queue.ipynb' and trashed=false"}).GetList()
    assert [f["id"] for f in found] == [file["id"]]
    found[0].GetContentFile(str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_text() == found[0].GetContentString() == '{"v":1}'
    found[0].FetchMetadata(fields="id,md5Checksum")
    assert found[0]["md5Checksum"] == hashlib.md5(b'{"v":1}').hexdigest()
    assert drive.files.get(file["id"]).content == b'{"v":1}'


def test_pydrive_updates_content_and_title_and_shows_revisions(drive: StandIn) -> None:
    file = pydrive(drive).CreateFile({"id": drive.files.put("a", b"one")})
    file.SetContentString("two")
    file.Upload()
    file["title"] = "b"
    file.Upload()
    assert [r["fileSize"] for r in file.GetRevisions()] == ["3", "3"]
    stored = drive.files.get(file["id"])
    assert (stored.title, stored.content) == ("b", b"two")


def test_pydrive_trashes_untrashes_shares_and_deletes(drive: StandIn) -> None:
    file = pydrive(drive).CreateFile({"id": drive.files.put("a", b"one")})
    file.Trash()
    assert drive.files.get(file["id"]).trashed
    file.UnTrash()
    file.InsertPermission({"type": "user", "value": OTHER, "role": "reader"})
    assert {p["role"] for p in file.GetPermissions()} == {"owner", "writer", "reader"}
    file.Delete()
    assert drive.files.titled("a") == []


def test_pydrive_with_a_service_account_key_updates_what_a_person_owns_but_cannot_own(drive: StandIn) -> None:
    from pydrive2.files import ApiRequestError

    door = pydrive(drive, key=drive.service_account())
    file = door.CreateFile({"id": drive.files.put("a", b"one")})
    file.SetContentString("two")
    file.Upload()
    assert drive.files.get(file["id"]).content == b"two"
    own = door.CreateFile({"title": "b"})
    own.SetContentString("three")
    with pytest.raises(ApiRequestError, match="storage quota"):
        own.Upload()
    assert drive.log[-1].reason == "storageQuotaExceeded"


def test_a_service_account_owns_content_if_the_test_says_so() -> None:
    with StandIn(service_storage=True) as drive:
        file = pydrive(drive, key=drive.service_account()).CreateFile({"title": "b"})
        file.SetContentString("three")
        file.Upload()
        assert drive.files.get(file["id"]).owner.startswith("robot@")


# ---- metadata, ids, parents, properties ---------------------------------------------------------------------------


def test_a_generated_id_is_taken_once(wire: Wire) -> None:
    (file_id,) = wire("GET", "files/generateIds", query={"maxResults": 1})["ids"]
    first = wire("POST", "files", body={"id": file_id, "title": "claim"})
    second = wire("POST", "files", body={"id": file_id, "title": "claim"})
    assert (first.status, second.status, second.reason) == (200, 409, "fileIdInUse")


def test_an_id_that_nobody_generated_is_refused() -> None:
    with StandIn(expect_violations=True) as drive:
        wire = Wire(drive)
        assert wire("POST", "files", body={"id": "1" + "x" * 32, "title": "a"}).reason == "invalid"
        assert drive.files.titled("a") == []
        wire.close()


def test_the_same_title_may_stand_many_times(drive: StandIn, wire: Wire) -> None:
    ids = {wire("POST", "files", body={"title": "queue"})["id"] for _ in range(3)}
    assert set(wire.list("title = 'queue'")) == ids


def test_a_file_moves_between_folders_and_never_has_two(drive: StandIn, wire: Wire) -> None:
    here, there = drive.files.folder("here"), drive.files.folder("there")
    file = drive.files.put("a", b"1", parent=here)
    assert wire("PATCH", f"files/{file}", query={"addParents": there}).reason == "cannotAddParent"
    moved = wire("PATCH", f"files/{file}", query={"addParents": there, "removeParents": here})
    assert [p["id"] for p in moved["parents"]] == [there]
    assert wire.list(f"'{there}' in parents") == [file]
    assert (
        wire("PATCH", f"files/{file}", query={"addParents": file, "removeParents": there}).reason == "parentNotAFolder"
    )


def test_a_file_in_a_trashed_folder_is_trashed_too(drive: StandIn, wire: Wire) -> None:
    folder = drive.files.folder("here")
    file = drive.files.put("a", b"1", parent=folder)
    drive.files.trash(folder)
    shown = wire("GET", f"files/{file}").json
    assert (shown["labels"]["trashed"], shown["explicitlyTrashed"]) == (True, False)
    assert wire.list("trashed = false") == []


def test_properties_are_found_by_value_and_private_ones_by_their_client_only(drive: StandIn, wire: Wire) -> None:
    properties = [
        {"key": "queue", "value": "q1", "visibility": "PRIVATE"},
        {"key": "part", "value": "1", "visibility": "PUBLIC"},
    ]
    file = wire("POST", "files", body={"title": "a", "properties": properties})["id"]
    drive.files.allow(file, "writer")
    q = "properties has { key='queue' and value='q1' and visibility='PRIVATE' }"
    assert wire.list(q) == [file]
    stranger = Wire(drive, drive.token(client="another"))
    assert stranger.list(q) == []
    assert [p["key"] for p in stranger("GET", f"files/{file}")["properties"]] == ["part"]
    stranger.close()
    wire("PATCH", f"files/{file}", body={"properties": [{"key": "queue", "value": None, "visibility": "PRIVATE"}]})
    assert wire.list(q) == []


@pytest.mark.parametrize(
    ("count", "size", "status"),
    [(30, 10, 200), (31, 10, 400), (1, 122, 200), (1, 123, 400)],  # the key has two bytes; 124 in all
)
def test_properties_have_limits(count: int, size: int, status: int) -> None:
    with StandIn(expect_violations=True) as drive:
        wire = Wire(drive)
        properties = [{"key": f"{i:02}", "value": "v" * size, "visibility": "PUBLIC"} for i in range(count)]
        assert wire("POST", "files", body={"title": "a", "properties": properties}).status == status
        wire.close()


def test_fields_choose_what_is_answered(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    assert wire("GET", f"files/{file}", query={"fields": "id,labels/trashed,parents(isRoot)"}).json == {
        "id": file,
        "labels": {"trashed": False},
        "parents": [{"isRoot": True}],
    }
    listed = wire("GET", "files", query={"fields": "items(id,title)"}).json
    assert listed == {"items": [{"id": file, "title": "a"}]}


# ---- content ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["media", "multipart", "resumable"])
@pytest.mark.parametrize("content", [b"", b"\r\n--x\r\n\x00\xff\n", b"a" * 300_000])
def test_each_upload_protocol_keeps_every_byte(drive: StandIn, wire: Wire, protocol: str, content: bytes) -> None:
    from googleapiclient.http import MediaInMemoryUpload

    file = drive.files.put("a", b"old")
    if protocol == "media":
        assert wire.save(file, content).status == 200
    else:
        door, resumable = pydrive(drive), protocol == "resumable"
        media = MediaInMemoryUpload(content, "text/plain", resumable=resumable, chunksize=256 * 1024)  # two chunks
        request = door.auth.service.files().update(fileId=file, body={"title": "b"}, media_body=media)
        request.execute(http=door.auth.Get_Http_Object())
    assert drive.files.get(file).content == content


def test_an_insert_brings_content_and_metadata(drive: StandIn) -> None:
    from googleapiclient.http import MediaInMemoryUpload

    door = pydrive(drive)
    media = MediaInMemoryUpload(b"{}", "application/json", resumable=False)
    made = door.auth.service.files().insert(body={"title": "q"}, media_body=media).execute()
    assert (made["fileSize"], made["mimeType"]) == ("2", "application/json")
    assert made["headRevisionId"] == drive.files.get(made["id"]).head_revision_id


def test_ranges_and_old_revisions_can_be_read(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"0123456789")
    old = drive.files.get(file).head_revision_id
    drive.files.put(content=b"new", file_id=file)
    part = wire("GET", f"files/{file}", query={"alt": "media", "revisionId": old}, Range="bytes=2-4")
    assert (part.status, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert wire("GET", f"files/{file}", query={"alt": "media"}, Range="bytes=9-").status == 416


def test_new_revision_false_replaces_the_head(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    wire.save(file, b"2", newRevision="false")
    assert [r.content for r in drive.files.get(file).revisions] == [b"2"]


# ---- If-Match -----------------------------------------------------------------------------------------------------

WRITES = [
    pytest.param("PUT", f"{UPLOAD}/FILE", {"uploadType": "media"}, id="media"),
    pytest.param("PUT", f"{UPLOAD}/FILE", {"uploadType": "resumable"}, id="resumable"),
    pytest.param("PUT", "files/FILE", {}, id="update"),
    pytest.param("PATCH", "files/FILE", {}, id="patch"),
    pytest.param("POST", "files/FILE/trash", {}, id="trash"),
    pytest.param("DELETE", "files/FILE", {}, id="delete"),
]


@pytest.mark.parametrize(("method", "path", "query"), WRITES)
@pytest.mark.parametrize(
    ("etag", "status"),
    [("fresh", 200), ("*", 200), (None, 200), ("stale", 412), ('"other"', 412), ("unquoted", 500)],
)
def test_if_match(drive: StandIn, wire: Wire, method: str, path: str, query: Any, etag: str, status: int) -> None:
    file = drive.files.put("a", b"1")
    stale = drive.files.get(file).etag
    drive.files.touch(file)  # metadata alone moves the etag as well
    fresh = drive.files.get(file).etag
    given = {"fresh": fresh, "stale": stale}.get(etag, etag)
    told = wire(method, path.replace("FILE", file), query=query, etag=given)
    assert told.status in ((200, 204) if status == 200 else (status,))
    if status == 412:
        assert told.reason == "conditionNotMet"
        assert drive.files.get(file).etag == fresh


def test_a_resumable_upload_looks_at_the_etag_again_at_its_end(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    started = wire("PUT", f"{UPLOAD}/{file}", query={"uploadType": "resumable"}, etag=drive.files.get(file).etag)
    drive.files.put(content=b"other", file_id=file)
    path = started.headers["Location"].removeprefix(drive.url)
    assert wire("PUT", path, data=b"mine").status == 412
    assert drive.files.get(file).content == b"other"


def test_a_change_moves_etag_and_version_and_only_content_moves_the_revision(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    first = wire("GET", f"files/{file}").json
    second = wire("PATCH", f"files/{file}", body={"description": "x"}).json
    third = wire.save(file, b"2").json
    assert len({first["etag"], second["etag"], third["etag"]}) == 3
    assert int(first["version"]) < int(second["version"]) < int(third["version"])
    assert first["headRevisionId"] == second["headRevisionId"] != third["headRevisionId"]
    assert first["modifiedDate"] < second["modifiedDate"] < third["modifiedDate"]


def test_of_eight_writers_with_the_same_etag_one_wins_each_round(
    drive: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = methods.check_etag

    def slow(if_match: str | None, file: Stored) -> None:
        """Between the look at the etag and the change, others get their turn: without the lock several would win."""
        real(if_match, file)
        for _ in range(50):
            time.sleep(0)

    monkeypatch.setattr(methods, "check_etag", slow)
    file = drive.files.put("a", b"0")
    rounds, start = 10, threading.Barrier(8)
    won: list[list[int]] = [[] for _ in range(rounds)]

    def write(who: int) -> None:
        wire = Wire(drive)
        for number in range(rounds):
            start.wait(120)
            etag = drive.files.get(file).etag
            start.wait(120)
            won[number].append(wire.save(file, f"{number}-{who}".encode(), etag).status)
        wire.close()

    threads = [threading.Thread(target=write, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [sorted(statuses) for statuses in won] == [[200] + [412] * 7] * rounds
    assert len(drive.files.get(file).revisions) == rounds + 1


# ---- access -------------------------------------------------------------------------------------------------------


def test_no_access_is_404_and_reading_only_is_403(drive: StandIn) -> None:
    file, other = drive.files.put("a", b"1"), Wire(drive, drive.token(OTHER))
    drive.files.allow(file, "reader", OTHER)
    assert (other("GET", f"files/{file}").status, other.save(file, b"2").reason) == (200, "insufficientFilePermissions")
    drive.files.allow(file, "none", OTHER)
    assert (other("GET", f"files/{file}").reason, other.list()) == ("notFound", [])
    drive.files.give(file, OTHER)
    assert other.save(file, b"2").status == 200
    assert Wire(drive).list(f"'{OTHER}' in owners") == [file]
    other.close()


def test_only_the_owner_trashes_and_deletes(drive: StandIn) -> None:
    file, other = drive.files.put("a", b"1"), Wire(drive, drive.token(OTHER))
    assert other("POST", f"files/{file}/trash").status == 403
    assert other("PATCH", f"files/{file}", body={"labels": {"trashed": True}}).status == 403
    assert other("DELETE", f"files/{file}").status == 403
    assert other.save(file, b"2").status == 200
    other.close()


def test_the_scope_drive_file_shows_only_what_this_client_made(drive: StandIn) -> None:
    drive.files.put("by hand", b"1")
    shared = drive.files.put("opened with it", b"1", client="mine")
    wire = Wire(drive, drive.token(PERSON, f"{SCOPE}.file", client="mine"))
    made = wire("POST", "files", body={"title": "own", "mimeType": FOLDER})["id"]
    assert set(wire.list()) == {shared, made}
    wire.close()


# ---- all of it ----------------------------------------------------------------------------------------------------

CALLS = {
    "about.get": ("GET", "about"),
    "changes.list": ("GET", "changes"),
    "changes.getStartPageToken": ("GET", "changes/startPageToken"),
    "files.list": ("GET", "files"),
    "children.list": ("GET", "files/FOLDER/children"),
    "parents.list": ("GET", "files/FILE/parents"),
    "properties.list": ("GET", "files/FILE/properties"),
    "files.get": ("GET", "files/FILE"),
    "files.download": ("GET", "files/FILE?alt=media"),
    "files.insert": ("POST", "files"),
    "files.update": ("PUT", "files/FILE"),
    "files.patch": ("PATCH", "files/FILE"),
    "files.trash": ("POST", "files/FILE/trash"),
    "files.untrash": ("POST", "files/FILE/untrash"),
    "files.delete": ("DELETE", "files/FILE"),
    "files.touch": ("POST", "files/FILE/touch"),
    "files.copy": ("POST", "files/FILE/copy"),
    "files.generateIds": ("GET", "files/generateIds"),
    "revisions.list": ("GET", "files/FILE/revisions"),
    "revisions.get": ("GET", "files/FILE/revisions/REVISION"),
    "permissions.list": ("GET", "files/FILE/permissions"),
    "permissions.insert": ("POST", "files/FILE/permissions"),
    "permissions.delete": ("DELETE", "files/FILE/permissions/anyone"),
}


@pytest.mark.parametrize("call", methods.METHODS)
def test_each_call_answers_as_its_schema_says(drive: StandIn, wire: Wire, call: str) -> None:
    """The server itself holds each answer against the schema; what does not fit would be a violation."""
    folder = drive.files.folder("here")
    file = drive.files.put("a", b"1", parent=folder)
    method, path = CALLS[call]
    path = path.replace("FILE", file).replace("FOLDER", folder)
    path = path.replace("REVISION", drive.files.get(file).head_revision_id)
    permission = {"role": "reader", "type": "user", "value": OTHER}
    body = permission if call == "permissions.insert" else None
    assert wire(method, path, body=body).status == (204 if method == "DELETE" else 200)
    assert drive.counts() == {call: 1}


def test_a_call_that_the_stand_in_lacks_is_a_violation() -> None:
    with StandIn(expect_violations=True) as drive:
        wire = Wire(drive)
        assert wire("GET", "files/x/comments").status == 501
        assert drive.violations == ["GET /drive/v2/files/x/comments?: The stand-in has no comments.list."]
        wire.close()


def test_a_client_whose_token_was_taken_away_asks_for_another(drive: StandIn) -> None:
    file = pydrive(drive, key=drive.service_account()).CreateFile({"id": drive.files.put("a", b"1")})
    file.FetchMetadata()
    drive.oauth.expire()
    file.FetchMetadata()
    assert [(r.call or r.path, r.status) for r in drive.log] == [
        ("/token", 200),
        ("files.get", 200),
        ("files.get", 401),
        ("/token", 200),
        ("files.get", 200),
    ]
