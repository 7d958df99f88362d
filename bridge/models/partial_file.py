"""A file of a hub, and what has come of it so far: its bytes, and of which version they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.core import files
from bridge.core.errors import DownloadDamaged, DownloadFailed, DownloadTooLarge


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """A file that the hub has."""

    repo: str
    name: str
    size_bytes: int
    sha256: str


class PartialFile:
    """What has come of a file, and of which version of it."""

    def __init__(self, final: Path, file: HubFile) -> None:
        self._final = final
        self._file = file
        self._path = final.with_name(f"{final.name}.part")
        self._about = final.with_name(f"{final.name}.part.json")
        self.etag: str | None = None
        try:
            known = json.loads(self._about.read_text(encoding="utf-8"))
            same = known["sha256"] == file.sha256 and self._path.stat().st_size <= file.size_bytes
            self.etag = known.get("etag") if same else None
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            same = False
        if not same:
            self._path.unlink(missing_ok=True)

    def length(self) -> int:
        """Bytes that are here."""
        return self._path.stat().st_size if self._path.exists() else 0

    def begin_anew(self, etag: str | None) -> None:
        """Forget what came."""
        self._path.write_bytes(b"")
        self.note(etag)

    def note(self, etag: str | None) -> None:
        """Remember which version the bytes are of."""
        self.etag = etag
        files.write_atomically(self._about, json.dumps({"sha256": self._file.sha256, "etag": etag}).encode())

    def wanted(self) -> dict[str, str]:
        """The headers of a request for what is missing, of the version that is here."""
        headers = {"Accept-Encoding": "identity"}  # the bytes as they are: packed ones could not be counted
        if start := self.length():
            headers["Range"] = f"bytes={start}-"
            if self.etag:
                headers["If-Range"] = self.etag
        return headers

    def append(self, chunk: bytes) -> None:
        """More bytes."""
        with self._path.open("ab") as file:
            file.write(chunk)

    def finish(self) -> None:
        """Give it its name, if it is what the hub said. Raises DownloadDamaged."""
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != self._file.sha256 or self.length() != self._file.size_bytes:
            self._path.unlink()
            self._about.unlink(missing_ok=True)
            raise DownloadDamaged(
                f"what came as {self._final.name} has another SHA-256 ({digest[:12]}…) than the hub says "
                f"({self._file.sha256[:12]}…); it was deleted: try again, perhaps without the proxy in between"
            )
        self._path.replace(self._final)
        self._about.unlink(missing_ok=True)


@contextmanager
def storage_named(folder: Path) -> Iterator[None]:
    """Failures of this disk, by our names."""
    try:
        yield
    except OSError as error:
        if error.errno in files.FULL:
            raise DownloadTooLarge(
                f"no space is left for the model in {folder}; what came is kept: make room, and run the same again"
            ) from None
        raise DownloadFailed(f"cannot write {folder}: {error.strerror or error}") from None
