"""A file is written as a whole, or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bridge.core import files
from bridge.transports.conflict_copies import is_temporary
from tests.support.commands import environment

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="rights and limits of POSIX")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_bytes_are_there_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for data in (b"one", b"", b"two\r\n\x00"):
        files.write_atomically(path, data)
        assert path.read_bytes() == data
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_who_reads_meanwhile_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    whole = {bytes([65 + n]) * 200_000 for n in range(4)}
    files.write_atomically(path, b"A" * 200_000)
    seen: set[bytes] = set()
    names: set[str] = set()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.add(path.read_bytes())
            names.update(each.name for each in tmp_path.iterdir())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(40):
            files.write_atomically(path, bytes([65 + n % 4]) * 200_000)
    finally:
        over.set()
        reader.join()

    assert seen <= whole
    assert all(is_temporary(name) for name in names - {"state.json"})


@POSIX
def test_a_disk_that_is_full_costs_neither_the_old_file_nor_leaves_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom bridge.core.files import write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_atomically(Path(sys.argv[1]), b'x' * 100_000)\nexcept OSError:\n    print('refused')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=environment(), capture_output=True, text=True, check=True
    )

    assert done.stdout == "refused\n"
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_where_a_folder_is_in_the_way_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()

    with pytest.raises(OSError):  # noqa: PT011  # which one, depends on the system
        files.write_atomically(tmp_path / "state.json", b"x")

    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


@POSIX
def test_state_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"open to all")
    path.chmod(0o644)

    files.write_atomically(path, b"x", mode=0o600)

    assert mode_of(path) == 0o600


@POSIX
def test_a_file_keeps_its_rights_and_a_new_one_has_those_of_the_umask(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"old")
    script.chmod(0o751)
    before = os.umask(0o027)
    try:
        files.write_atomically(script, b"new")
        files.write_atomically(tmp_path / "fresh", b"new")
    finally:
        os.umask(before)

    assert (mode_of(script), mode_of(tmp_path / "fresh")) == (0o751, 0o640)


@POSIX
def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"untouched")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    files.write_atomically(tmp_path / "link", b"x")

    assert (tmp_path / "elsewhere").read_bytes() == b"untouched"
    assert not (tmp_path / "link").is_symlink()


def test_a_name_of_any_length_that_the_folder_takes_will_do(tmp_path: Path) -> None:
    files.write_atomically(tmp_path / ("n" * 250), b"x")

    assert (tmp_path / ("n" * 250)).read_bytes() == b"x"
