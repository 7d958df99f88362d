"""A queue in a folder of this machine: a plain disk, a synced folder, a mounted Drive.

Two ways to write. *replace*: a temporary file beside the target, fsync, `os.replace`; no reader ever sees half a file.
*inplace*: the target itself is overwritten, because on a mounted Drive a replaced file may get a new id, which orphans an
open Colab tab (facts on Drive, 3.1); a crash can tear it, so a copy is kept in the local state folder until it is done
and `read` completes it. A power cut on Windows may undo the last rename (core/files.py says why); the journal still has
the job.

A draft is written before the journal is committed, and takes its name only after, if nobody wrote meanwhile: so these are
two steps with a look in between, and not the one step of `files.write_atomically`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path

from bridge.core import files
from bridge.core.errors import QueueChanged, QueueNotWritable, QueueUnreadable, QueueUnsettled, StorageFull
from bridge.format import limits
from bridge.transports import conflict_copies, twins
from bridge.transports.base import Entry, Staged, Stamp
from bridge.transports.mount import mount_of

_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


class WriteMode(Enum):
    """How a file is overwritten."""

    AUTO = "auto"  # as `clients` says of what holds the folder
    REPLACE = "replace"  # temporary file and rename
    INPLACE = "inplace"  # into the file that is there


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The transport over a folder. `salvage`: a local folder for copies of in-place writes under way."""

    path: Path
    salvage: Path
    mode: WriteMode = WriteMode.AUTO

    @property
    def location(self) -> str:
        """The folder's absolute path."""
        return str(self.path)

    def entries(self, folder: str = "", *, suffix: str = ".ipynb", fresh: bool = False) -> list[Entry]:  # noqa: ARG002  # a look is always fresh
        """See Transport."""
        found = []
        try:
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    if _is_wanted(entry.name, suffix) and entry.is_file():
                        name = f"{folder}/{entry.name}" if folder else entry.name
                        found.append(Entry(name=name, stamp=_stamp(Path(entry.path).stat())))
        except FileNotFoundError:
            if not _holds(self.path.is_dir):
                raise _gone(self.path) from None
            return []
        except OSError as error:  # a mount that died: errno 5, 107 (facts on Colab, 3.7)
            raise QueueUnreadable(f"cannot list {self.path / folder}: {error.strerror}") from error
        return sorted(twins.by_part(found), key=lambda entry: entry.name)

    def stat(self, name: str) -> Stamp | None:
        """See Transport."""
        try:
            return _stamp(twins.path_of(self.path, name).stat())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise QueueUnreadable(f"cannot look at {self.path / name}: {error.strerror}") from error

    def read(self, name: str) -> tuple[bytes, Stamp] | None:
        """See Transport; first completes an in-place write of ours that a crash cut short."""
        self._complete(name)
        path = self.path / name
        for _ in range(5):
            try:
                path = twins.path_of(self.path, name)
                _require_file(path)
                before = _stamp(path.stat())
                data = path.read_bytes()
                after = _stamp(path.stat())
            except (FileNotFoundError, NotADirectoryError):
                return None
            except IsADirectoryError:
                raise QueueUnreadable(f"{path} is a folder, not a notebook") from None
            except OSError as error:
                raise QueueUnreadable(f"cannot read {path}: {error.strerror}") from error
            if before == after and len(data) == after.size:
                return data, after
        raise QueueUnsettled(f"{path} changes all the time: another program is writing it; try again in a moment")

    def stage(self, name: str, data: bytes, *, unless_changed: Stamp | None) -> Staged:
        """See Transport."""
        with _translated(self.path / name):
            target = _through_links(twins.path_of(self.path, name))
        # Another name of the same file would go on with the old one.
        inplace = unless_changed is not None and (self._writes_in_place(target.parent) or _has_other_names(target))
        draft = self._copy_of(name) if inplace else target.with_name(f".{target.name}.{self._tag()}.tmp")
        # Never made here: below a mount point that lost its mount it would hide the real one.
        if not _holds(self.path.is_dir):
            raise _gone(self.path)
        with _translated(draft):
            draft.parent.mkdir(parents=True, exist_ok=True)
            try:
                files.write_synced(draft, data)
            except BaseException:
                with contextlib.suppress(OSError):
                    draft.unlink(missing_ok=True)
                raise
        if inplace and not os.access(target, os.W_OK):
            draft.unlink(missing_ok=True)
            raise QueueNotWritable(f"{target} is read-only: change its permissions, or copy the queue elsewhere")
        return _FileDraft(target=target, draft=draft, expected=unless_changed, inplace=inplace)

    def remove(self, name: str) -> None:
        """See Transport."""
        with _translated(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def close(self) -> None:
        """See Transport: it holds nothing."""

    def set_aside(self, name: str, folder: str) -> str:
        """See Transport."""
        source = self.path / name
        with _translated(source):
            (self.path / folder).mkdir(exist_ok=True)
            for n in range(1, 10_000):
                aside = self.path / folder / (source.name if n == 1 else f"{n}-{source.name}")
                if not aside.exists():
                    source.replace(aside)
                    return f"{folder}/{aside.name}"
        raise QueueNotWritable(f"{self.path / folder} is full of files named like {source.name}: move some away")

    def adopt(self, name: str, copy: str) -> None:
        """See Transport: the twin of a part that is gone is found by itself."""

    def _writes_in_place(self, folder: Path) -> bool:
        if self.mode is WriteMode.AUTO:
            return mount_of(folder).client.in_place
        return self.mode is WriteMode.INPLACE

    def _tag(self) -> str:
        """Names this writer, so that a draft that a crash left behind is written over by the next one, not joined by it."""
        return sha256(f"{platform.node()}:{self.salvage}".encode()).hexdigest()[:8]

    def _copy_of(self, name: str) -> Path:
        return self.salvage / (sha256(str(self.path / name).encode()).hexdigest()[:24] + ".ipynb")

    def _complete(self, name: str) -> None:
        """Finish an in-place write that was cut short: its copy is still there and complete."""
        copy = self._copy_of(name)
        if copy.exists() and _holds((target := twins.path_of(self.path, name)).is_file):
            old = copy.with_suffix(".begun")
            if old.exists():
                with _translated(target):
                    data, new = target.read_bytes(), copy.read_bytes()
                    # Anything else is somebody's newer version, or ours complete.
                    if _is_torn(data, old.read_bytes(), new) or not _is_whole(data):
                        _overwrite(target, new)
            old.unlink(missing_ok=True)
            copy.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class _FileDraft:
    target: Path
    draft: Path
    expected: Stamp | None
    inplace: bool

    def commit(self) -> Stamp:
        with _translated(self.target):
            try:
                now: Stamp | None = _stamp(self.target.stat())
            except FileNotFoundError:
                now = None
        if now != self.expected:
            self.discard()
            raise QueueChanged(f"{self.target} was written by another program in the meantime")
        with _translated(self.target):
            if self.inplace:
                old = self.draft.with_suffix(".begun")
                saving = self.draft.with_suffix(".saving")
                files.write_synced(saving, self.target.read_bytes())
                saving.replace(old)
                _overwrite(self.target, self.draft.read_bytes())
                stamp = _stamp(self.target.stat())
                old.unlink(missing_ok=True)
                self.draft.unlink(missing_ok=True)
                return stamp
            ours = _stamp(self.draft.stat())
            files.replace_file(self.draft, self.target)
            files.sync_folder(self.target.parent)
            there = _stamp(self.target.stat())  # a rename moves the ctime; anything else is somebody's newer version
            return there if (there.inode, there.mtime_ns) == (ours.inode, ours.mtime_ns) else ours

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # on a mount that died it stays, and is written over by the next draft
            if not self.draft.with_suffix(".begun").exists():
                self.draft.unlink(missing_ok=True)


def _require_file(path: Path) -> None:
    """Raises QueueUnreadable for what is there and no file of a plausible size, before a look into it can block for ever."""
    if kind := files.other_kind(path):
        raise QueueUnreadable(f"{path} is {kind}, not a notebook")
    if (size := path.stat().st_size) > limits.NOTEBOOK_BYTES:
        raise QueueUnreadable(
            f"{path} has {size:,} bytes, more than the {limits.NOTEBOOK_BYTES:,} that are read of a notebook: make it smaller"
        )


def _gone(folder: Path) -> QueueUnreadable:
    return QueueUnreadable(f"the queue's folder {folder} is gone: is it still mounted?")


def _through_links(path: Path) -> Path:
    """The file that a link stands for: a rename would put a file in place of the link."""
    return path.resolve() if path.is_symlink() else path


def _has_other_names(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.stat().st_nlink > 1
    return False


def _is_wanted(name: str, suffix: str) -> bool:
    if suffix == ".ipynb":
        return conflict_copies.is_notebook(name)
    return name.endswith(suffix) and not conflict_copies.is_temporary(name)


def _is_torn(data: bytes, old: bytes, new: bytes) -> bool:
    """Whether data is new up to some byte and old from there on: JSON or not, a write that was cut short leaves that."""
    if data in (old, new):
        return False
    same = next((n for n, (a, b) in enumerate(zip(data, new, strict=False)) if a != b), min(len(data), len(new)))
    return data[same:] == old[same:]


def _is_whole(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _holds(look: Callable[[], bool]) -> bool:
    """What `Path.is_dir` or `is_file` says, but False on a mount that died, where they raise."""
    with contextlib.suppress(OSError):
        return look()
    return False


def _stamp(stat: os.stat_result) -> Stamp:
    return Stamp(size=stat.st_size, mtime_ns=stat.st_mtime_ns, inode=stat.st_ino, ctime_ns=stat.st_ctime_ns)


def _overwrite(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in files.FULL:
            raise StorageFull(f"no space left to write {path}: free some and run the command again") from error
        if error.errno in _DENIED:
            raise QueueNotWritable(
                f"cannot write {path}: {error.strerror}; change the permissions, or copy the queue elsewhere"
            ) from error
        raise QueueNotWritable(f"cannot write {path}: {error.strerror or error}") from error
