"""What a journal that was set aside knows and no notebook does, taken over by the one that follows it.

Reviews, hand-overs, what `bridge apply` wrote, and results that lost: without them an answer that its caller has would be
checked and sent again. A damaged journal gives what can still be read of it, and the one before it is asked too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

_TABLES = ("handling", "delivery", "applied", "result")


def carry_over(db: sqlite3.Connection, predecessors: Sequence[Path]) -> None:
    """Fill a new journal, within its transaction, from those that were set aside, newest first."""
    for path in predecessors:
        whole = [_take(db, path, table) for table in _TABLES]
        if all(whole):
            return


def _take(db: sqlite3.Connection, path: Path, table: str) -> bool:
    """Copy a table's rows, where none of that key is there; gives whether all of them could be read."""
    ours = {column["name"] for column in db.execute(f"PRAGMA table_info({table})")}
    rows = _rows(path, table)
    while True:
        try:
            row = next(rows, None)
        except (sqlite3.Error, ValueError):
            return False
        if row is None:
            return True
        names = [name for name in row.keys() if name in ours]  # noqa: SIM118  # a row iterates over its values
        marks = ", ".join("?" * len(names))
        db.execute(
            f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608  # our own names
            [row[name] for name in names],
        )


def _rows(path: Path, table: str) -> Iterator[sqlite3.Row]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as old:
        old.row_factory = sqlite3.Row
        yield from old.execute(f"SELECT * FROM {table}")  # noqa: S608  # a constant
