"""Which file on Drive is which of a queue's, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.transports.drive.calls import FOLDER_TYPE, NOTEBOOK_TYPE, DriveFile
from bridge.transports.drive.catalog import QUEUE, ROLE, Catalog, Memo, Roles, of_queue

MINE = "11111111-2222-4333-8444-555555555555"


def file(
    id_: str, *, title: str = "x.ipynb", role: str | None = None, queue: str = MINE, created: str = "2026-01-01",
    parents: tuple[str, ...] = ("home",), type_: str = NOTEBOOK_TYPE, trashed: bool = False,
) -> DriveFile:  # fmt: skip
    properties = {QUEUE: queue, ROLE: role} if role else {}
    return DriveFile(
        id=id_, title=title, etag="e", type=type_, revision="r", md5="m", size=1, created=created, editable=True,
        trashed=trashed, parents=parents, properties=properties,
    )  # fmt: skip


def catalog(*files: DriveFile) -> dict[str, str]:
    made = Catalog(queue_id=MINE, roles=Roles(stem="queue"), anchor="first")
    made.take(files, home="home")
    return {name: f.id for name, f in made.files.items()}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("queue.ipynb", "*.ipynb"),
        ("queue.part-0002.ipynb", "*.part-0002.ipynb"),
        ("archive/queue.2026-11-21.w1.001.ipynb", "archive/*.2026-11-21.w1.001.ipynb"),
        ("workers/host-1-ab.json", "workers/host-1-ab.json"),
    ],
)
def test_a_role_is_a_name_without_this_machines_stem(name: str, role: str) -> None:
    assert Roles(stem="queue").role(name) == role
    assert Roles(stem="queue").name(role) == name
    assert Roles(stem="other").name(role) == name.replace("queue", "other")


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers(2, 9999), st.sampled_from(["", "archive/"]))
def test_names_and_roles_round_trip(stem: str, number: int, folder: str) -> None:
    roles = Roles(stem=stem)
    name = f"{folder}{stem}.part-{number:04}.ipynb"
    assert roles.name(roles.role(name)) == name


def test_files_are_known_by_role_whatever_their_title_and_folder() -> None:
    found = catalog(
        file("first", title="renamed by a person.ipynb", role="*.ipynb"),
        file("second", title="Untitled", role="*.part-0002.ipynb", parents=("elsewhere",)),
        file("old", title="x", role="archive/*.2026.w1.001.ipynb", parents=("sub",)),
    )
    assert found == {
        "queue.ipynb": "first",
        "queue.part-0002.ipynb": "second",
        "archive/queue.2026.w1.001.ipynb": "old",
    }


def test_of_two_files_with_one_role_the_older_has_it_and_the_other_is_shown_as_a_copy() -> None:
    older, newer = (
        file("a1234567", role="*.part-0002.ipynb"),
        file("b1234567", role="*.part-0002.ipynb", created="2027"),
    )
    assert catalog(newer, older) == catalog(older, newer)
    assert catalog(newer, older)["queue.part-0002.ipynb"] == "a1234567"
    assert sorted(catalog(newer, older).values()) == ["a1234567", "b1234567"]


def test_an_older_copy_does_not_take_the_place_of_the_queue_that_was_opened() -> None:
    found = catalog(file("older-copy", role="*.ipynb", created="2020"), file("first", role="*.ipynb", created="2026"))
    assert found["queue.ipynb"] == "first"
    assert len(found) == 2


def test_a_notebook_without_a_role_is_shown_by_its_title_if_it_lies_in_the_folder() -> None:
    found = catalog(
        file("copy", title="queue.ipynb"),
        file("far", title="queue.ipynb", parents=("elsewhere",)),
        file("text", title="notes.txt"),
        file("theirs", title="other.ipynb", role="*.ipynb", queue="another queue", parents=("elsewhere",)),
    )
    assert list(found.values()) == ["copy"]
    assert list(found) == ["queue (copy).ipynb"]  # never the name of a part


def test_what_lies_in_the_trash_is_not_there() -> None:
    assert catalog(file("first", role="*.ipynb"), file("second", role="*.part-0002.ipynb", trashed=True)) == {
        "queue.ipynb": "first"
    }


def test_subfolders_are_known_by_role() -> None:
    made = Catalog(queue_id=MINE, roles=Roles(stem="queue"), anchor="first")
    made.take([file("sub", role="archive", type_=FOLDER_TYPE, title="Archiv")], home="home")
    assert made.folders == {"archive": "sub"}
    assert made.files == {}


def test_a_hostile_title_gives_a_plain_name() -> None:
    [name] = catalog(file("evil", title="../../x\x00/y.ipynb"))
    assert "/" not in name
    assert "\x00" not in name


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ids": 3}', "null"])
def test_a_damaged_memo_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "memo.json").write_text(text)
    assert Memo.read(tmp_path / "memo.json") == Memo()


def test_a_memo_is_read_as_it_was_written(tmp_path: Path) -> None:
    memo = Memo(ids={"a": "1"}, folders={"archive": "2"}, pending={"b": "3"}, token="7", listed_at=1.5, changes_at=2.5)
    memo.write(tmp_path / "new" / "memo.json")
    assert Memo.read(tmp_path / "new" / "memo.json") == memo


@pytest.mark.parametrize(
    "role", ["../x.ipynb", "/etc/passwd", "archive/../x", "a/b/c.ipynb", "x\\y", "..", "archive/.x"]
)
def test_a_role_that_none_of_us_writes_is_passed_over(role: str) -> None:
    assert catalog(file("evil", role=role)) == {}


def test_a_queue_id_of_any_text_is_one_value_in_a_search() -> None:
    hostile = "x' or title != 'y\\"
    assert r"value='x\' or title != \'y\\'" in of_queue(hostile)


def test_what_was_set_aside_and_lies_in_the_queues_folder_again_is_shown_as_a_copy() -> None:
    back = file("aside123", title="queue.part-0002.ipynb", role="forks/*.part-0002.ipynb")
    assert catalog(file("second", role="*.part-0002.ipynb"), back) == {
        "queue.part-0002.ipynb": "second",
        "queue.part-0002 (aside123).ipynb": "aside123",
    }


@pytest.mark.parametrize("folder", ["forks", "damaged"])
def test_a_part_that_lies_in_a_folder_of_what_was_set_aside_is_not_there(folder: str) -> None:
    assert catalog(
        file("folder", title=folder, type_=FOLDER_TYPE),
        file("second", role="*.part-0002.ipynb", parents=("folder",), created="2027"),
    ) == {}  # fmt: skip
