"""The journal: all that this side knows of a queue, in SQLite, committed to disk before a notebook is touched.

One per queue_id and user of this machine; several processes at once are normal (WAL, one writer at a time). Every cell is
kept as the bytes that stand in the notebook, so a notebook is written by joining rows, without parsing one.

A journal has a *writer id*, born with it: dots count up under that name. A journal that finds itself on another machine or
under another path, or that a notebook is ahead of (it was restored from a backup), takes a new one before it writes,
because a dot used twice would read as a deletion.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from bridge.core.errors import JournalError, QueueError, StorageFull
from bridge.core.job import Result, to_iso
from bridge.format import json_bytes, prompt_cell
from bridge.format.cell import Cell, CellKind
from bridge.format.codec import Part
from bridge.format.raw_cell import Dots
from bridge.store import rows, tables
from bridge.store.rows import FileVersion, NotebookRow


class Journal:
    """One queue's journal. Not for use by two threads at once: the store takes care of that."""

    def __init__(self, path: Path, *, queue_id: str, fingerprint: str, new_writer: Callable[[], str]) -> None:
        """Open it, or make it. `fingerprint` names this machine and path. Raises JournalError if it is damaged."""
        self.path = path
        self.queue_id = queue_id
        self._new_writer = new_writer
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise _translated(error, path) from error
        try:
            # SQLite does not wait for its turn to switch a new file to WAL: it fails if another process does so too.
            with FileLock(path.with_suffix(".opening"), timeout=60):
                self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = FULL")
            self._prepare(fingerprint)
        except (sqlite3.Error, OSError) as error:
            self.db.close()
            raise _translated(error, path) from error

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it ends. Inside another one it is a part of that."""
        if self.db.in_transaction:
            yield
            return
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:  # some failures end it by themselves
                    self.db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    # ---- who writes

    @property
    def writer(self) -> str:
        """The writer id."""
        return self._meta("writer")

    @property
    def counter(self) -> int:
        """The highest dot given out under this writer id."""
        return int(self._meta("counter"))

    def take_dots(self, n: int) -> int:
        """Reserve n dots; gives the first."""
        first = self.counter + 1
        self._set_meta("counter", str(first + n - 1))
        return first

    def renew_writer(self) -> str:
        """Take a new writer id and start counting again."""
        self._set_meta("writer", self._new_writer())
        self._set_meta("counter", "0")
        return self.writer

    # ---- places

    def places(self, kind: str | None = None) -> list[NotebookRow]:
        """All notebooks, parts by number first, then archives by name."""
        records = self.db.execute(
            rows.SELECT_NOTEBOOK + " WHERE ?1 IS NULL OR kind = ?1 ORDER BY kind DESC, number, name",
            (kind,),
        )
        return [rows.read_notebook_row(record) for record in records]

    def is_empty(self) -> bool:
        """Whether it knows no notebook yet: it is new."""
        return self.db.execute("SELECT 1 FROM place LIMIT 1").fetchone() is None

    def place(self, place: int) -> NotebookRow:
        """One notebook."""
        row = self.db.execute(rows.SELECT_NOTEBOOK + " WHERE id = ?", (place,)).fetchone()
        return rows.read_notebook_row(row)

    def place_named(self, name: str) -> NotebookRow | None:
        """The notebook of that name."""
        row = self.db.execute(rows.SELECT_NOTEBOOK + " WHERE name = ?", (name,)).fetchone()
        return rows.read_notebook_row(row) if row else None

    def last_archive(self, prefix: str) -> NotebookRow | None:
        """Our newest archive notebook whose name starts so."""
        row = self.db.execute(
            rows.SELECT_NOTEBOOK
            + " WHERE kind = 'archive' AND own = 1 AND name >= ?1 AND name < ?1 || x'ff' ORDER BY id DESC LIMIT 1",
            (prefix,),
        ).fetchone()
        return rows.read_notebook_row(row) if row else None

    def lagging(self, location: str) -> list[NotebookRow]:
        """Our notebooks whose file at this location does not show what is here, in order."""
        records = self.db.execute(
            "SELECT p.id, kind, number, name, own, context, extras, p.rev FROM place p"
            " LEFT JOIN seen s ON s.path = ?1 || '/' || p.name"
            " WHERE own = 1 AND s.rev IS NOT p.rev ORDER BY kind, number, name",
            (location,),
        )
        return [rows.read_notebook_row(record) for record in records]

    def add_place(self, *, kind: str, number: int, name: str, own: bool = True) -> NotebookRow:
        """A new, empty notebook."""
        self.db.execute("INSERT INTO place (kind, number, name, own) VALUES (?, ?, ?, ?)", (kind, number, name, own))
        found = self.place_named(name)
        assert found is not None
        return found

    def adopt_place(self, place: int) -> None:
        """From now on this journal writes the notebook, whoever did before."""
        self.db.execute("UPDATE place SET own = 1 WHERE id = ?", (place,))

    def update_place(self, place: int, *, context: Mapping[str, int], extras: Mapping[str, Any]) -> None:
        """Set what the notebook's metadata says."""
        self.db.execute(
            "UPDATE place SET context = ?, extras = ? WHERE id = ?",
            (json_bytes.dumps(dict(context)).decode(), json_bytes.dumps(dict(extras)).decode(), place),
        )

    def touch(self, place: int) -> None:
        """Its content changed: files of it lag behind now."""
        self.db.execute("UPDATE place SET rev = rev + 1 WHERE id = ?", (place,))

    def room(self, place: int) -> tuple[int, int]:
        """(jobs, expected bytes) in a notebook."""
        row = self.db.execute(
            "SELECT coalesce(sum(kind = 'job'), 0), coalesce(sum(size), 0) FROM cell WHERE place = ?", (place,)
        ).fetchone()
        return int(row[0]), int(row[1])

    # ---- cells

    def part(self, place: NotebookRow) -> Part:
        """A notebook's cells as the journal has them."""
        records = self.db.execute("SELECT id, kind, position, dots, raw FROM cell WHERE place = ?", (place.id,))
        cells = (rows.read_cell(record) for record in records)
        return Part(
            queue_id=self.queue_id,
            number=place.number,
            context=place.context,
            cells={cell.id: cell for cell in cells},
            metadata=place.extras,
        )

    def rendered(self, place: int) -> list[bytes]:
        """A notebook's cells as the bytes that stand in its file, in order."""
        records = self.db.execute("SELECT raw FROM cell WHERE place = ? ORDER BY position, id", (place,))
        return [record[0] for record in records]

    def cell(self, job: str) -> tuple[Cell, int] | None:
        """A job's cell and the place where it is."""
        row = self.db.execute(
            "SELECT id, kind, position, dots, raw, place FROM cell WHERE id = ? AND kind = 'job'", (job,)
        ).fetchone()
        return (rows.read_cell(row[:5]), int(row[5])) if row else None

    def whereabouts(self, ids: Iterable[str]) -> dict[str, tuple[int, Dots]]:
        """{job: (place, dots)} of those that the journal knows."""
        found: dict[str, tuple[int, Dots]] = {}
        wanted = list(ids)
        for start in range(0, len(wanted), 500):
            chunk = wanted[start : start + 500]
            marks = ",".join("?" * len(chunk))
            records = self.db.execute(
                f"SELECT id, place, dots FROM cell WHERE kind = 'job' AND id IN ({marks})",  # noqa: S608  # question marks only
                chunk,
            )
            found |= {record[0]: (record[1], json_bytes.loads(record[2].encode())) for record in records}
        return found

    def put(self, place: int, cells: Iterable[Cell], *, now: datetime) -> None:
        """Write cells: what they say now, every content and every result they ever had."""
        records, histories, results = [], [], []
        for cell in cells:
            records.append(rows.cell_row(place, cell))
            edit = cell.job.edit if cell.kind is CellKind.JOB else cell.note_edit
            histories.append((cell.id, cell.digest, edit))
            if cell.kind is CellKind.JOB:
                results += [rows.result_row(cell.id, result, now) for result in cell.job.results]
                self.db.execute("DELETE FROM cell WHERE id = ? AND kind = 'job' AND place != ?", (cell.id, place))
        self.db.executemany(rows.PUT_CELL, records)
        self.db.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?)", histories)
        self.db.executemany("INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?)", results)

    def remove_note(self, place: int, note: str) -> None:
        """Forget a note that was deleted from its notebook; its last content stays in no notebook."""
        self.db.execute("UPDATE OR REPLACE cell SET place = 0 WHERE place = ? AND id = ?", (place, note))

    def results(self, job: str) -> tuple[Result, ...]:
        """Every result of a job that was ever seen."""
        records = self.db.execute("SELECT output FROM result WHERE job = ? ORDER BY digest", (job,))
        return tuple(
            result
            for record in records
            for result in prompt_cell.read_results({"outputs": [json_bytes.loads(record[0])]}, job)[0]
        )

    def history(self, cell: str) -> dict[str, int]:
        """{digest of a content: edit number} of all that a cell ever said."""
        return dict(self.db.execute("SELECT digest, edit FROM history WHERE cell = ?", (cell,)))

    def aliases(self) -> dict[str, str]:
        """{id that an editor gave: id adopted under}."""
        return dict(self.db.execute("SELECT native, cell FROM alias"))

    def add_alias(self, native: str, cell: str) -> None:
        """Remember that an editor knows an adopted cell under another id."""
        self.db.execute("INSERT OR REPLACE INTO alias VALUES (?, ?)", (native, cell))

    # ---- files

    def seen(self, path: str) -> FileVersion | None:
        """What was last seen of a file."""
        row = self.db.execute(rows.SELECT_FILE_VERSION + " WHERE path = ?", (path,)).fetchone()
        return rows.read_file_version(row) if row else None

    def see(self, path: str, seen: FileVersion) -> None:
        """Remember what was seen of a file."""
        self.db.execute(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows.file_version_row(path, seen)
        )

    def unadopted(self, location: str) -> int:
        """Prompts in the files at a location that no command has taken in yet."""
        row = self.db.execute(
            "SELECT coalesce(sum(loose_jobs), 0) FROM seen WHERE place > 0 AND substr(path, 1, length(?1) + 1) = ?1 || '/'",
            (location,),
        ).fetchone()
        return int(row[0])

    def forget_file(self, path: str) -> None:
        """A file is not there any more."""
        self.db.execute("DELETE FROM seen WHERE path = ?", (path,))

    # ---- doubts

    def suspect_deletion(self, place: int, jobs: Iterable[str], now: datetime) -> None:
        """Note jobs that a version lacked, which was not believed."""
        self.db.executemany("INSERT OR IGNORE INTO doubt VALUES (?, ?, ?)", [(place, job, to_iso(now)) for job in jobs])

    def doubted(self) -> list[str]:
        """Jobs that a version would have cancelled, and that are still open."""
        records = self.db.execute(
            "SELECT job FROM doubt JOIN cell ON cell.id = job WHERE cell.state = 'queued' ORDER BY job"
        )
        return [record[0] for record in records]

    def settle_suspect_deletions(self) -> None:
        """The doubted deletions were confirmed or dismissed."""
        self.db.execute("DELETE FROM doubt")

    def version(self) -> int:
        """A number that changes when another process has written to the journal; costs microseconds."""
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    # ---- set-up

    def _prepare(self, fingerprint: str) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in tables.SCHEMA.split(";\n"):
                self.db.execute(statement)
            self.db.execute(f"PRAGMA user_version = {tables.VERSION}")
            self._set_meta("queue_id", self.queue_id)
            self._set_meta("fingerprint", fingerprint)
            self.renew_writer()
        elif version != tables.VERSION:
            raise sqlite3.DatabaseError(f"it has version {version}, this program writes {tables.VERSION}")
        elif self._meta("fingerprint") != fingerprint:
            self._set_meta("fingerprint", fingerprint)
            self.renew_writer()
        self.db.execute("COMMIT")

    def _meta(self, name: str) -> str:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise sqlite3.DatabaseError(f"its {name} is missing")
        return str(row[0])

    def _set_meta(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _translated(error: sqlite3.Error | OSError, path: Path) -> QueueError:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StorageFull(f"no space left for the journal {path}: free some and run the command again")
    return JournalError(f"the journal {path} cannot be used: {error}; `bridge rebuild --journal` makes a new one")
