"""Writing a file so that nobody ever sees half of it. The one module of the ground that touches a disk.

POSIX also syncs the folder, so that the new name survives a power cut. Windows has no such call: there, a power cut right
after a write may bring the old file back. And it refuses to replace a file that a sync client or an editor has open, which
mostly lets go within a second, so that is tried for so long.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

#: What a system says when there is no room: on the disk, in a quota, below a limit on files.
FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
#: How often, and how far apart, Windows is asked to replace a file that is open elsewhere.
_TRIES = 20
_PAUSE_S = 0.05


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a file in one step, as `atomic` does. Raises OSError."""
    with atomic(path, mode=mode) as file:
        file.write(data)


@contextlib.contextmanager
def atomic(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file to write to that takes its name in one step, when the block ends: whoever reads sees the old bytes or the new
    ones, also after a crash.

    It is written under a hidden name in the same folder, which has to be there, synced, and renamed; a link is replaced,
    not followed.

    Args:
        path: the file.
        mode: its rights, from its first instant; None: those of the file that it replaces, else what the umask leaves.

    Raises:
        OSError: as the system says. Whatever is raised, the old file is as it was, and nothing is left beside it.
    """
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(draft, flags, 0o666 if mode is None else mode)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is None:
            with contextlib.suppress(FileNotFoundError):
                draft.chmod(stat.S_IMODE(path.stat().st_mode))
        replace_file(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk; not in one step. Raises OSError."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(source: Path, target: Path) -> None:
    """Give a file the name of another, which is gone then. Raises OSError."""
    for attempt in range(1, _TRIES + 1):
        try:
            source.replace(target)
        except PermissionError:
            if sys.platform != "win32" or attempt == _TRIES:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def other_kind(path: Path) -> str | None:
    """What is at a path, if it is neither a file nor a link to one, nor nothing: "a folder". Raises OSError."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(mode):
        return None
    named = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return named.get(stat.S_IFMT(mode), "a device")


def keep_private(folder: Path) -> None:
    """Make a folder, if need be, and give it and all files in it to their owner alone. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":  # its access lists are inherited from the user's profile
        return
    for place, _, names in os.walk(folder):
        _restrict(Path(place), 0o700)
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # another process tidies up
                _restrict(Path(place, name), 0o600)


def _restrict(path: Path, mode: int) -> None:
    found = path.lstat().st_mode
    if stat.S_ISLNK(found):
        return
    if stat.S_IMODE(found) & 0o077:
        with contextlib.suppress(PermissionError):  # another user's: only that one may
            path.chmod(mode)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where a system can do that."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # some FUSE file systems refuse to sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
