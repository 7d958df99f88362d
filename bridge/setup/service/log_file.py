"""A log that rotates: when a file is full it becomes `.1`, that one `.2`, and the oldest goes."""

from __future__ import annotations

from pathlib import Path

#: Files beside the one that is written.
KEPT_FILES = 3


class RotatingLog:
    """Writes lines. One writer; whoever reads may at any time."""

    def __init__(self, path: Path, *, most_bytes: int, kept: int = KEPT_FILES) -> None:
        """`most_bytes`: of one file; `kept`: older files. Raises OSError."""
        self._path, self._most, self._kept = path, most_bytes, kept
        self._file = path.open("ab")

    def write(self, data: bytes) -> None:
        """Write whole lines, at once visible to readers. Raises OSError."""
        if self._file.tell() and self._file.tell() + len(data) > self._most:
            self._rotate()
        self._file.write(data)
        self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()  # Windows renames no open file
        names = [self._path, *(numbered(self._path, n) for n in range(1, self._kept + 1))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        self._file = self._path.open("ab")


def numbered(path: Path, number: int) -> Path:
    """The name of an older file; 1: the one before."""
    return path.with_name(f"{path.name}.{number}")


def last_lines(path: Path, lines: int, *, kept: int = KEPT_FILES) -> str:
    """The last lines of a log, from older files too where the newest has fewer; empty: there is none."""
    found: list[str] = []
    for file in (path, *(numbered(path, n) for n in range(1, kept + 1))):
        if len(found) >= lines:
            break
        try:
            found = [*file.read_bytes().decode("utf-8", "replace").splitlines(), *found]
        except OSError:
            continue
    return "".join(f"{line}\n" for line in found[-lines:]) if lines > 0 else ""
