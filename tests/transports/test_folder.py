"""The contract of transports, which the folder in both write modes and the shipped fake pass; then what is the folder's own."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.core.errors import QueueChanged, QueueNotWritable, QueueUnreadable, QueueUnsettled, StorageFull
from bridge.transports.base import Transport
from bridge.transports.folder import Folder, WriteMode
from bridge.transports.memory import MemoryFolder
from tests.support.unprivileged import ChildFailed, as_nobody

WHOLE = b'{"cells": [], "n": %d}'


@dataclass
class Place:
    """A transport, and how somebody else writes to it."""

    transport: Transport
    write_from_outside: Callable[[str, bytes], None]


def folder(tmp_path: Path, mode: WriteMode) -> Folder:
    (tmp_path / "queue").mkdir(exist_ok=True)
    return Folder(path=tmp_path / "queue", salvage=tmp_path / "salvage", mode=mode)


@pytest.fixture(params=["replace", "inplace", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "memory":
        memory = MemoryFolder()
        return Place(memory, memory.put)
    transport = folder(tmp_path, WriteMode(request.param))

    def write(name: str, data: bytes) -> None:
        (transport.path / name).parent.mkdir(exist_ok=True)
        (transport.path / name).write_bytes(data)

    return Place(transport, write)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(transport: Transport, name: str, data: bytes) -> None:
    transport.stage(name, data, unless_changed=transport.stat(name)).commit()


# ---- the contract


def test_a_file_reads_back_as_it_was_written(place: Place) -> None:
    for data in (WHOLE % 1, WHOLE % 22, WHOLE % 3):
        write(place.transport, "q.ipynb", data)
        read = place.transport.read("q.ipynb")
        assert read is not None
        assert read[0] == data
        assert read[1] == place.transport.stat("q.ipynb")


def test_committing_gives_the_stamp_that_the_file_has_then(place: Place) -> None:
    for data in (WHOLE % 1, WHOLE % 22):
        staged = place.transport.stage("q.ipynb", data, unless_changed=place.transport.stat("q.ipynb"))
        assert staged.commit() == place.transport.stat("q.ipynb")


def test_a_file_that_is_not_there_reads_as_none(place: Place) -> None:
    assert place.transport.read("q.ipynb") is None
    assert place.transport.stat("q.ipynb") is None
    assert list(place.transport.entries()) == []
    assert list(place.transport.entries("archive")) == []


def test_entries_are_the_notebooks_of_one_folder_in_order(place: Place) -> None:
    for name in ("b.ipynb", "a.ipynb", "archive/c.ipynb", "notes.txt", "q.sync-conflict-20260101-120000-ABCDEFG.ipynb"):
        place.write_from_outside(name, WHOLE % 1)
    expected = ["a.ipynb", "b.ipynb", "q.sync-conflict-20260101-120000-ABCDEFG.ipynb"]
    assert [entry.name for entry in place.transport.entries()] == expected
    assert [entry.name for entry in place.transport.entries("archive")] == ["archive/c.ipynb"]
    assert all(entry.stamp == place.transport.stat(entry.name) for entry in place.transport.entries())


def test_what_is_staged_is_not_visible_before_it_is_committed(place: Place) -> None:
    write(place.transport, "q.ipynb", WHOLE % 1)
    staged = place.transport.stage("q.ipynb", WHOLE % 2, unless_changed=place.transport.stat("q.ipynb"))
    assert [entry.name for entry in place.transport.entries()] == ["q.ipynb"]
    read = place.transport.read("q.ipynb")
    assert read is not None
    assert read[0] == WHOLE % 1
    staged.discard()
    staged.discard()
    read = place.transport.read("q.ipynb")
    assert read is not None
    assert read[0] == WHOLE % 1


@pytest.mark.parametrize("before", [None, WHOLE % 1], ids=["a new file", "a file that was there"])
def test_a_file_that_somebody_wrote_in_between_is_not_overwritten(place: Place, before: bytes | None) -> None:
    if before:
        write(place.transport, "q.ipynb", before)
    staged = place.transport.stage("q.ipynb", WHOLE % 2, unless_changed=place.transport.stat("q.ipynb"))
    place.write_from_outside("q.ipynb", WHOLE % 33333)
    with pytest.raises(QueueChanged):
        staged.commit()
    read = place.transport.read("q.ipynb")
    assert read is not None
    assert read[0] == WHOLE % 33333


def test_a_file_that_somebody_deleted_in_between_is_not_written(tmp_path: Path) -> None:
    for mode in (WriteMode.REPLACE, WriteMode.INPLACE):
        transport = folder(tmp_path, mode)
        write(transport, "q.ipynb", WHOLE % 1)
        staged = transport.stage("q.ipynb", WHOLE % 2, unless_changed=transport.stat("q.ipynb"))
        (transport.path / "q.ipynb").unlink()
        with pytest.raises(QueueChanged):
            staged.commit()
        assert transport.read("q.ipynb") is None


def test_setting_aside_never_overwrites(place: Place) -> None:
    names = []
    for n in range(3):
        place.write_from_outside("q (1).ipynb", WHOLE % n)
        names.append(place.transport.set_aside("q (1).ipynb", "forks"))
        assert place.transport.stat("q (1).ipynb") is None
    assert len(set(names)) == 3
    for n, name in enumerate(names):
        read = place.transport.read(name)
        assert read is not None
        assert read[0] == WHOLE % n


def test_a_full_disk_is_named_and_leaves_the_old_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place.transport, "q.ipynb", WHOLE % 1)
    if isinstance(place.transport, MemoryFolder):
        place.transport.room = 0
    else:

        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="no space left"):
        place.transport.stage("q.ipynb", WHOLE % 2, unless_changed=place.transport.stat("q.ipynb"))
    monkeypatch.undo()
    read = place.transport.read("q.ipynb")
    assert read is not None
    assert read[0] == WHOLE % 1
    if isinstance(place.transport, Folder):
        assert names_in(place.transport.path) == ["q.ipynb"]


# ---- the folder's own


@pytest.mark.parametrize(
    "name",
    [
        ".q.ipynb.0a1b2c3d.tmp",  # our own draft
        ".~q.ipynb",
        "~$q.ipynb",
        "~syncthing~q.ipynb.tmp",
        "q-checkpoint.ipynb",
        "q.ipynb.tmp",
        "q.ipynb.partial",
        "q.ipynb.crdownload",
        "q.ipynb.swp",
        "q.ipynb.filepart",
        ".syncthing.q.ipynb.tmp",
        ".goutputstream-A1B2C3",
        "._q.ipynb",
        ".sync_0123456789ab.db",
        "q.ipynb.1a2b3c4d.partial",
        "q.ipynb~",
        ".tmp.driveupload",
        "Thumbs.db",
        "desktop.ini",
        "q.json",
    ],
)
def test_temporary_files_of_editors_and_sync_clients_are_no_entries(tmp_path: Path, name: str) -> None:
    transport = folder(tmp_path, WriteMode.REPLACE)
    (transport.path / name).write_bytes(WHOLE % 1)
    (transport.path / "folder.ipynb").mkdir()
    assert transport.entries() == []


def open_to_all(path: Path, mode: WriteMode) -> Folder:
    for name in ("queue", "salvage"):
        (path / name).mkdir()
        (path / name).chmod(0o777)
    return Folder(path=path / "queue", salvage=path / "salvage", mode=mode)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of folders work differently there")
@pytest.mark.parametrize("mode", [WriteMode.REPLACE, WriteMode.INPLACE])
def test_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written(open_folder: Path, mode: WriteMode) -> None:
    transport = open_to_all(open_folder, mode)
    (transport.path / "q.ipynb").write_bytes(WHOLE % 1)
    (transport.path / "q.ipynb").chmod(0o444)
    transport.path.chmod(0o555)

    def attempt() -> str:
        read = transport.read("q.ipynb")
        assert read is not None
        try:
            transport.stage("q.ipynb", WHOLE % 2, unless_changed=read[1])
        except QueueNotWritable as error:
            return f"{read[0]!r} {error}"
        return "was written"

    answer = as_nobody(attempt)
    assert answer.startswith(repr(WHOLE % 1))
    assert "permissions" in answer
    assert names_in(transport.path) == ["q.ipynb"]
    assert names_in(transport.salvage) == []


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of folders work differently there")
def test_a_file_that_must_not_be_read_is_named(open_folder: Path) -> None:
    transport = open_to_all(open_folder, WriteMode.REPLACE)
    (transport.path / "q.ipynb").write_bytes(WHOLE % 1)
    (transport.path / "q.ipynb").chmod(0o000)
    with pytest.raises((ChildFailed, QueueUnreadable), match=r"cannot read .*q\.ipynb: Permission denied"):
        as_nobody(lambda: transport.read("q.ipynb"))


def test_a_folder_in_the_notebooks_place_is_named(tmp_path: Path) -> None:
    transport = folder(tmp_path, WriteMode.REPLACE)
    (transport.path / "q.ipynb").mkdir()
    with pytest.raises(QueueUnreadable, match="is a folder"):
        transport.read("q.ipynb")
    with pytest.raises(QueueNotWritable):
        transport.stage("q.ipynb", WHOLE % 1, unless_changed=transport.stat("q.ipynb")).commit()


def test_a_file_that_will_not_hold_still_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = folder(tmp_path, WriteMode.REPLACE)
    target = transport.path / "q.ipynb"
    target.write_bytes(WHOLE % 1)
    read_bytes = Path.read_bytes

    def read_while_somebody_appends(path: Path) -> bytes:
        data = read_bytes(path)
        with path.open("ab") as file:
            file.write(b" ")
        return data

    monkeypatch.setattr(Path, "read_bytes", read_while_somebody_appends)
    with pytest.raises(QueueUnsettled):
        transport.read("q.ipynb")


def test_replacing_gives_a_new_file_and_writing_in_place_keeps_the_old_one(tmp_path: Path) -> None:
    for mode, same in ((WriteMode.REPLACE, False), (WriteMode.INPLACE, True)):
        transport = folder(tmp_path, mode)
        write(transport, "q.ipynb", WHOLE % 1)
        before = (transport.path / "q.ipynb").stat().st_ino
        write(transport, "q.ipynb", WHOLE % 2)
        assert ((transport.path / "q.ipynb").stat().st_ino == before) is same
        (transport.path / "q.ipynb").unlink()


class Killed(BaseException):
    """The process is gone: nothing after this runs in it."""


def killed_at(target: Path, left: bytes) -> Callable[[int], None]:
    """An `os.fsync` at whose second call, that of the target itself, the process is killed; so much of the write had come."""
    synced: list[int] = []

    def sync(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:
            target.write_bytes(left)
            raise Killed

    return sync


#: (before, after): longer, shorter, equally long; in the last two a torn file is whole JSON.
REWRITES = [
    (b'{"cells": ["a"]}', b'{"cells": ["a", "b", "c"]}'),
    (b'{"cells": ["a", "b", "c"]}', b'{"cells": []}'),
    (b'{"a": "11111111", "b": "11111111"}', b'{"a": "22222222", "b": "22222222"}'),
    (b'{"a": "flag", "prompt": "0123456789012345"}', b'{"a": "flag --x", "prompt": "0123456789012345"}'),
]


@pytest.mark.parametrize(("before", "after"), REWRITES)
def test_a_write_in_place_that_is_killed_at_any_byte_is_completed_by_the_next_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes, after: bytes
) -> None:
    transport = folder(tmp_path, WriteMode.INPLACE)
    target = transport.path / "q.ipynb"
    for cut in range(len(after) + 1):
        target.write_bytes(before)
        staged = transport.stage("q.ipynb", after, unless_changed=transport.stat("q.ipynb"))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", killed_at(target, after[:cut] + before[cut:]))
            with pytest.raises(Killed):
                staged.commit()
        read = transport.read("q.ipynb")
        assert read is not None
        assert read[0] in (before, after), cut
        assert read[0] == after or target.read_bytes() == before
        assert names_in(transport.salvage) == []


def test_what_a_killed_write_in_place_left_is_not_put_over_somebodys_newer_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = folder(tmp_path, WriteMode.INPLACE)
    target = transport.path / "q.ipynb"
    target.write_bytes(WHOLE % 1)
    staged = transport.stage("q.ipynb", WHOLE % 2, unless_changed=transport.stat("q.ipynb"))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed_at(target, WHOLE % 1))
        with pytest.raises(Killed):
            staged.commit()
    target.write_bytes(b'{"cells": ["theirs"]}')
    read = transport.read("q.ipynb")
    assert read is not None
    assert read[0] == b'{"cells": ["theirs"]}'


def test_a_draft_that_a_crash_left_behind_is_written_over_by_the_next_write(tmp_path: Path) -> None:
    transport = folder(tmp_path, WriteMode.REPLACE)
    for n in range(3):
        transport.stage("q.ipynb", WHOLE % n, unless_changed=None)  # and the process is killed
    write(transport, "q.ipynb", WHOLE % 9)
    assert names_in(transport.path) == ["q.ipynb"]


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
@pytest.mark.parametrize("mode", [WriteMode.REPLACE, WriteMode.INPLACE])
def test_a_disk_that_is_really_full_is_named_and_leaves_the_old_file(tmp_path: Path, mode: WriteMode) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting needs root; the simulated disk above has to do")
    try:
        transport = Folder(path=disk, salvage=disk / ".salvage", mode=mode)
        write(transport, "q.ipynb", b"{}" + b" " * 30_000)
        with pytest.raises(StorageFull):
            write(transport, "q.ipynb", b"{}" + b" " * 100_000)
        read = transport.read("q.ipynb")
        assert read is not None
        assert len(read[0]) == 30_002
        assert [name for name in names_in(disk) if name != ".salvage"] == ["q.ipynb"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
