"""What the gateway remembers between requests: responses, files, batches. One SQLite file in the local state folder.

A record is one JSON object with a kind, an id and a time to live. Jobs are not kept here: their truth is the queue, and a record only
names the job that answers it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from bridge.core import files
from bridge.core.errors import JournalError, StorageFull

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS record (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER, caller TEXT NOT NULL, job TEXT,
  body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_by_age ON record (kind, created, id);
CREATE INDEX IF NOT EXISTS record_by_end ON record (expires) WHERE expires IS NOT NULL;
"""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Something that a client can ask for again. Times are seconds since 1970."""

    id: str
    kind: str
    created: int
    caller: str
    body: dict[str, object] = field(repr=False)
    expires: int | None = None
    job: str | None = None  #: of the queue


class Records:
    """The file. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it.

        Raises:
            JournalError: it is damaged, or of a newer version.
            StorageFull: no space.
        """
        self.path = path
        self._lock = threading.Lock()
        try:
            files.keep_private(path.parent)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise JournalError(f"{path} was written by a newer Qwen Bridge: update it here, or move the file away")
            self._db.executescript(_TABLES)
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        except (sqlite3.Error, OSError) as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def put(self, *records: Record) -> None:
        """Write records, all or none; on disk when this returns."""
        rows = [(r.id, r.kind, r.created, r.expires, r.caller, r.job, orjson.dumps(r.body)) for r in records]
        with self._changing() as db:
            db.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def get(self, kind: str, name: str, *, now: datetime) -> Record | None:
        """The record, if it is there and has not expired."""
        with self._lock:
            row = self._db.execute("SELECT * FROM record WHERE id = ? AND kind = ?", (name, kind)).fetchone()
        record = _record(row) if row else None
        if record is None or (record.expires is not None and record.expires <= now.timestamp()):
            return None
        return record

    def listed(
        self, kind: str, *, after: str | None, limit: int, newest_first: bool = True, purpose: str | None = None
    ) -> list[Record]:
        """A page: so many records, behind the one that is named. `purpose`: only files with this one."""
        sign, order = ("<", "DESC") if newest_first else (">", "ASC")
        where, values = "", ()
        with self._lock:
            if after is not None:
                found = self._db.execute("SELECT created, id FROM record WHERE id = ?", (after,)).fetchone()
                if found is None:
                    return []
                where, values = f"AND (created, id) {sign} (?, ?)", tuple(found)
            rows = self._db.execute(
                f"SELECT * FROM record WHERE kind = ? AND (? IS NULL OR json_extract(CAST(body AS TEXT), '$.purpose') = ?)"  # noqa: S608
                f" {where} ORDER BY created {order}, id {order} LIMIT ?",
                (kind, purpose, purpose, *values, limit),
            ).fetchall()
        return [_record(row) for row in rows]

    def delete(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        with self._changing() as db:
            return db.execute("DELETE FROM record WHERE id = ? AND kind = ?", (name, kind)).rowcount > 0

    def expire(self, now: datetime) -> Sequence[Record]:
        """Forget what has expired; gives it."""
        with self._changing() as db:
            rows = db.execute("DELETE FROM record WHERE expires <= ? RETURNING *", (int(now.timestamp()),)).fetchall()
        return [_record(row) for row in rows]

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise self._translated(error) from error

    def _translated(self, error: Exception) -> JournalError | StorageFull:
        if "full" in str(error):
            return StorageFull(f"no space left for {self.path}: free some and try again")
        return JournalError(f"{self.path} cannot be used ({error})")


def _record(row: sqlite3.Row) -> Record:
    return Record(
        id=row["id"],
        kind=row["kind"],
        created=row["created"],
        expires=row["expires"],
        caller=row["caller"],
        job=row["job"],
        body=orjson.loads(row["body"]),
    )
