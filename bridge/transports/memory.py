"""The shipped fake: a folder in memory, shared by whoever holds it. Last writer wins, as on a synced folder."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.core.errors import QueueChanged, StorageFull
from bridge.transports import conflict_copies
from bridge.transports.base import Entry, Staged, Stamp


@dataclass(kw_only=True)
class MemoryFolder:
    """Files as bytes. `check_changes=False`: a writer does not notice that somebody else wrote, as on a synced folder."""

    location: str = "memory"
    files: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    check_changes: bool = True
    #: Writes left until the disk is "full"; None: never.
    room: int | None = None

    def put(self, name: str, data: bytes) -> None:
        """Write a file from outside, past all checks."""
        self.files[name] = data
        self.versions[name] = self.versions.get(name, 0) + 1

    def entries(self, folder: str = "", *, suffix: str = ".ipynb", fresh: bool = False) -> list[Entry]:  # noqa: ARG002  # a look is always fresh
        """See Transport."""
        found = []
        for name in sorted(self.files):
            where, _, file = name.rpartition("/")
            wanted = conflict_copies.is_notebook(file) if suffix == ".ipynb" else file.endswith(suffix)
            if where == folder and wanted:
                found.append(Entry(name=name, stamp=self._stamp(name)))
        return found

    def stat(self, name: str) -> Stamp | None:
        """See Transport."""
        return self._stamp(name) if name in self.files else None

    def read(self, name: str) -> tuple[bytes, Stamp] | None:
        """See Transport."""
        return (self.files[name], self._stamp(name)) if name in self.files else None

    def stage(self, name: str, data: bytes, *, unless_changed: Stamp | None) -> Staged:
        """See Transport."""
        if self.room is not None:
            if self.room < 1:
                raise StorageFull("no space left in memory")
            self.room -= 1
        return _MemoryDraft(memory=self, name=name, data=data, expected=unless_changed)

    def remove(self, name: str) -> None:
        """See Transport."""
        self.files.pop(name, None)

    def close(self) -> None:
        """See Transport: it holds nothing."""

    def set_aside(self, name: str, folder: str) -> str:
        """See Transport."""
        n, aside = 1, f"{folder}/{name}"
        while aside in self.files:
            n += 1
            aside = f"{folder}/{n}-{name}"
        self.put(aside, self.files.pop(name))
        return aside

    def adopt(self, name: str, copy: str) -> None:
        """See Transport."""
        self.put(name, self.files.pop(copy))

    def _stamp(self, name: str) -> Stamp:
        return Stamp(size=len(self.files[name]), mtime_ns=self.versions[name], inode=0)


@dataclass(frozen=True, kw_only=True)
class _MemoryDraft:
    memory: MemoryFolder
    name: str
    data: bytes
    expected: Stamp | None

    def commit(self) -> Stamp:
        if self.memory.check_changes and self.memory.stat(self.name) != self.expected:
            raise QueueChanged(f"{self.name} was written by somebody else")
        self.memory.put(self.name, self.data)
        return self.memory._stamp(self.name)

    def discard(self) -> None:
        pass
