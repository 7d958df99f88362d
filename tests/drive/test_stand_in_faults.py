"""The stand-in Drive: every fault, and what the discovery document does not allow."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.drive import SCOPE, How, StandIn, Violations, methods, serve
from tests.support.drive.discovery import check_answer, check_body, understand
from tests.support.drive.pydrive import pydrive
from tests.support.drive.values import Refusal
from tests.support.drive.wire import Wire

UPLOAD = "/upload/drive/v2/files"


# ---- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        (500, "", "internalError"),
        (503, "", "backendError"),
        (429, "", "rateLimitExceeded"),
        (403, "", "userRateLimitExceeded"),
        (403, "rateLimitExceeded", "rateLimitExceeded"),
        (403, "storageQuotaExceeded", "storageQuotaExceeded"),
        (401, "", "authError"),
    ],
)
def test_an_error_before_the_commit(drive: StandIn, wire: Wire, status: int, reason: str, told: str) -> None:
    file = drive.files.put("a", b"1")
    drive.fault("files.update", status=status, reason=reason, retry_after_s=7)
    answer = wire.save(file, b"2")
    assert (answer.status, answer.reason, answer.headers["Retry-After"]) == (status, told, "7")
    assert drive.files.get(file).content == b"1"
    assert wire.save(file, b"2").status == 200


@pytest.mark.parametrize("how", [How.AFTER_COMMIT, How.RESET_AFTER_COMMIT])
def test_an_error_after_the_commit_leaves_the_change_done(drive: StandIn, wire: Wire, how: How) -> None:
    file = drive.files.put("a", b"1")
    fault = drive.fault("files.update", how=how)
    if how is How.AFTER_COMMIT:
        assert wire.save(file, b"2").status == 503
    else:
        with pytest.raises(requests.ConnectionError):
            wire.save(file, b"2")
    assert drive.files.get(file).content == b"2"
    assert (fault.hits, drive.log[-1].fault) == (1, how.value)


def test_a_fault_waits_for_its_turn_and_ends(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    drive.fault(f"GET /drive/v2/files/{file}", skip=1, times=2)
    assert [wire("GET", f"files/{file}").status for _ in range(4)] == [200, 503, 503, 200]


def test_the_right_etag_is_called_stale(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    etag = drive.files.get(file).etag
    drive.fault("files.update", how=How.STALE_ETAG, times=2)
    assert wire.save(file, b"x").status == 200  # without If-Match it is not met
    etag = drive.files.get(file).etag
    assert [wire.save(file, b"2", etag).status for _ in range(3)] == [412, 412, 200]


def test_the_etag_of_an_answer_is_not_the_files(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    drive.fault("files.update", how=How.OLD_ETAG)
    assert wire.save(file, b"2")["etag"] != drive.files.get(file).etag
    assert wire.save(file, b"3")["etag"] == drive.files.get(file).etag


def test_a_download_is_corrupt_once(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1234")
    drive.fault("files", how=How.CORRUPT)
    assert wire("GET", f"files/{file}")["id"] == file  # metadata is not a download
    query = {"alt": "media"}
    first, second = wire("GET", f"files/{file}", query=query), wire("GET", f"files/{file}", query=query)
    assert (len(first.content), first.content == b"1234", second.content) == (4, False, b"1234")


def test_a_body_is_cut(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1" * 1000)
    drive.fault("files.download", how=How.CUT)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="500 bytes read, 500 more expected"):
        wire("GET", f"files/{file}", query={"alt": "media"})
    assert drive.log[-1].bytes_out == 500


@pytest.mark.parametrize("how", [How.STALL, How.MUTE])
def test_an_answer_that_stalls_is_let_go_by_the_test(drive: StandIn, wire: Wire, how: How) -> None:
    file = drive.files.put("a", b"1" * 1000)
    drive.fault("files.download", how=how)
    ended: list[Exception] = []

    def read() -> None:
        try:
            wire("GET", f"files/{file}", query={"alt": "media"})
        except requests.RequestException as e:
            ended.append(e)

    reader = threading.Thread(target=read)
    reader.start()
    with drive.changed:
        assert drive.changed.wait_for(lambda: drive.requests("files.download") == 1, 30)
    assert not ended
    drive.faults.released.set()
    reader.join(120)
    assert len(ended) == 1


def test_a_connection_is_reset_and_nothing_was_done(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    drive.fault("files.update", how=How.RESET)
    with pytest.raises(requests.ConnectionError):
        wire.save(file, b"2")
    assert (drive.files.get(file).content, drive.log[-1].status) == (b"1", 0)


def test_a_stopped_stand_in_refuses_and_comes_back_with_all_it_had(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    assert wire("GET", f"files/{file}").status == 200
    drive.stop()
    with pytest.raises(requests.ConnectionError):
        wire("GET", f"files/{file}")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", drive.port))
    drive.start()
    assert wire("GET", f"files/{file}").status == 200


def test_a_token_ends_with_its_life(drive: StandIn, wire: Wire) -> None:
    assert wire("GET", "about").status == 200
    drive.clock.advance(3601)
    assert (wire("GET", "about").reason, drive.log[-1].status) == ("authError", 401)
    nobody = Wire(drive)
    nobody.token = ""
    assert nobody("GET", "about").reason == "required"
    nobody.close()


def test_faults_by_chance_come_at_their_rate_and_the_same_for_a_seed() -> None:
    met = []
    for _ in range(2):
        with StandIn(seed=5, fault_rate=0.3) as drive:
            wire, file = Wire(drive), drive.files.put("a", b"1")
            for _ in range(60):
                with contextlib.suppress(requests.RequestException):
                    wire.save(file, b"2", "*")
            met.append([r.fault for r in drive.log])
            wire.close()
    assert met[0] == met[1]
    assert 6 <= sum(bool(f) for f in met[0]) <= 30


def test_pydrive_meets_a_fault(drive: StandIn) -> None:
    from pydrive2.files import ApiRequestError

    file = pydrive(drive).CreateFile({"id": drive.files.put("a", b"1")})
    drive.fault("files.get", status=403, reason="userRateLimitExceeded")
    with pytest.raises(ApiRequestError, match="User Rate Limit Exceeded"):
        file.FetchMetadata()


# ---- what the API does not have -----------------------------------------------------------------------------------

WRONG = [
    ("GET", "files/x/nothing", {}, None, "is not in the API"),
    ("POST", "files/x", {}, None, "that path has"),
    ("GET", "/drive/v3/files", {}, None, "is not in the API"),
    ("GET", "files", {"pageSize": "10"}, None, "no parameter 'pageSize'"),  # v3
    ("GET", "files", {"maxResults": "many"}, None, "maxResults"),
    ("GET", "files", {"maxResults": "-1"}, None, "may not be -1"),
    ("GET", "files/generateIds", {"maxResults": "1001"}, None, "may not be 1001"),
    ("GET", "files", {"corpus": "MINE"}, None, "one of"),
    ("GET", "files", {"includeItemsFromAllDrives": "yes"}, None, "true or false"),
    ("GET", "files", {"q": ["a", "b"]}, None, "given 2 times"),
    ("GET", "files", {"fields": "files(id)"}, None, "Invalid field selection files"),  # v3
    ("GET", "files", {"fields": "items(id"}, None, "Invalid field selection"),
    ("GET", "files", {"fields": "items(name)"}, None, "Invalid field selection name"),  # v3
    ("GET", "files", {"alt": "media"}, None, "no media to download"),
    ("GET", "files", {"orderBy": "name"}, None, "Invalid sort key"),
    ("POST", "files", {}, {"name": "a"}, "no member 'name'"),  # v3
    ("POST", "files", {}, {"title": 7}, "is of type string"),
    ("POST", "files", {}, {"labels": {"trashed": "true"}}, "is of type boolean"),
    ("POST", "files", {}, {"parents": ["root"]}, "is of type object"),
    ("POST", "files", {}, {"modifiedDate": "today"}, "is a date-time"),
    ("POST", "files", {}, ["a"], "takes a JSON object"),
    ("POST", "files/x/trash", {}, {"title": "a"}, "takes no body"),
    ("POST", "files", {"uploadType": "media"}, {}, "uploadType belongs to /upload"),
    ("POST", UPLOAD, {}, {}, "takes uploadType"),
    ("POST", UPLOAD, {"uploadType": "chunked"}, {}, "takes uploadType"),
    ("PATCH", f"{UPLOAD}/x", {"uploadType": "media"}, {}, "that path has ['PUT']"),
    ("PUT", f"{UPLOAD}/x", {"uploadType": "multipart"}, {}, "multipart/related"),
    ("POST", "/resumable" + UPLOAD, {"uploadType": "media"}, {}, "takes uploadType resumable"),
    ("PATCH", "files/x", {"modifiedDateBehavior": "always"}, {}, "one of"),
    ("GET", "comments", {}, None, "is not in the API"),
]


@pytest.mark.parametrize(("method", "path", "query", "body", "told"), WRONG)
def test_a_violation_is_answered_400_and_fails_the_test(
    method: str, path: str, query: Any, body: Any, told: str
) -> None:
    drive = serve()
    wire = Wire(drive)
    assert wire(method, path, query=query, body=body).status == 400
    wire.close()
    with pytest.raises(Violations) as caught:
        drive.__exit__(None)
    assert told in str(caught.value)


def test_a_violation_that_is_expected_fails_nothing() -> None:
    with StandIn(expect_violations=True) as drive:
        wire = Wire(drive)
        wire("GET", "files", query={"pageSize": "1"})
        wire.close()
    assert len(drive.violations) == 1


def test_a_violation_does_not_hide_the_tests_own_failure() -> None:
    drive = serve()
    wire = Wire(drive)
    wire("GET", "files", query={"pageSize": "1"})
    wire.close()
    drive.__exit__(KeyError, KeyError(), None)
    assert drive.violations


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("drive.readonly", "GET", "files", 200),
        ("drive.readonly", "POST", "files", 403),
        ("drive.metadata", "POST", "files", 403),
        ("drive.file", "POST", "files", 200),
        ("drive.metadata.readonly", "GET", "about", 200),
        ("calendar", "GET", "files", 403),
    ],
)
def test_the_scopes_of_a_token_must_fit(scope: str, method: str, path: str, status: int) -> None:
    with StandIn(expect_violations=True) as drive:
        wire = Wire(drive, drive.token("person@example.com", SCOPE.replace("drive", scope)))
        answer = wire(method, path, body={} if method == "POST" else None)
        assert (answer.status, len(drive.violations)) == (status, int(status == 403))
        if status == 403:
            assert answer.reason == "insufficientPermissions"
        wire.close()


def test_what_is_read_only_in_a_body_is_ignored(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    told = wire("PUT", f"files/{file}", body={"title": "b", "etag": '"x"', "md5Checksum": "0", "fileSize": "9"}).json
    assert (told["title"], told["fileSize"]) == ("b", "1")
    call = understand("PUT", "/drive/v2/files/x", {})
    assert check_body(call, {"title": "b", "etag": '"x"', "fileSize": "9"}) == {"title": "b"}
    assert told["etag"] != '"x"'


def test_a_query_too_long_for_an_address_comes_as_a_post(drive: StandIn) -> None:
    file = drive.files.put("a", b"1")
    q = " or ".join(["title = 'a'"] * 200)
    assert [f["id"] for f in pydrive(drive).ListFile({"q": q}).GetList()] == [file]


def test_every_answer_is_held_against_the_schema(drive: StandIn, wire: Wire) -> None:
    """As it is sent, by the server: test_stand_in.py has every call. Here the check is shown to find something."""
    call = understand("GET", "/drive/v2/files/x", {})
    check_answer(call, wire("GET", f"files/{drive.files.put('a', b'1')}").json)
    for wrong in ({"name": "a"}, {"fileSize": 1}, {"labels": {"trashed": 0}}, {"createdDate": "now"}):
        with pytest.raises(Refusal):
            check_answer(call, wrong)


def test_an_answer_that_the_schema_does_not_have_is_a_violation_of_the_stand_ins_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(methods.METHODS, "about.get", lambda ask: {"nickname": "a"})
    with StandIn(expect_violations=True) as drive:
        wire = Wire(drive)
        assert wire("GET", "about").status == 400
        assert "About has no member 'nickname'" in drive.violations[0]
        wire.close()


def test_the_log_tells_each_request(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("a", b"1")
    wire.save(file, b"22", "*")
    wire("GET", f"files/{file}", query={"alt": "media"})
    first, second = drive.log
    assert (first.method, first.call, first.if_match, first.bytes_in, first.status) == (
        "PUT",
        "files.update",
        "*",
        2,
        200,
    )
    assert (second.call, second.query, second.bytes_out) == ("files.download", {"alt": "media"}, 2)
    assert (drive.requests("files.update"), drive.requests()) == (1, 2)


def test_a_request_whose_sender_dies_in_the_middle_of_its_body_changes_nothing(drive: StandIn) -> None:
    file_id = drive.files.put("a.ipynb", b"before")
    place, token = urlsplit(drive.url), drive.token()
    head = (
        f"PUT /upload/drive/v2/files/{file_id}?uploadType=media HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    )
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as connection:
        connection.sendall(head.encode() + b"half")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""  # it hangs up
    assert drive.files.get(file_id).content == b"before"
