"""A journal of an older version, brought up to this one: numbered steps, forward only, each in one transaction.

Before the first step a copy of the whole journal is kept beside it. A step that fails leaves the journal as it was.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bridge.core.errors import JournalTooNew
from bridge.store import tables

#: Copies that stay beside a journal; the oldest goes first.
COPIES = 3


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step, from the version before."""

    to: int  #: the version that a journal has after it
    statements: tuple[str, ...]


#: What tables.py says today, minus these steps, is version 1: the journal of Qwen Bridge 0.1.
MIGRATIONS = (
    # An answer may be known to have been handed over though its payload was lost.
    Migration(
        to=2,
        statements=(
            "ALTER TABLE handling RENAME TO handling_1",
            """CREATE TABLE handling (
                job TEXT NOT NULL, answer TEXT NOT NULL, verdict TEXT, level TEXT, checked_at TEXT NOT NULL,
                delivered_at TEXT, delivered_to TEXT, payload BLOB, restored INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (job, answer)
            ) WITHOUT ROWID""",
            """INSERT INTO handling (job, answer, verdict, level, checked_at, delivered_at, delivered_to, payload)
                SELECT job, answer, verdict, level, checked_at, delivered_at, delivered_to, payload FROM handling_1""",
            "DROP TABLE handling_1",
        ),
    ),
    # Who signed an answer; those of older journals are not signed.
    Migration(to=3, statements=("ALTER TABLE cell ADD COLUMN signer TEXT",)),
    # Jobs may belong to a named batch.
    Migration(
        to=4,
        statements=(
            "ALTER TABLE cell ADD COLUMN batch TEXT",
            "CREATE INDEX cell_batch ON cell (batch) WHERE batch IS NOT NULL",
        ),
    ),
    # Counting and sorting fifty thousand jobs no longer reads their prompts.
    Migration(
        to=5,
        statements=(
            "DROP INDEX cell_state",
            """CREATE INDEX cell_state ON cell (
    state, created_at, position, place, kind, lease_until, lease_worker, lease_attempt, priority, model, caller, batch, parent, answer, signer
)""",
        ),
    ),
)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a journal to `tables.VERSION`; several processes may try at once, and one does it.

    Args:
        db: the journal, not in a transaction.
        path: of its file; copies are kept beside it.

    Raises:
        JournalTooNew: a newer version of this program wrote it; nothing was touched.
        sqlite3.Error, OSError: the step that failed was undone, and the copy is there.
    """
    found = _version(db)
    if found > tables.VERSION:
        raise JournalTooNew(str(path), version=found, known=tables.VERSION)
    for step in MIGRATIONS:
        if step.to > found:
            _take(step, db, path, copy_from=found)


def copy_of(path: Path, version: int) -> Path:
    """Where the copy of a journal is kept that was made before its first step from a version."""
    return path.with_name(f"{path.stem}.version-{version}{path.suffix}")


def _take(step: Migration, db: sqlite3.Connection, path: Path, *, copy_from: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)
        if version < step.to:  # else another process was faster
            if version == copy_from:
                _keep_copy(path, version)
            for statement in step.statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {step.to}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _keep_copy(path: Path, version: int) -> None:
    """Copy a journal that nobody can write now; for its owner only, whole or not at all."""
    target = copy_of(path, version)
    draft = target.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    others = [kept for kept in path.parent.glob(copy_of(path, 0).name.replace("-0", "-*")) if kept != target]
    for old in sorted(others, key=lambda kept: kept.stat().st_mtime_ns)[: max(0, len(others) + 1 - COPIES)]:
        old.unlink(missing_ok=True)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
