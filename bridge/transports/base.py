"""The seam between the store and whatever holds a queue's files.

A transport lists, reads and writes whole files below one folder, by names relative to it (`/` between folders). It knows
nothing of notebooks. Writing has two steps, so that the journal can be committed between them: `stage` does all that can
fail for want of space or permission, `Staged.commit` makes it visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a cheap look at a file tells. Equal stamps mean: probably unchanged; different ones: look into it."""

    size: int  # bytes
    mtime_ns: int
    inode: int
    #: When the inode last changed: tells a rewrite that put size and time back (rclone does). Creation time on Windows.
    ctime_ns: int = 0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file that is there."""

    name: str
    stamp: Stamp


class Staged(Protocol):
    """A write that is ready but not yet visible."""

    def commit(self) -> Stamp:
        """Make it visible, at once for a reader where the file system can. Gives the stamp of what was written.

        Raises:
            QueueChanged: the file is not the one that the write was meant to replace; nothing was written.
            QueueNotWritable, StorageFull: as the file system says.
        """

    def discard(self) -> None:
        """Forget it; safe after `commit` too."""


class Transport(Protocol):
    """Where a queue's files are."""

    @property
    def location(self) -> str:
        """Names the place; the journal remembers per location what it saw there."""

    def entries(self, folder: str = "", *, suffix: str = ".ipynb", fresh: bool = False) -> Sequence[Entry]:
        """The files of a kind in a folder (not below it), without the temporary files of editors and sync clients.

        Notebooks also by the names that sync clients give to second copies. A folder that is not there is empty, but for
        the queue's own: Raises QueueUnreadable if that is gone. `fresh`: a file that somebody made a moment ago matters, even
        if looking for it costs a request more.
        """

    def stat(self, name: str) -> Stamp | None:
        """The stamp of a file; None if there is none."""

    def read(self, name: str) -> tuple[bytes, Stamp] | None:
        """Content and stamp of a file; None if there is none. Raises QueueUnreadable, and of it QueueUnsettled."""

    def stage(self, name: str, data: bytes, *, unless_changed: Stamp | None) -> Staged:
        """Prepare to write a file that is now as the stamp says (None: not there), on disk, but not yet visible.

        Raises:
            QueueNotWritable: read-only, or permission is missing.
            StorageFull: no space.
        """

    def remove(self, name: str) -> None:
        """Delete a file of our own that is no notebook; none there is fine. Raises QueueNotWritable."""

    def close(self) -> None:
        """Let go of what it holds: connections, if it has any."""

    def set_aside(self, name: str, folder: str) -> str:
        """Move a file into a folder below, under a name that is free there; never deletes. Gives the new name."""

    def adopt(self, name: str, copy: str) -> None:
        """Let the file of a further part that is not there be another one, which `conflict_copies.twin_of` takes for it.

        Nothing is moved or renamed, because a client may take that for a deletion. Elsewhere the file may be adopted already,
        or another one: a look tells.
        """
