"""The caller's project as `apply` may touch it: files below its root, reached without following a link.

On POSIX each folder is opened from the one above it with `O_NOFOLLOW`, and everything else happens relative to that
descriptor: a folder that is swapped for a link meanwhile is an error, not a way out. Windows has no such calls; there each
part is looked at before it is used, which leaves a moment to whoever can already write in the project.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bridge.core.errors import UsageError
from bridge.core.paths import normal, refuse, twin_key
from bridge.delivery.exchange import exchange

#: How often a file is given back to somebody who writes it all the time.
_TRIES = 20
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW") and os.rename in os.supports_dir_fd


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """An open folder: names in it, as the calls of `os` take them."""

    path: Path
    fd: int | None  #: None: by path

    def name(self, name: str) -> str | Path:
        return name if self.fd is not None else self.path / name


class Project:
    """A folder that files are written below. Its root itself may be a link; nothing below it may."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def target(self, path: str) -> Path:
        """Where a path lies. Raises UsageError if it may not be used, or leads through a link."""
        if reason := refuse(path):
            raise UsageError(f"{path!r} {reason}: nothing was written")
        parts = PurePosixPath(normal(path)).parts
        at = self.root
        for number, part in enumerate(parts):
            twin = self._twin(at, part)
            if twin is not None:
                raise UsageError(
                    f"{path!r} differs from {twin!r} of the project in case or Unicode form only: nothing was written"
                )
            at /= part
            if at.is_symlink() or (number < len(parts) - 1 and at.exists() and not at.is_dir()):
                what = "through a symbolic link" if at.is_symlink() else f"below {part}, which is a file"
                raise UsageError(f"{path!r} leads {what}: nothing was written")
        return at

    def read(self, path: str) -> bytes | None:
        """What a file holds; None if there is none. Raises UsageError."""
        parts = PurePosixPath(normal(path)).parts
        try:
            with self._folder(path, parts[:-1]) as folder:
                return _content(folder, parts[-1])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error

    def text(self, path: str) -> str | None:
        """What a file holds, as it stands there; None if there is none. Raises UsageError if it may not be read, or is no text."""
        self.target(path)
        data = self.read(path)
        try:
            return None if data is None else data.decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError(f"{path} is not text in UTF-8") from None

    def write(self, path: str, data: bytes, *, before: bytes | None) -> bool:
        """Write a file whole, if it still holds what it held; False if it does not, and then nothing is written.

        Args:
            path: below the root; missing folders are made.
            data: the new content.
            before: what `read` gave; None: there was no file.

        Raises:
            UsageError: a part of the path is a link, or the system refuses.
        """
        parts = PurePosixPath(normal(path)).parts
        try:
            with self._folder(path, parts[:-1], make=True) as folder:
                return _replace(folder, parts[-1], data, before)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error

    @contextmanager
    def _folder(self, path: str, parts: tuple[str, ...], *, make: bool = False) -> Iterator[_Folder]:
        if not _BY_DESCRIPTOR:
            yield _Folder(path=self._walked(path, parts, make=make), fd=None)
            return
        if make:
            self.root.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=fd)
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                os.close(fd)
                fd = below
            yield _Folder(path=self.root.joinpath(*parts), fd=fd)
        finally:
            os.close(fd)

    def _walked(self, path: str, parts: tuple[str, ...], *, make: bool) -> Path:
        if make:
            self.root.mkdir(parents=True, exist_ok=True)
        at = self.root
        for part in parts:
            at /= part
            if make:
                at.mkdir(exist_ok=True)
            if at.is_symlink() or not at.is_dir():
                raise UsageError(f"{path!r} leads through a link: nothing was written")
        return at

    @staticmethod
    def _twin(folder: Path, part: str) -> str | None:
        """A name in a folder that is the same on a system which ignores case, but not letter by letter."""
        try:
            names = [entry.name for entry in folder.iterdir()]
        except OSError:
            return None
        if part in names:
            return None
        return next((name for name in names if twin_key(name) == twin_key(part)), None)


def _content(folder: _Folder, name: str) -> bytes:
    with os.fdopen(_opened(folder, name, os.O_RDONLY), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is not a regular file")
        return file.read()


def _opened(folder: _Folder, name: str, flags: int) -> int:
    # O_NONBLOCK: a FIFO would be waited for. It means nothing for a regular file.
    more = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.open(folder.name(name), flags | more, 0o666, dir_fd=folder.fd)


def _replace(folder: _Folder, name: str, data: bytes, before: bytes | None) -> bool:
    draft = f".{name[:100]}.{secrets.token_hex(4)}.tmp"
    fd = _opened(folder, draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            now: bytes | None = _content(folder, name)
            mode = os.stat(folder.name(name), dir_fd=folder.fd, follow_symlinks=False).st_mode
            if folder.fd is not None:
                os.chmod(draft, stat.S_IMODE(mode), dir_fd=folder.fd)
        except FileNotFoundError:
            now = None
        if now != before:
            return False
        if now is None and folder.fd is not None:
            # A link fails where somebody has made the file since; a rename would replace it.
            try:
                os.link(draft, name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd, follow_symlinks=False)
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links
                os.rename(draft, name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
            return True
        return _put(folder, draft, name, data, before)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder.name(draft), dir_fd=folder.fd)


def _put(folder: _Folder, draft: str, name: str, data: bytes, before: bytes | None) -> bool:
    """Give the draft the file's name; False if somebody wrote the file in the last moment, whose work stays then.

    Both names are exchanged in one step and what came out is looked at; it goes back if it is not what it was. Somebody may write in
    between again: the newest stays. Where names cannot be exchanged, that moment remains.
    """
    if folder.fd is None or not exchange(folder.fd, draft, name):
        os.replace(folder.name(draft), folder.name(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        return True
    if _content(folder, draft) == before:
        return True
    for _ in range(_TRIES):
        if not exchange(folder.fd, draft, name) or _content(folder, draft) == data:
            break
    return False
