"""The stand-in Drive: the search language, pages, orders, and lists and changes that lag."""

from __future__ import annotations

import pytest

from tests.support.drive import PERSON, StandIn
from tests.support.drive.wire import Wire

# ---- the search language ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("title = 'alpha'", "alpha"),
        ("title != 'alpha'", "alphabet it's"),
        ("title contains 'alph'", "alpha alphabet"),
        ("title contains 'bet'", ""),  # beginnings of words only
        (r"title = 'it\'s'", "it's"),
        ("title = 'alpha' or title = 'alphabet'", "alpha alphabet"),
        ("title contains 'alpha' and not title = 'alpha'", "alphabet"),
        ("not (title = 'alpha' or title = 'alphabet')", "it's"),
        ("title = 'alpha' or title = 'alphabet' and trashed = true", "alpha"),  # `and` binds closer
        ("mimeType = 'application/json'", "alphabet"),
        ("modifiedDate > '2020-01-01T00:00:00'", "alpha alphabet it's"),
        ("modifiedDate < '2020-01-01T00:00:00'", ""),
        ("'root' in parents", "alpha alphabet it's"),
        ("'person@example.com' in owners", "alpha alphabet it's"),
        ("trashed = true", ""),
    ],
)
def test_a_query_finds(drive: StandIn, wire: Wire, q: str, titles: str) -> None:
    drive.files.put("alpha", b"1")
    drive.files.put("alphabet", b"2", mime_type="application/json")
    drive.files.put("it's", b"3")
    found = wire("GET", "files", query={"q": q, "orderBy": "title"})
    assert " ".join(item["title"] for item in found["items"]) == titles


@pytest.mark.parametrize("q", ["title", "title ~ 'a'", "title = 'a' and", "(title = 'a'", "size > '1'", "title = \"a\"", "properties has { key='a' }"])  # fmt: skip
def test_what_is_no_query_is_answered_400(q: str) -> None:
    with StandIn(expect_violations=True) as drive:
        wire = Wire(drive)
        assert wire("GET", "files", query={"q": q}).status == 400
        assert drive.violations
        wire.close()


def test_pages_and_orders(drive: StandIn, wire: Wire) -> None:
    for title in "cab":
        drive.files.put(title, b"1")
    seen, token = [], ""
    while True:
        query = {"maxResults": 2, "orderBy": "title desc"} | ({"pageToken": token} if token else {})
        page = wire("GET", "files", query=query).json
        seen += [item["title"] for item in page["items"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert seen == ["c", "b", "a"]
    by_date = wire("GET", "files", query={"orderBy": "modifiedDate"})["items"]
    assert [item["title"] for item in by_date] == ["c", "a", "b"]


# ---- lists and changes that lag -----------------------------------------------------------------------------------


def test_a_list_shows_a_new_file_only_after_so_many_looks(drive: StandIn, wire: Wire) -> None:
    drive.files.listing.requests = 2
    file = drive.files.put("a", b"1")
    assert [wire.list(), wire.list(), wire.list()] == [[], [], [file]]
    assert wire("GET", f"files/{file}").status == 200


def test_a_list_shows_the_old_title_until_the_clock_says_so(drive: StandIn, wire: Wire) -> None:
    file = drive.files.put("old", b"1")
    drive.files.listing.seconds = 3600
    drive.files.rename(file, "new")
    assert (wire.list("title='old'"), wire.list("title='new'")) == ([file], [])
    drive.clock.advance(3601)
    drive.oauth.token_life_s = 7200
    wire.token = drive.token()
    assert (wire.list("title='old'"), wire.list("title='new'")) == ([], [file])


def test_changes_name_each_file_once_and_end_with_a_new_token(drive: StandIn, wire: Wire) -> None:
    start = wire("GET", "changes/startPageToken")["startPageToken"]
    a, b = drive.files.put("a", b"1"), drive.files.put("b", b"1")
    drive.files.rename(a, "c")
    drive.files.delete(b)
    page = wire("GET", "changes", query={"pageToken": start, "maxResults": 1}).json
    assert [(c["fileId"], c["deleted"]) for c in page["items"]] == [(a, False)]
    assert "newStartPageToken" not in page
    last = wire("GET", "changes", query={"pageToken": page["nextPageToken"]}).json
    assert [(c["fileId"], c["deleted"]) for c in last["items"]] == [(b, True)]
    assert wire("GET", "changes", query={"pageToken": last["newStartPageToken"]})["items"] == []


def test_changes_that_lag_are_not_lost(drive: StandIn, wire: Wire) -> None:
    start = wire("GET", "changes/startPageToken")["startPageToken"]
    drive.files.feed.requests = 1
    file = drive.files.put("a", b"1")
    first = wire("GET", "changes", query={"pageToken": start}).json
    again = wire("GET", "changes", query={"pageToken": first["newStartPageToken"]})
    assert (first["items"], [c["fileId"] for c in again["items"]]) == ([], [file])


def test_about_tells_the_account_and_its_root(drive: StandIn, wire: Wire) -> None:
    about = wire("GET", "about").json
    assert about["user"]["emailAddress"] == PERSON
    assert wire("GET", f"files/{about['rootFolderId']}")["id"] == wire("GET", "files/root")["id"]
