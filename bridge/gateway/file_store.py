"""Files that clients upload and batches write: bytes in a folder of the local state, facts in the records.

A file is written under a temporary name, synced, and renamed; only then it has a record. So whatever is listed is whole.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from bridge.core import files
from bridge.gateway.records import Record, Records
from bridge.protocols.asked import Json

KIND = "file"
#: As OpenAI has it.
MOST_BYTES = 200 << 20
#: How long a file is kept that says nothing else, in seconds: 30 days.
KEPT_S = 30 * 86_400
#: What `expires_after` may say, in seconds.
SHORTEST_S, LONGEST_S = 3_600, 2_592_000


class FileStore:
    """The files of one gateway. Threads may share it."""

    def __init__(self, folder: Path, records: Records) -> None:
        self._folder, self._records = folder, records
        files.keep_private(folder)

    @contextmanager
    def writing(
        self,
        *,
        filename: str,
        purpose: str,
        caller: str,
        now: datetime,
        name: str,
        kept_s: int = KEPT_S,
        unless_empty: bool = False,
    ) -> Iterator[IO[bytes]]:
        """A new file to write to; it is there when the block ends well. `name`: its id. `unless_empty`: only with something in it."""
        temporary = self._folder / f".{name}.{os.getpid()}"
        try:
            with temporary.open("wb") as stream:
                stream.truncate(0)
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                size = stream.tell()
            if unless_empty and not size:
                temporary.unlink()
                self.delete(name)  # that an earlier run may have written
                return
            temporary.replace(self.path(name))
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        created = int(now.timestamp())
        body: Json = {"filename": filename[:255], "purpose": purpose, "bytes": size}
        self._records.put(
            Record(id=name, kind=KIND, created=created, expires=created + kept_s, caller=caller, body=body)
        )

    @staticmethod
    def new_id() -> str:
        """An id for a file."""
        return f"file-{secrets.token_hex(12)}"

    def path(self, name: str) -> Path:
        """Where the bytes of a file are; ids of records are ours and hold no separator."""
        return self._folder / name

    def get(self, name: str, now: datetime) -> Record | None:
        """Its record, if it is there, its bytes are, and it has not expired."""
        found = self._records.get(KIND, name, now=now)
        return found if found is not None and self.path(found.id).is_file() else None

    def delete(self, name: str) -> bool:
        """Whether there was one."""
        found = self._records.delete(KIND, name)
        if found:
            with contextlib.suppress(OSError):
                self.path(name).unlink()
        return found

    def hold(self, name: str, as_: str) -> None:
        """Keep the bytes of a file under another name, whatever becomes of the file; costs no space where links are."""
        try:
            os.link(self.path(name), self.path(as_))
        except FileExistsError:
            return
        except OSError:  # a file system without links
            shutil.copyfile(self.path(name), self.path(as_))

    def let_go(self, as_: str) -> None:
        """Delete what was held."""
        with contextlib.suppress(OSError):
            self.path(as_).unlink()

    def newest(self, *, after: str | None, limit: int, newest_first: bool, purpose: str | None = None) -> list[Record]:
        """A page of them. `purpose`: only those with this one."""
        return self._records.listed(KIND, after=after, limit=limit, newest_first=newest_first, purpose=purpose)

    def forget(self, expired: Record) -> None:
        """Delete the bytes of one whose record is gone."""
        if expired.kind == KIND:
            with contextlib.suppress(OSError):
                self.path(expired.id).unlink()


def as_json(record: Record) -> Json:
    """The object of the API."""
    return {
        "id": record.id,
        "object": "file",
        "bytes": record.body["bytes"],
        "created_at": record.created,
        "expires_at": record.expires,
        "filename": record.body["filename"],
        "purpose": record.body["purpose"],
        "status": "processed",
        "status_details": None,
    }
